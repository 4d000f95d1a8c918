package engine

import (
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/journal"
)

// steady tells the time of one job's records: the station's clock as it was when the job began, or went on, and from
// then on as much as has passed. A clock that is set forth or back meanwhile changes no duration on a certificate.
type steady struct {
	began journal.Time
	since time.Duration
}

// steadyFrom begins at the station's time, but never before what is on record already.
func steadyFrom(wall time.Time, latest journal.Time) steady {
	s := steady{journal.At(wall), sinceBoot()}
	if latest.After(s.began.Time) {
		s.began = latest
	}
	return s
}

func (s steady) now() journal.Time { return journal.At(s.began.Add(sinceBoot() - s.since)) }

// sinceBoot counts the time that the station slept, too.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // Linux has had it since 2.6.39
	}
	return time.Duration(t.Nano())
}
