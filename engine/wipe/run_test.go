package wipe

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEveryPatternIsWrittenAndFound(t *testing.T) {
	const size = 67*sector + 100*8*sector // many blocks, the last one shorter
	for name, p := range patterns {
		t.Run(name, func(t *testing.T) {
			d, want := newDisk(size), make([]byte, size)
			p.Fill(want, 0)
			r := small(p, size)
			wantGood(t, r, mustWrite(t, r, d))
			if !bytes.Equal(d.data, want) {
				t.Error("the drive holds something else")
			}
			wantGood(t, r, mustVerify(t, r, d))
		})
	}
}

// With the defaults, over a real file: 1 MiB is no multiple of 3, so that every block begins at another phase.
func TestEveryPatternOnAFile(t *testing.T) {
	const size = 9<<20 + 3*sector
	for name, p := range patterns {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "drive")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := f.Truncate(size); err != nil {
				t.Fatal(err)
			}
			r := Run{Pattern: p, Extents: []Range{{0, size}}, Sector: sector}
			wantGood(t, r, mustWrite(t, r, f))
			wantGood(t, r, mustVerify(t, r, f))
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]byte, size)
			p.Fill(want, 0)
			if !bytes.Equal(got, want) {
				t.Error("the file holds something else")
			}
		})
	}
}

// An image file may have any size; its sectors are single bytes then.
func TestSectorsOfOneByte(t *testing.T) {
	const size = 10007
	for name, p := range patterns {
		d := newDisk(size)
		r := Run{Pattern: p, Extents: []Range{{0, size}}, Sector: 1, Block: 1000}
		wantGood(t, r, mustWrite(t, r, d))
		wantGood(t, r, mustVerify(t, r, d))
		d.data[5001]++
		p := mustVerify(t, r, d)
		wantRanges(t, name, p.Mismatched(), Range{5001, 1})
	}
}

// Only what is asked for is touched, and a part that is written later continues the pattern.
func TestExtents(t *testing.T) {
	const size = 400 * sector
	for name, p := range patterns {
		d, want := newDisk(size), bytes.Repeat([]byte{0xC3}, size)
		r := small(p, size)
		r.Extents = []Range{{5 * sector, 3 * sector}, {8 * sector, sector}, {33 * sector, 100 * sector}}
		for _, e := range r.Extents {
			p.Fill(want[e.Offset:e.End()], e.Offset)
		}
		wantGood(t, r, mustWrite(t, r, d))
		if !bytes.Equal(d.data, want) {
			t.Errorf("%s: the drive holds something else", name)
		}
		wantGood(t, r, mustVerify(t, r, d))
		r.Extents = []Range{{0, 5 * sector}, {9 * sector, 24 * sector}, {133 * sector, size - 133*sector}}
		mustWrite(t, r, d)
		whole := small(p, size)
		wantGood(t, whole, mustVerify(t, whole, d))
	}
}

func TestRunsThatMakeNoSense(t *testing.T) {
	for name, change := range map[string]func(*Run){
		"no pattern":       func(r *Run) { r.Pattern = Pattern{} },
		"no extents":       func(r *Run) { r.Extents = nil },
		"empty extent":     func(r *Run) { r.Extents = []Range{{0, 0}} },
		"negative offset":  func(r *Run) { r.Extents = []Range{{-512, 1024}} },
		"beyond the end":   func(r *Run) { r.Extents = []Range{{1<<63 - 512, 512}} },
		"out of order":     func(r *Run) { r.Extents = []Range{{1024, 512}, {0, 512}} },
		"overlapping":      func(r *Run) { r.Extents = []Range{{0, 1024}, {512, 1024}} },
		"part of a sector": func(r *Run) { r.Extents = []Range{{0, 700}} },
		"odd offset":       func(r *Run) { r.Extents = []Range{{100, 512}} },
		"no sector":        func(r *Run) { r.Sector = 0 },
		"negative sector":  func(r *Run) { r.Sector = -512 },
		"tiny block":       func(r *Run) { r.Block = 511 },
		"huge block":       func(r *Run) { r.Block = 1 << 40 },
		"negative depth":   func(r *Run) { r.Depth = -1 },
		"huge depth":       func(r *Run) { r.Depth = 1000 },
		"no progress":      func(r *Run) { r.Progress = nil },
	} {
		r, d := small(patterns["zeros"], 8192), newDisk(8192)
		change(&r)
		if err := r.Write(t.Context(), d); err == nil {
			t.Errorf("%s: Write went ahead", name)
		}
		if err := r.Verify(t.Context(), d); err == nil {
			t.Errorf("%s: Verify went ahead", name)
		}
		if bytes.Contains(d.data, []byte{0}) {
			t.Errorf("%s: something was written", name)
		}
	}
}

