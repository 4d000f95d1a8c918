package nvmetcp

import (
	"math"
	"time"
)

// Sanitize actions: CDW10 2:0 (base specification 1.4, 5.24).
const (
	actionExitFailure = 1
	actionBlock       = 2
	actionOverwrite   = 3
	actionCrypto      = 4
)

// Sanitize status: SSTAT 2:0 of log page 81h (5.14.1.16.2).
const (
	sanitizeNever     = 0
	sanitizeSucceeded = 1
	sanitizeRunning   = 2
	sanitizeHasFailed = 3
)

// SANICAP bits (5.15.2.2).
const (
	canCrypto      = 1 << 0
	canBlock       = 1 << 1
	canOverwrite   = 1 << 2
	neverStaysFull = 1 << 29 // No-Deallocate Inhibited
)

// sanitizeState is what the drive knows of its last sanitize.
type sanitizeState struct {
	phase        byte
	word         uint32 // CDW10 of the command that log 81h names
	action       uint32
	passes       uint32 // of an overwrite, 1 to 16
	pattern      uint32
	unrestricted bool
	locked       bool // it failed, and nothing has made up for that yet
	erased       bool // Global Data Erased
	failures     int  // that are still to come
	job          *job // nil: it does not run
}

func newSanitizeState(c Config) sanitizeState {
	st := sanitizeState{erased: c.Fill == "", failures: c.Failures}
	switch {
	case c.Sanitize == SanitizeStale:
		st.phase, st.word = sanitizeSucceeded, c.StaleWord
	case c.Sanitize == SanitizeOther:
		st.phase, st.word = sanitizeSucceeded, otherWord(0)
	}
	return st
}

// otherWord is the CDW10 of another sanitize command.
func otherWord(word uint32) uint32 {
	if word&7 == actionCrypto {
		return actionBlock
	}
	return actionCrypto
}

// capability tells whether SANICAP has an action.
func capability(sanicap, action uint32) bool {
	bit := map[uint32]uint32{actionBlock: canBlock, actionOverwrite: canOverwrite, actionCrypto: canCrypto}[action]
	return sanicap&bit != 0
}

// judgeSanitize says with which status a sanitize command is to be refused, by the drive's state and abilities.
func (s *Subsystem) judgeSanitize(word uint32) status {
	st, action := &s.sanitize, word&7
	restricted := st.locked && !st.unrestricted
	switch {
	case st.phase == sanitizeRunning:
		return sanitizeInProgress
	case action == actionExitFailure && restricted:
		return sanitizeFailed
	case action == actionExitFailure:
		return success
	case !capability(s.config.SaniCap, action):
		return invalidField
	case restricted && word>>3&1 != 0:
		return sanitizeFailed
	case word>>9&1 != 0 && s.config.SaniCap&neverStaysFull != 0:
		return invalidField
	}
	for _, n := range s.namespaces {
		switch {
		case n.ReadOnly:
			return writeProtected
		case n.format != nil:
			return formatInProgress
		}
	}
	return success
}

func (s *Subsystem) startSanitize(r request) reply {
	word := r.dw(10)
	if refusal := s.judgeSanitize(word); refusal != success {
		return fail(refusal)
	}
	if s.config.Refuse != success {
		return fail(s.config.Refuse)
	}
	st := &s.sanitize
	switch {
	case word&7 == actionExitFailure:
		st.locked = false
		return reply{}
	case s.config.Sanitize == SanitizeForget: // acknowledged, and nothing is done
		return reply{}
	case s.config.Sanitize == SanitizeStale:
		st.word = word
		return reply{}
	case s.config.Sanitize == SanitizeOther:
		st.word = otherWord(word)
		return reply{}
	}
	s.beginSanitize(word, r.dw(11))
	return reply{}
}

func (s *Subsystem) beginSanitize(word, pattern uint32) {
	st := &s.sanitize
	st.phase, st.word, st.action, st.pattern = sanitizeRunning, word, word&7, pattern
	st.unrestricted = word>>3&1 != 0
	st.passes = word >> 4 & 15
	if st.passes == 0 {
		st.passes = 16
	}
	if s.config.Sanitize == SanitizeOtherRan {
		st.word = otherWord(word)
	}
	for _, c := range s.controllers {
		c.untold, c.unfetched = false, false
	}
	st.job = s.newJob(s.config.Took, func(float64) { s.endSanitize() })
	if s.config.Sanitize == SanitizeHang {
		s.silent = true
	}
}

// newJob starts something that takes its time, from now.
func (s *Subsystem) newJob(took time.Duration, end func(float64)) *job {
	j := &job{took: took, limit: 1, since: s.clock.Now(), end: end}
	if s.config.NeverEnds > 0 {
		j.limit, j.took = s.config.NeverEnds, max(took, time.Second)
	}
	s.jobs = append(s.jobs, j)
	return j
}

func (s *Subsystem) endSanitize() {
	st := &s.sanitize
	st.job = nil
	fails, part := st.failures != 0, s.config.SanitizeErases
	if fails {
		st.failures = max(st.failures-1, -1)
		part = 0.5
	}
	if err := s.wipeAll(st.image(s.config), part); fails || err != nil {
		st.phase, st.locked = sanitizeHasFailed, true
	} else {
		st.phase, st.locked, st.erased = sanitizeSucceeded, false, true
	}
	for _, c := range s.controllers {
		s.afterwards(c.tell())
	}
}

// wipeAll brings a part of every namespace, the detached ones too, to a pattern.
func (s *Subsystem) wipeAll(p pattern, part float64) error {
	var first error
	for _, n := range s.namespaces {
		if err := n.wipe(p, part); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// image is what the media hold after the action.
func (st *sanitizeState) image(c Config) pattern {
	switch {
	case c.After != nil:
		return c.After
	case st.action == actionOverwrite:
		return wordPattern(st.pattern) // with and without OIPBP the last pass writes it as it is
	case st.action == actionCrypto:
		return rekey()
	}
	return wordPattern(0)
}

// sanitizeLog is log page 81h, 512 bytes.
func (s *Subsystem) sanitizeLog() []byte {
	b := make([]byte, 512)
	st := s.sanitize
	if s.config.Sanitize == SanitizeForgetRan || s.config.Sanitize == SanitizeForgetAfter && st.job == nil {
		st = sanitizeState{}
	}
	progress, sstat := uint16(math.MaxUint16), uint16(st.phase)
	var done float64
	switch {
	case st.job != nil:
		done = st.job.progress(s.clock.Now())
		progress = uint16(min(done*65536, math.MaxUint16-1))
	case st.phase == sanitizeSucceeded:
		done = 1
	}
	if st.action == actionOverwrite {
		sstat |= uint16(done*float64(st.passes)) << 3
	}
	if st.erased {
		sstat |= 1 << 8
	}
	le.PutUint16(b, progress)
	le.PutUint16(b[2:], sstat)
	le.PutUint32(b[4:], st.word)
	for at, e := range [6]uint32{
		s.config.Estimates.Overwrite, s.config.Estimates.Block, s.config.Estimates.Crypto,
		s.config.Estimates.Overwrite, s.config.Estimates.Block, s.config.Estimates.Crypto,
	} {
		le.PutUint32(b[8+4*at:], e)
	}
	copy(b, s.config.RawSanitizeLog)
	return b
}
