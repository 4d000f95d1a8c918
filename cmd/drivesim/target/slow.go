package target

import (
	"sync"
	"time"
)

// slow is a drive that reads and writes so many bytes a second.
type slow struct {
	Device
	rate int64
	now  func() time.Time

	mu   sync.Mutex
	free time.Time // when it has done what it was told already
}

// Slow makes a drive slow; rate is in bytes a second.
func Slow(d Device, rate int64, now func() time.Time) Device {
	return &slow{Device: d, rate: rate, now: now}
}

// Do is Device. What is moved takes its time, one command after the other.
func (s *slow) Do(c Command) Outcome {
	o := s.Device.Do(c)
	if _, ok := ParseAccess(Normal(c.CDB)); !ok || o.Never || o.Then != nil {
		return o
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := int64(max(len(o.Data), len(c.Out)))
	if now := s.now(); s.free.Before(now) {
		s.free = now
	}
	s.free = s.free.Add(time.Duration(moved * int64(time.Second) / s.rate))
	return Outcome{Wait: s.free.Sub(s.now()), Then: func() Outcome { return o }}
}
