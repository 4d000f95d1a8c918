package wipe

import (
	"sync/atomic"
	"time"
)

// Cost is what failing I/Os took.
type Cost struct {
	Tries int64
	Time  time.Duration // of all of them together: those that wait side by side count each
}

// Bounds is how much may be spent on finding out which sectors of a failing block are bad. Beyond it what fails is
// recorded as it is, in one piece, with sectors that might have gone well.
type Bounds struct {
	Area  Cost // in one block
	Drive Cost // in all blocks of a drive
	// Share is the part of what is left for the drive that one block may take, as 1/Share: the first bad areas are looked
	// at closely, and a drive with many of them ever more coarsely, instead of closely first and not at all then.
	Share int64
}

// DefaultBounds are for drives as they are. A request that fails takes a microsecond to a minute: a drive that answers at
// once is bounded by the tries, and one that has to be waited for by the time.
var DefaultBounds = Bounds{
	// 1024 tries find 200 bad sectors, strewn over a block of 2048, one by one. Six minutes are the twelve tries
	// that isolate one sector, half a minute each: so long Linux waits for a disk (SD_TIMEOUT, drivers/scsi/sd.h).
	Area: Cost{1024, 6 * time.Minute},
	// An hour is in proportion to the hours that a pass takes, and so are 65536 tries at the 20 ms and more of a disk that
	// reads an area again and again: some twenty minutes.
	Drive: Cost{1 << 16, time.Hour},
	Share: 8,
}

// worth tells whether a failing piece is to be halved and tried again, after so much was spent on its block and on the
// whole drive, the block included.
func (b Bounds) worth(area, drive Cost) bool {
	left := Cost{(b.Drive.Tries - drive.Tries) / b.Share, (b.Drive.Time - drive.Time) / time.Duration(b.Share)}
	return area.Tries <= min(b.Area.Tries, left.Tries) && area.Time <= min(b.Area.Time, left.Time)
}

// Effort counts what the failures of one drive cost, over all runs that share it.
type Effort struct {
	bounds Bounds
	tries  atomic.Int64
	time   atomic.Int64 // ns
	row    atomic.Int64
}

// NewEffort begins to count.
func NewEffort(b Bounds) *Effort { return &Effort{bounds: b} }

// Spent is what failing I/Os took so far.
func (e *Effort) Spent() Cost { return Cost{e.tries.Load(), time.Duration(e.time.Load())} }

// Row is how many bytes have failed, in whole blocks, since a block of which any part got through.
func (e *Effort) Row() int64 { return e.row.Load() }

// add counts one failing I/O.
func (e *Effort) add(took time.Duration) {
	e.tries.Add(1)
	e.time.Add(int64(took))
}

// block counts a block of so many bytes that is dealt with. A good block after a good one, the rule, changes nothing.
func (e *Effort) block(anyGood bool, length int64) {
	switch {
	case !anyGood:
		e.row.Add(length)
	case e.row.Load() != 0:
		e.row.Store(0)
	}
}
