package engine

import (
	"fmt"
	"slices"
	"time"

	"wiped/engine/wipe"
)

// Limits is how much patience jobs have with sick drives. A zero is replaced by what defaultLimits says.
type Limits struct {
	Silence       time.Duration // a read or write may be out so long
	FlushSilence  time.Duration // and so long a flush
	CachedSilence time.Duration // and so long either, where it goes through the system's cache
	HaltSilence   time.Duration // and so long any, once the job was told to stop; Silence where it goes through the cache

	Failing time.Duration // so much of a job's requests may have been spent on failing
	DeadRow int64         // so many bytes in a row may have failed, in whole blocks

	FastWindow time.Duration // the best rate of a drive is that over such a time
	SlowWindow time.Duration // and it is slow if it was so over such a time, in which nothing failed:
	SlowShare  float64       // below this share of its best,
	SlowFloor  float64       // below so many bytes a second,
	SlowRest   time.Duration // with so much to go, or more, at this rate,
	PeerShare  float64       // and below this share of what has become of the other drives at work

	Effort wipe.Bounds // on the search for the bad sectors of a failing block
}

// defaultLimits are for drives as they are. None of it makes a drive that is merely slow a sick one: an old USB stick, a
// drive in its inner tracks, one that shares a bus.
var defaultLimits = Limits{
	// Linux gives a request to a disk 30 s and five more tries (SD_TIMEOUT and SD_MAX_RETRIES, drivers/scsi/sd.h), with
	// resets between them, and an NVMe drive 30 s and a reset of the controller. What is out for longer is lost.
	Silence: 5 * time.Minute,
	// A flush gets 60 s a try (SD_FLUSH_TIMEOUT_MULTIPLIER).
	FlushSilence: 10 * time.Minute,
	// The system's cache may hold gigabytes for a drive or a file server of a few MB/s, and answers when they are written.
	CachedSilence: 30 * time.Minute,
	// Nobody is to wait for it any more, but what comes back within a try of the system makes a better record.
	HaltSilence: 45 * time.Second,

	// Twice what the search for bad sectors may take: after it each failing block has cost one try.
	Failing: 2 * time.Hour,
	// Not one good sector in all that: the drive has turned read-only, or is dead behind its cache.
	DeadRow: 1 << 30,

	// Long enough to see past what a cache takes at once, and short enough to be over before most drives fail.
	FastWindow: 2 * time.Minute,
	// Flash that clears up, and a disk that rewrites its shingles, do it for minutes.
	SlowWindow: 15 * time.Minute,
	// A disk has half of its best rate at its inner tracks, and flash behind a full cache about a tenth.
	SlowShare: 0.02,
	// A drive above it gets through a terabyte in less than three days, whatever it was able to do before.
	SlowFloor: 5e6,
	// What is done within a day is best let end.
	SlowRest: 24 * time.Hour,
	// What slows them all is the bus, the enclosure or the station, and no sick drive.
	PeerShare: 0.1,

	Effort: wipe.DefaultBounds,
}

// orDefault puts in what is not said.
func (l Limits) orDefault() Limits {
	d := defaultLimits
	for _, t := range []struct{ said, other *time.Duration }{
		{&l.Silence, &d.Silence}, {&l.FlushSilence, &d.FlushSilence}, {&l.CachedSilence, &d.CachedSilence}, {&l.HaltSilence, &d.HaltSilence},
		{&l.Failing, &d.Failing}, {&l.FastWindow, &d.FastWindow}, {&l.SlowWindow, &d.SlowWindow}, {&l.SlowRest, &d.SlowRest},
	} {
		if *t.said == 0 {
			*t.said = *t.other
		}
	}
	for _, t := range []struct{ said, other *float64 }{{&l.SlowShare, &d.SlowShare}, {&l.SlowFloor, &d.SlowFloor}, {&l.PeerShare, &d.PeerShare}} {
		if *t.said == 0 {
			*t.said = *t.other
		}
	}
	if l.DeadRow == 0 {
		l.DeadRow = d.DeadRow
	}
	if l.Effort == (wipe.Bounds{}) {
		l.Effort = d.Effort
	}
	return l
}

// patience is how long a request may be out.
func (l Limits) patience(flush, direct, halted bool) time.Duration {
	switch {
	case halted && direct:
		return l.HaltSilence
	case halted:
		return l.Silence
	case !direct:
		return l.CachedSilence
	case flush:
		return l.FlushSilence
	}
	return l.Silence
}

// dead tells why a drive that fails so much is set aside; empty: it is not.
func (l Limits) dead(spent wipe.Cost, row int64) string {
	switch {
	case row > l.DeadRow:
		return fmt.Sprintf("%d bytes in a row failed, and no part of them got through", row)
	case spent.Time > l.Failing:
		return fmt.Sprintf("%d of its requests failed, and took %s together", spent.Tries, spent.Time.Round(time.Second))
	}
	return ""
}

// pace is how a drive goes, held against what it did before in this job. Rates are in bytes a second.
type pace struct {
	rate  float64   // over the slow window; negative: not known yet
	best  float64   // over the best fast window; 0: not known yet
	then  int       // jobs at work at that time
	now   int       // jobs at work
	left  int64     // bytes to go
	peers []float64 // the shares of other drives that are written or read
	young int       // how many more of them there are, of which nothing is known yet
}

// share is what a drive does of what may be asked of it: its best, or as much of it as is left if more drives are at work
// now than then and all share one bus.
func share(rate, best float64, then, now int) float64 {
	return rate / (best * min(1, float64(max(1, then))/float64(max(1, now))))
}

// slow tells why a drive is hopelessly slow; empty: it is not, or that cannot be told from here. Where other drives are at
// work they must be known to go better: in the middle of them, so that another sick one does not count.
func (l Limits) slow(p pace) string {
	if p.rate < 0 || p.best <= 0 || (p.young > 0 && len(p.peers) == 0) {
		return ""
	}
	mine, theirs := share(p.rate, p.best, p.then, p.now), 1.0
	if len(p.peers) > 0 {
		sorted := slices.Sorted(slices.Values(p.peers))
		theirs = min(1, sorted[len(sorted)/2])
	}
	hopeless := float64(p.left) >= p.rate*l.SlowRest.Seconds()
	if mine >= l.SlowShare || p.rate >= l.SlowFloor || mine >= l.PeerShare*theirs || !hopeless {
		return ""
	}
	return fmt.Sprintf("it has slowed down to %.2f MB/s, and did %.1f MB/s before", p.rate/1e6, p.best/1e6)
}
