package wipe

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pacer takes as long for each block as it is told to, and notes how many blocks it is asked for at a time.
type pacer struct {
	mu    sync.Mutex
	pace  func(off int64) time.Duration // of a block
	bad   Ranges
	asked map[int64]int64 // by the offset
}

func (p *pacer) WriteAt(b []byte, off int64) (int, error) {
	blocks := int64(len(b)) / DefaultBlock
	time.Sleep(p.pace(off) * time.Duration(blocks))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[off] = blocks
	if p.bad.Overlaps(Range{off, int64(len(b))}) {
		return 0, syscall.EIO
	}
	return len(b), nil
}

// A drive that is fast is asked for more at a time, one that is slow or fails is not, and either may change. All of it is
// covered once, whatever is asked for.
func TestFastDrivesGetLongerRequests(t *testing.T) {
	const size = 63 * DefaultBlock
	steady := func(d time.Duration) func(int64) time.Duration {
		return func(int64) time.Duration { return d }
	}
	for name, c := range map[string]struct {
		pace        func(int64) time.Duration
		bad         Ranges
		first, last int64 // the longest requests in the first and in the last third, in blocks
	}{
		"fast":         {steady(brisk / 10), Ranges{}, DefaultBurst, DefaultBurst},
		"slow":         {steady(2 * brisk), Ranges{}, 1, 1},
		"getting slow": {func(off int64) time.Duration { return time.Duration(off) * 3 * brisk / size }, Ranges{}, DefaultBurst, 1},
		"getting fast": {func(off int64) time.Duration { return time.Duration(size-off) * 2 * brisk / size }, Ranges{}, 1, DefaultBurst},
		"failing":      {steady(brisk / 10), set(Range{0, size}), 1, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &pacer{pace: c.pace, bad: c.bad, asked: map[int64]int64{}}
			r := Run{Pattern: patterns["0x924924"], Extents: []Range{{0, size}}, Sector: DefaultBlock, Progress: new(Progress)}
			if err := r.Write(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			var most [3]int64
			var all Ranges
			for off, n := range d.asked {
				most[off*3/size] = max(most[off*3/size], n)
				all.Add(Range{off, n * DefaultBlock})
			}
			wantRanges(t, name, all, Range{0, size})
			if most[0] != c.first || most[2] != c.last {
				t.Errorf("%s: at most %v blocks at a time", name, most)
			}
		})
	}
}

// A fast drive is asked by as many workers as there are processors, one that is slow or fails by all of them.
func TestFastDrivesNeedFewerWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	const size = 64 * DefaultBlock
	for name, c := range map[string]struct {
		pace time.Duration
		bad  Ranges
		want int // I/Os in flight in the second half
	}{
		"fast":    {brisk / 10, Ranges{}, 2},
		"slow":    {2 * brisk, Ranges{}, DefaultDepth},
		"failing": {brisk / 10, set(Range{0, size}), DefaultDepth},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &crowded{pacer: pacer{pace: func(int64) time.Duration { return c.pace }, bad: c.bad, asked: map[int64]int64{}}}
			r := Run{Pattern: patterns["zeros"], Extents: []Range{{0, size}}, Sector: DefaultBlock, Progress: new(Progress)}
			if err := r.Write(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if d.most != c.want || r.Progress.Done() != size {
				t.Errorf("%s: %d in flight, %d bytes done; want %d, %d", name, d.most, r.Progress.Done(), c.want, size)
			}
		})
	}
}

// crowded notes how many I/Os were in flight at once beyond the middle of the drive.
type crowded struct {
	pacer
	here, most int
}

func (c *crowded) WriteAt(b []byte, off int64) (int, error) {
	c.mu.Lock()
	c.here++
	if off >= 32*DefaultBlock {
		c.most = max(c.most, c.here)
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.here--
	}()
	return c.pacer.WriteAt(b, off)
}

func set(ranges ...Range) (s Ranges) {
	for _, r := range ranges {
		s.Add(r)
	}
	return s
}

// What is asked for at one go and fails is found as exactly as in single blocks.
func TestBadSectorsInALongRequest(t *testing.T) {
	const sectors = 400
	bad := set(Range{0, sector}, Range{31 * sector, 3 * sector}, Range{200 * sector, sector}, Range{399 * sector, sector})
	for burst := range 5 {
		d, r := newDisk(sectors*sector), small(patterns["random"], sectors*sector)
		r.burst = burst + 1
		d.write = refuse(bad, syscall.EIO, (*disk).put)
		wantRanges(t, "bad", mustWrite(t, r, d).Bad(), bad.All()...)
		v := mustVerify(t, r, d)
		wantRanges(t, "mismatched", v.Mismatched(), bad.All()...)
		if v.Done() != r.Bytes() || v.Watermark() != r.Bytes() {
			t.Errorf("bursts of %d: %d bytes done, up to %d", burst+1, v.Done(), v.Watermark())
		}
	}
}
