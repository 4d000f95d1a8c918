package nvmetcp

import (
	"slices"
	"time"
)

// job is something that the drive does to its media, and that takes time. It can be held up by a loss of power.
type job struct {
	took  time.Duration
	limit float64       // part at which it stays for ever, 0 to 1; 1: it ends
	done  time.Duration // before since
	since time.Time
	held  bool
	lost  bool // a loss of power ends it instead of holding it up
	end   func(done float64)
}

// progress is the part that is done, 0 to 1.
func (j *job) progress(now time.Time) float64 {
	done := j.done
	if !j.held {
		done += now.Sub(j.since)
	}
	if j.took <= 0 {
		return j.limit
	}
	return min(float64(done)/float64(j.took), j.limit)
}

// when tells at what time a part will be done; ok is false if that will not be.
func (j *job) when(part float64) (at time.Time, ok bool) {
	if j.held || part > j.limit {
		return time.Time{}, false
	}
	return j.since.Add(time.Duration(part*float64(j.took)) - j.done), true
}

func (j *job) hold(at time.Time) {
	if !j.held {
		j.done += at.Sub(j.since)
		j.held = true
	}
}

func (j *job) resume(at time.Time) { j.since, j.held = at, false }

// event is something that is due.
type event struct {
	at time.Time
	do func(at time.Time)
}

// settle does everything that is due, in the order of its time, and asks the clock for the next.
func (s *Subsystem) settle() {
	now := s.clock.Now()
	next, ok := s.next()
	for ok && !next.at.After(now) {
		next.do(next.at)
		next, ok = s.next()
	}
	if s.disarm != nil {
		s.disarm()
		s.disarm = nil
	}
	if ok && !s.vanished {
		s.disarm = s.clock.AfterFunc(next.at.Sub(now), s.tick)
	}
}

// next is the earliest event ahead.
func (s *Subsystem) next() (first event, ok bool) {
	add := func(at time.Time, do func(time.Time)) {
		if !ok || at.Before(first.at) {
			first, ok = event{at, do}, true
		}
	}
	if s.vanished {
		return event{}, false
	}
	if s.power.dark {
		add(s.power.until, s.powerOn)
	}
	for _, j := range s.jobs {
		if at, will := j.when(s.config.CutAt); will && s.config.Cut != CutNone && !s.power.cut {
			add(at, s.cut)
		}
		if at, will := j.when(1); will {
			add(at, func(time.Time) { s.finish(j, 1) })
		}
	}
	return first, ok
}

// finish ends a job of which a part was done.
func (s *Subsystem) finish(j *job, done float64) {
	s.jobs = slices.DeleteFunc(slices.Clone(s.jobs), func(other *job) bool { return other == j })
	j.end(done)
}

// cut takes the subsystem away in the middle of a job: for good, or until it has power again.
func (s *Subsystem) cut(at time.Time) {
	s.power.cut = true
	for _, c := range s.controllers {
		c.config = 0
	}
	clear(s.controllers)
	if s.config.Cut == CutVanish {
		s.vanished = true
		s.afterwards(s.server.close)
		return
	}
	s.power.dark, s.power.until = true, at.Add(s.config.Dark)
	s.counters.unsafe++
	for _, j := range s.jobs {
		if j.lost {
			s.finish(j, j.progress(at))
			continue
		}
		j.hold(at)
	}
	s.afterwards(s.server.drop)
}

func (s *Subsystem) powerOn(at time.Time) {
	s.power.dark = false
	s.counters.cycles++
	for _, j := range s.jobs {
		j.resume(at)
	}
}
