package scsi

import (
	"fmt"
	"time"

	"wiped/engine/drive/internal/sg"
)

const (
	askTime   = 5 * time.Second
	orderTime = 45 * time.Second // for a command that is to return at once; the kernel aborts what takes longer
	// attentions is how often a drive may answer with a unit attention, of which it can have several in store.
	attentions = 8
	// room in bytes for an answer of unknown length, as much as the oldest commands can ask for: bridges have hung at more.
	room = 252
)

// unit is a logical unit that commands are sent to. It keeps nothing of what it was told.
type unit struct{ dev sg.Device }

// refusal is an answer other than GOOD.
type refusal struct{ sg.Result }

func (r refusal) Error() string { return r.Result.String() }

// attention tells whether an answer is only the news that something happened: the command was not done (SAM-6 section 5.14).
func attention(r sg.Result) bool {
	return r.Status == sg.CheckCondition && r.Sense.Present && !r.Sense.Deferred && r.Sense.Key == sg.UnitAttention
}

// ask sends a command that changes nothing until the drive answers it, and gives what came back, at most size bytes. The
// error is a refusal if there was an answer.
func (u unit) ask(size int, cdb ...byte) ([]byte, error) {
	var r sg.Result
	for range attentions {
		in := make([]byte, size)
		var err error
		if r, err = u.dev.Do(sg.Command{CDB: cdb, In: in, Timeout: askTime}); err != nil {
			return nil, err
		}
		if r.OK() || r.Status == sg.CheckCondition && r.Sense.Present && r.Sense.Key == sg.Recovered {
			return in[:min(max(r.Got, 0), size)], nil
		}
		if !attention(r) {
			break
		}
	}
	return nil, refusal{r}
}

// patience stops asking a drive that lost two answers: each took as long as a question may take.
type patience struct {
	sg.Device
	lost int
	err  error
}

func (p *patience) Do(c sg.Command) (sg.Result, error) {
	if p.lost >= 2 {
		return sg.Result{}, fmt.Errorf("not sent, after answers were lost: %w", p.err)
	}
	r, err := p.Device.Do(c)
	if err != nil {
		p.lost++
		p.err = err
	}
	return r, err
}