func TestProgressServesOneRun(t *testing.T) {
	r, d := small(patterns["zeros"], 8192), newDisk(8192)
	if r.Progress.Watermark() != 0 || r.Progress.Done() != 0 {
		t.Error("progress before the run")
	}
	if err := r.Write(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(t.Context(), d); err == nil || r.Progress.Done() != 8192 {
		t.Errorf("a second run with it: %v, done %d", err, r.Progress.Done())
	}
}

func TestSkip(t *testing.T) {
	const size = 300 * sector
	d := newDisk(size)
	r := small(patterns["random"], size)
	mustWrite(t, r, d)
	for _, hole := range []Range{{0, sector}, {17 * sector, 40 * sector}, {299 * sector, sector}} {
		clear(d.data[hole.Offset:hole.End()])
		r.Skip.Add(hole)
	}
	var reads Ranges
	d.read = func(d *disk, p []byte, off int64) (int, error) {
		reads.Add(Range{off, int64(len(p))})
		return d.get(p, off)
	}
	p := mustVerify(t, r, d)
	if p.Done() != size || p.Good() != size-42*sector || p.Errors() != 0 || p.Watermark() != size {
		t.Errorf("done %d, good %d, errors %d, watermark %d", p.Done(), p.Good(), p.Errors(), p.Watermark())
	}
	wantRanges(t, "read", reads, Range{sector, 16 * sector}, Range{57 * sector, 242 * sector})

	r.Skip.Add(Range{100*sector + 1, 2*sector - 1}) // all of sector 101, not all of 100
	clear(d.data[100*sector : 102*sector])
	wantRanges(t, "part of a sector", mustVerify(t, r, d).Mismatched(), Range{100 * sector, sector})

	r.Skip.Add(Range{0, size})
	if err := again(r).Verify(t.Context(), d); err == nil {
		t.Error("a verification of nothing passed")
	}
}

func TestWithoutIsTheDifference(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		var extents, want, skip Ranges
		for range 1 + random.IntN(6) {
			extents.Add(Range{random.Int64N(60) * 8, (1 + random.Int64N(9)) * 8})
			skip.Add(Range{random.Int64N(500), random.Int64N(60)})
		}
		for _, e := range extents.All() {
			for at := e.Offset; at < e.End(); at += 8 {
				if !skip.Contains(Range{at, 8}) {
					want.Add(Range{at, 8})
				}
			}
		}
		left := without(extents.All(), skip, 8)
		if !equal(left, want.All()) {
			t.Fatalf("seed %d: %v without %v: %v, want %v", seed, extents.All(), skip.All(), left, want.All())
		}
	}
}

func TestPlanNumbersEveryByteOnce(t *testing.T) {
	extents := []Range{{0, 5}, {5, 16}, {40, 8}, {100, 800}, {1 << 40, 100}}
	p := newPlan(extents, 8, 2<<40)
	for most := range int64(6) {
		var covered Ranges
		last, number := int64(-1), int64(0)
		for {
			r, n := p.at(number, most+1)
			if n == 0 {
				break
			}
			if r.Offset <= last || r.Length > 8*n || r.Length <= 8*(n-1) || n > most+1 || covered.Overlaps(r) || p.start(number) != r.Offset {
				t.Fatalf("%d blocks from %d on are %v", n, number, r)
			}
			covered.Add(r)
			last, number = r.Offset, number+n
		}
		wantRanges(t, "blocks", covered, extents...)
		if number != p.blocks() || p.start(number) != 2<<40 {
			t.Errorf("%d blocks, want %d; ends at %d", number, p.blocks(), p.start(number))
		}
	}
}

func TestCancelledBeforeTheStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, d := small(patterns["zeros"], 1<<20), newDisk(1<<20)
	if err := r.Write(ctx, d); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if bytes.Contains(d.data, []byte{0}) || r.Progress.Done() != 0 || r.Progress.Watermark() != 0 {
		t.Error("something was written")
	}
}

// A defect in a driver must be for the job's goroutine to recover from, not the end of the program.
func TestPanicsComeOutInTheCaller(t *testing.T) {
	r, d := small(patterns["zeros"], 1<<20), newDisk(1<<20)
	d.write = func(d *disk, p []byte, off int64) (int, error) {
		if off == 64*sector {
			panic("cable on fire")
		}
		return d.put(p, off)
	}
	defer func() {
		err, ok := recover().(error)
		if !ok || !strings.Contains(err.Error(), "cable on fire") || !strings.Contains(err.Error(), "run_test.go") {
			t.Errorf("recovered %v", err)
		}
		if r.Progress.Watermark() > 64*sector {
			t.Errorf("watermark %d", r.Progress.Watermark())
		}
	}()
	_ = r.Write(t.Context(), d)
	t.Error("the panic was swallowed")
}

// Blocks are whole units of what the drive says is best, as long as that is believable.
func TestBlockFor(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	for _, c := range []struct{ optimal, sector, block, burst int }{
		{0, 512, mib, 4},
		{4 * kib, 4096, mib, 4},
		{192 * kib, 512, 960 * kib, 4},
		{mib, 512, mib, 4},
		{1280 * kib, 512, 1280 * kib, 3},
		{4 * mib, 512, 4 * mib, 1},
		{5 * mib, 512, mib, 4},
		{0xFFFF * 512, 512, mib, 4},
		{1000, 512, mib, 4},
		{512, 4096, mib, 4},
		{-1, 512, mib, 4},
		{0, 8 * mib, 8 * mib, 1},
	} {
		if block, burst := blockFor(c.optimal, c.sector); block != c.block || burst != c.burst {
			t.Errorf("blockFor(%d, %d) = %d, %d; want %d, %d", c.optimal, c.sector, block, burst, c.block, c.burst)
		}
	}
}

// A drive whose best I/O is no power of two is written in multiples of it, to its last byte.
func TestOptimalUnits(t *testing.T) {
	const unit, size = 3 * 64 << 10, 20<<20 + 512
	d := &pacer{pace: func(int64) time.Duration { return 0 }, asked: map[int64]int64{}}
	r := Run{Pattern: patterns["random"], Extents: []Range{{0, size}}, Sector: 512, Optimal: unit, Progress: new(Progress)}
	if err := r.Write(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if r.Progress.Done() != size {
		t.Errorf("%d bytes done; want %d", r.Progress.Done(), size)
	}
	for off := range d.asked {
		if off%unit != 0 {
			t.Errorf("a write at %d, which is no multiple of %d", off, unit)
		}
	}
}
