package target

import (
	"sync"
	"time"
)

// Slow is a drive that reads and writes so many bytes a second.
type Slow struct {
	Device
	now func() time.Time

	mu   sync.Mutex
	rate int64
	free time.Time // when it has done what it was told already
}

// NewSlow makes a drive slow; rate is in bytes a second, and 0 is as fast as it goes.
func NewSlow(d Device, rate int64, now func() time.Time) *Slow {
	return &Slow{Device: d, rate: rate, now: now}
}

// SetRate makes it faster or slower from the next command on.
func (s *Slow) SetRate(rate int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate = rate
}

// Do is Device. What is moved takes its time, one command after the other.
func (s *Slow) Do(c Command) Outcome {
	o := s.Device.Do(c)
	if _, ok := ParseAccess(Normal(c.CDB)); !ok || o.Never || o.Then != nil {
		return o
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rate == 0 {
		return o
	}
	moved := int64(max(len(o.Data), len(c.Out)))
	if now := s.now(); s.free.Before(now) {
		s.free = now
	}
	s.free = s.free.Add(time.Duration(moved * int64(time.Second) / s.rate))
	return Outcome{Wait: s.free.Sub(s.now()), Then: func() Outcome { return o }}
}
