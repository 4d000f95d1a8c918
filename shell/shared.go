package shell

import (
	"sync/atomic"

	"wiped/engine"
)

// shared holds the newest line of jobs: a line that a thousand sessions show is made once. It is bounded, and what it no longer
// holds is made again.
type shared [64]atomic.Pointer[sharedLine]

type sharedLine struct {
	job, seq uint64
	text     string
}

// line returns what write makes of an update, which it must make of nothing else. An update without a number is not shared.
func (s *shared) line(u engine.Update, write func(engine.Update) string) string {
	if u.Seq == 0 {
		return write(u)
	}
	slot := &s[u.Job%uint64(len(s))]
	if l := slot.Load(); l != nil && l.job == u.Job && l.seq == u.Seq {
		return l.text
	}
	text := write(u)
	slot.Store(&sharedLine{u.Job, u.Seq, text})
	return text
}
