package wipe

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// ledger is a writer that remembers what it acknowledged, and takes its time, each block its own: blocks end in another
// order than they began. Every ninth sector of some blocks fails.
type ledger struct {
	mu    sync.Mutex
	acked Ranges
	bad   Ranges
	delay func(off int64) time.Duration
}

func (l *ledger) WriteAt(p []byte, off int64) (int, error) {
	time.Sleep(l.delay(off))
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Range{off, int64(len(p))}
	if l.bad.Overlaps(r) {
		return 0, syscall.EIO
	}
	l.acked.Add(r)
	return len(p), nil
}

// check fails the test if the watermark claims more than was acknowledged or recorded as bad.
func (l *ledger) check(t *testing.T, p *Progress, from int64) int64 {
	mark := p.Watermark()
	bad := p.Bad()
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.acked.Clone()
	known.Merge(bad)
	if mark > from && !known.Contains(Range{from, mark - from}) {
		t.Errorf("watermark %d, but only %v is known", mark, known.All())
	}
	return mark
}

func randomDelays(seed uint64) func(int64) time.Duration {
	return func(off int64) time.Duration {
		random := rand.New(rand.NewPCG(seed, uint64(off)))
		if random.IntN(20) == 0 {
			return time.Duration(random.IntN(200)) * time.Millisecond // a stall, while the others run on
		}
		return time.Duration(random.IntN(3000)) * time.Microsecond
	}
}

func TestWatermarkIsTrueAtEveryMoment(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			const start, size = 40 * sector, 3000 * sector
			l := &ledger{delay: randomDelays(seed)}
			for i := range int64(8) {
				l.bad.Add(Range{(300*i + 60) * sector, sector})
			}
			r := small(patterns["0x924924"], size)
			r.Extents = []Range{{start, size - start}}
			r.Depth, r.burst = 8, 1+int(seed%3)
			ended := make(chan error, 1)
			go func() { ended <- r.Write(t.Context(), l) }()
			for last := int64(0); ; time.Sleep(500 * time.Microsecond) {
				mark := l.check(t, r.Progress, start)
				if mark < last {
					t.Errorf("went down from %d to %d", last, mark)
				}
				last = mark
				select {
				case err := <-ended:
					if err != nil || r.Progress.Watermark() != size || r.Progress.Errors() != 8 {
						t.Errorf("%v, watermark %d, errors %d", err, r.Progress.Watermark(), r.Progress.Errors())
					}
					return
				default:
				}
			}
		})
	}
}

// marks notes each sector that it acknowledges.
type marks []atomic.Bool

func (m marks) WriteAt(p []byte, off int64) (int, error) {
	m[off/sector].Store(true)
	return len(p), nil
}

// The same without a clock that is ours: as many blocks as can be, and somebody who looks all the time.
func TestWatermarkUnderPressure(t *testing.T) {
	const sectors = 300_000
	for _, depth := range []int{1, 2, 5} {
		acked := make(marks, sectors)
		r := small(patterns["ones"], sectors*sector)
		r.Block, r.Depth = sector, depth
		ended := make(chan error, 1)
		go func() { ended <- r.Write(t.Context(), acked) }()
		for last := int64(0); last < sectors; {
			mark := r.Progress.Watermark() / sector
			if mark < last {
				t.Fatalf("depth %d: went down from %d to %d", depth, last, mark)
			}
			for ; last < mark; last++ {
				if !acked[last].Load() {
					t.Fatalf("depth %d: watermark %d, but %d was not written", depth, mark, last)
				}
			}
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// One block hangs: the watermark stays below it, whatever else is done.
func TestWatermarkWaitsForAStalledBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, stalled = 2000 * sector, 80 * sector
		l := &ledger{delay: func(off int64) time.Duration {
			if off == stalled {
				return time.Hour
			}
			return time.Millisecond
		}}
		r := small(patterns["zeros"], size)
		ended := make(chan error, 1)
		go func() { ended <- r.Write(t.Context(), l) }()
		time.Sleep(time.Minute)
		if p := r.Progress; p.Watermark() != stalled || p.Done() != size-8*sector {
			t.Errorf("watermark %d, done %d", p.Watermark(), p.Done())
		}
		if err := <-ended; err != nil || r.Progress.Watermark() != size {
			t.Errorf("%v, watermark %d", err, r.Progress.Watermark())
		}
	})
}

// Cancelled at any moment, a run returns soon, waits for what is under way, and leaves a watermark from which another
// run makes the drive whole.
func TestCancellationLeavesATrueWatermark(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			const size = 3000 * sector
			l := &ledger{delay: randomDelays(seed)}
			l.bad.Add(Range{777 * sector, 3 * sector})
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+seed*7)*time.Millisecond)
			defer cancel()
			r := small(patterns["zeros"], size)
			err := r.Write(ctx, l)
			mark := l.check(t, r.Progress, 0)
			if !errors.Is(err, context.DeadlineExceeded) && (err != nil || mark != size) {
				t.Fatalf("%v at %d", err, mark)
			}
			if err == nil {
				return
			}
			rest := again(r)
			rest.Extents = []Range{{mark, size - mark}}
			if err := rest.Write(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			var known Ranges
			known.Merge(l.acked)
			known.Merge(r.Progress.Bad())
			known.Merge(rest.Progress.Bad())
			wantRanges(t, "after both", known, Range{0, size})
			if bad := rest.Progress.Bad(); mark <= 777*sector && !bad.Contains(Range{777 * sector, 3 * sector}) {
				t.Errorf("bad %v", bad.All())
			}
		})
	}
}

// A drive that needs half a minute for each bad sector must not hold up a cancellation for a whole block of them.
func TestCancellationWithinABadBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2048 * sector
		l := &ledger{delay: func(int64) time.Duration { return 30 * time.Second }}
		l.bad.Add(Range{0, size})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		r := Run{Pattern: patterns["zeros"], Extents: []Range{{0, size}}, Sector: sector, Progress: new(Progress),
			Effort: NewEffort(Bounds{Area: Cost{1 << 20, 1000 * time.Hour}, Drive: Cost{1 << 20, 1000 * time.Hour}, Share: 1})}
		began := time.Now()
		if err := r.Write(ctx, l); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took > 11*time.Minute {
			t.Errorf("took %v", took)
		}
		p := r.Progress
		if p.Errors() == 0 || p.Errors()*sector != p.Done() || p.Watermark() != 0 || p.Good() != 0 {
			t.Errorf("errors %d, done %d, watermark %d", p.Errors(), p.Done(), p.Watermark())
		}
	})
}
