package wipe

import (
	"math"
	"sync"
	"sync/atomic"
)

// Progress is how far one run has come. It may be read at any moment, from any goroutine, before, during and after the
// run; the run itself takes no lock for it, except to record a failure. A Progress serves one run and no second one.
type Progress struct {
	good    atomic.Int64
	failed  atomic.Int64
	skipped atomic.Int64
	sectors atomic.Int64
	track   atomic.Pointer[track]

	mu         sync.Mutex
	bad        Ranges
	mismatched Ranges
	first      error
}

// track is where the workers of a run stand. Worker i has no block under way whose number is below low[i], and never
// will have: it takes rising numbers, publishes one when it takes it, and the next one when it is done with it.
// So whatever is below the smallest of them is done.
//
// back[i] is how many I/Os of worker i have come back, or atRest.
type track struct {
	plan plan
	low  []atomic.Int64
	back []atomic.Int64
}

// atRest is in Pulse for an I/O slot in which nothing is under way any more.
const atRest = -1

// lowest is the number of a block below which all are dealt with.
func (t *track) lowest() int64 {
	lowest := int64(math.MaxInt64)
	for i := range t.low {
		lowest = min(lowest, t.low[i].Load())
	}
	return lowest
}

// begin claims p for a run; false if it has served one already.
func (p *Progress) begin(t *track) bool { return p.track.CompareAndSwap(nil, t) }

// Done is how many bytes of the extents are dealt with, good or not, those to be skipped included.
func (p *Progress) Done() int64 { return p.good.Load() + p.failed.Load() + p.skipped.Load() }

// Good is how many bytes the writer has acknowledged, or were read back and found equal. A run has covered all that it
// should only if this is, at its end, all the bytes of its extents.
func (p *Progress) Good() int64 { return p.good.Load() }

// Watermark is an offset on the drive: every byte of the run below it was acknowledged by the device or is in Bad. To
// act upon both, read the watermark first. Acknowledged is not durable: a checkpoint is a watermark, then a flush of
// the device, then the record. It never goes down, and is the end of the last extent once all is done.
func (p *Progress) Watermark() int64 {
	if t := p.track.Load(); t != nil {
		return t.plan.start(t.lowest())
	}
	return 0
}

// Moved is how many bytes went to the drive or came from it, whatever they were.
func (p *Progress) Moved() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.good.Load() + p.mismatched.Bytes()
}

// Pulse is, for each of the I/Os that are kept in flight, how many have come back so far, well or not; -1 where none is in
// flight any more. A number that stands still is a request that the drive does not answer. It is nil before the run.
func (p *Progress) Pulse() (back []int64) {
	t := p.track.Load()
	if t == nil {
		return nil
	}
	for i := range t.back {
		back = append(back, t.back[i].Load())
	}
	return back
}

// Bad returns the areas that could not be written (Write) or read (Verify) so far: sectors, or larger pieces where more
// was spent than Bounds allow.
func (p *Progress) Bad() Ranges {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bad.Clone()
}

// Mismatched returns the areas that could be read back, but hold something else than they should.
func (p *Progress) Mismatched() Ranges {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mismatched.Clone()
}

// Errors is how many sectors were recorded in Bad and Mismatched, exactly. It never goes down.
func (p *Progress) Errors() int64 { return p.sectors.Load() }

// First is the first failure recorded, with its offset, or nil.
func (p *Progress) First() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first
}

// unreachable records an area, so many sectors long, that cannot be written or read.
func (p *Progress) unreachable(area Range, sectors int64, err error) {
	p.fail(&p.bad, area, sectors, err)
}

// differs records an area, so many sectors long, that holds something else than it should.
func (p *Progress) differs(area Range, sectors int64, err error) {
	p.fail(&p.mismatched, area, sectors, err)
}

// fail records r, sectors long, in one of the two sets, before anybody can see it as done.
func (p *Progress) fail(set *Ranges, r Range, sectors int64, err error) {
	p.mu.Lock()
	set.Add(r)
	if p.first == nil {
		p.first = err
	}
	p.mu.Unlock()
	p.sectors.Add(sectors)
	p.failed.Add(r.Length)
}
