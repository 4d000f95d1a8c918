package scsi

import (
	"errors"
	"fmt"

	"wiped/engine/drive/internal/sg"
)

// state is what a drive is doing, as its sense data tell.
type state int

const (
	unknown  state = iota
	attended       // a unit attention: there is more to say
	quiet          // nothing to report
	ready          // nothing to report, and it takes commands
	startingUp
	notReady
	sanitizing
	formatting
	sanitizeFailed
	formatFailed
	corrupt // the format is not complete, or not what was asked for
)

// states are the additional sense codes that say what a drive is doing: SBC-4 sections 4.11 and 4.33. The keys are those
// of the standards, and those that older drives use for the same.
var states = []struct {
	asc, ascq byte
	state     state
	keys      []byte
}{
	{0x04, 0x01, startingUp, []byte{sg.NotReady}},
	{0x04, 0x04, formatting, []byte{sg.NotReady, sg.NoSense}},
	{0x04, 0x1b, sanitizing, []byte{sg.NotReady, sg.NoSense}},
	{0x31, 0x00, corrupt, []byte{sg.MediumError, sg.NotReady, sg.HardwareError}},
	{0x31, 0x01, formatFailed, []byte{sg.MediumError, sg.NotReady, sg.HardwareError}},
	{0x31, 0x03, sanitizeFailed, []byte{sg.MediumError, sg.NotReady, sg.HardwareError}},
}

func classify(s sg.Sense) state {
	for _, known := range states {
		for _, key := range known.keys {
			if s.Is(key, known.asc, known.ascq) {
				return known.state
			}
		}
	}
	switch aboutState := s.ASC == 0x04 || s.ASC == 0x31; {
	case !s.Present:
		return unknown
	case s.Key == sg.UnitAttention:
		return attended
	case s.Key == sg.NotReady:
		return notReady
	case (s.Key == sg.NoSense || s.Key == sg.Recovered) && !aboutState: // a warning, or a low power condition
		return quiet
	}
	return unknown
}

// condition is the state of a drive and what told so.
type condition struct {
	state   state
	sense   sg.Sense
	source  string
	changed bool // a unit attention said meanwhile that the medium may be another one
}

func (c condition) String() string {
	if c.state == ready {
		return "ready, " + c.sense.String()
	}
	return c.sense.String()
}

// done is the part of an operation under way that is done; negative: the drive does not say.
func (c condition) done() float64 {
	if !c.sense.HasProgress {
		return -1
	}
	return float64(c.sense.Progress) / 65536
}

// busy says what the drive is doing to itself; empty: nothing.
func (c condition) busy() string {
	word := map[state]string{sanitizing: "sanitizing", formatting: "formatting"}[c.state]
	if word != "" && c.done() >= 0 {
		word += fmt.Sprintf(", %d %% done", int(100*c.done()))
	}
	return word
}

const (
	requestSense  = "REQUEST SENSE"
	testUnitReady = "TEST UNIT READY"
)

// condition asks REQUEST SENSE, and where that tells nothing TEST UNIT READY: some drives show the progress of a format
// only there, and a failed sanitize is not among what REQUEST SENSE has to report. A drive is ready only if it is so by
// both. Unit attentions are taken note of and asked away, and so is an error without sense data, which may be one. The
// error of condition is for a drive that answered nothing of use.
func (u unit) condition() (c condition, err error) {
	changed := false
	for range attentions {
		if c, err = u.requestSense(); err != nil {
			return c, err
		}
		if c.state == unknown || c.state == quiet {
			if c, err = u.testUnitReady(c); err != nil {
				return c, err
			}
		}
		changed = changed || c.state == attended && c.sense.ASC == mediumChange
		c.changed = changed
		if c.state != attended && c.state != quiet && (c.state != unknown || c.sense.Present) {
			return c, nil
		}
	}
	if c.state == attended {
		return c, errors.New("it gives one unit attention after another")
	}
	c.state = unknown
	return c, nil
}

// mediumChange is the additional sense code of NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED.
const mediumChange = 0x28

// requestSense gives what the drive reports; of a drive that refuses the command, the sense data of that.
func (u unit) requestSense() (condition, error) {
	in := make([]byte, room)
	r, err := u.dev.Do(sg.Command{CDB: []byte{0x03, 0, 0, 0, room, 0}, In: in, Timeout: askTime})
	switch {
	case err != nil:
		return condition{}, fmt.Errorf("%s: %w", requestSense, err)
	case r.OK():
		s := sg.ParseSense(in[:min(max(r.Got, 0), room)])
		return condition{state: classify(s), sense: s, source: requestSense}, nil
	case r.Status == sg.CheckCondition:
		return refused(r.Sense, requestSense), nil
	}
	return condition{}, fmt.Errorf("%s: %w", requestSense, refusal{r})
}

// testUnitReady asks a drive that reported nothing, or nothing that is understood. The latter can be of an earlier command,
// and is forgotten then: a drive that takes commands is only quiet, and to be asked again.
func (u unit) testUnitReady(reported condition) (condition, error) {
	r, err := u.dev.Do(sg.Command{CDB: make([]byte, 6), Timeout: askTime})
	switch {
	case err != nil:
		return reported, fmt.Errorf("%s: %w", testUnitReady, err)
	case r.OK() && reported.state == quiet:
		reported.state = ready
		return reported, nil
	case r.OK():
		reported.state = quiet
		return reported, nil
	case r.Status == sg.CheckCondition:
		return refused(r.Sense, testUnitReady), nil
	}
	return reported, fmt.Errorf("%s: %w", testUnitReady, refusal{r})
}

// refused is the condition of a drive that refused one of the two questions, which no drive does that has nothing to report.
func refused(s sg.Sense, source string) condition {
	c := condition{state: classify(s), sense: s, source: source}
	if c.state == quiet {
		c.state = unknown
	}
	return c
}
