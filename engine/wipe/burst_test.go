package wipe

import (
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
	const size = 240 * DefaultBlock
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
		"instant":      {steady(instant / 2), Ranges{}, 1, 1},
		"a fast start": {func(off int64) time.Duration { return brisk/10 + time.Duration(min(1, off/(15*DefaultBlock)))*brisk }, Ranges{}, 1, 1},
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
