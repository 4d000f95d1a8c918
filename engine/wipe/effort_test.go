package wipe

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestWorth(t *testing.T) {
	b := Bounds{Area: Cost{100, time.Minute}, Drive: Cost{8000, time.Hour}, Share: 8}
	for _, c := range []struct {
		area, drive Cost
		want        bool
	}{
		{Cost{1, time.Second}, Cost{1, time.Second}, true},
		{Cost{100, time.Minute}, Cost{100, time.Minute}, true},
		{Cost{101, time.Second}, Cost{101, time.Second}, false},
		{Cost{1, time.Minute + 1}, Cost{1, time.Minute + 1}, false},
		{Cost{50, time.Second}, Cost{7600, time.Minute}, true},
		{Cost{51, time.Second}, Cost{7600, time.Minute}, false},
		{Cost{1, 30 * time.Second}, Cost{9, 56 * time.Minute}, true},
		{Cost{1, 31 * time.Second}, Cost{9, 56 * time.Minute}, false},
		{Cost{0, 0}, Cost{8001, 0}, true}, // rounds to nothing left: only what cost nothing is tried
		{Cost{1, 0}, Cost{9000, 0}, false},
		{Cost{1, 1}, Cost{1, 2 * time.Hour}, false},
	} {
		if got := b.worth(c.area, c.drive); got != c.want {
			t.Errorf("worth(%v, %v) = %v", c.area, c.drive, got)
		}
	}
}

// A drive of 8 GiB of which every sector fails at once: without a bound each of its 16.8 million sectors is tried.
func TestADriveOfErrorsIsTriedWithinBounds(t *testing.T) {
	const size, blocks = 8 << 30, 8 << 10
	for name, run := range map[string]func(Run, *ledger) error{
		"write":  func(r Run, l *ledger) error { return r.Write(t.Context(), l) },
		"verify": func(r Run, l *ledger) error { return r.Verify(t.Context(), failing{}) },
	} {
		l := &ledger{delay: func(int64) time.Duration { return 0 }}
		l.bad.Add(Range{0, size})
		e := NewEffort(DefaultBounds)
		r := Run{Pattern: patterns["zeros"], Extents: []Range{{0, size}}, Sector: sector, Progress: new(Progress), Effort: e}
		if err := run(r, l); err != nil {
			t.Fatal(err)
		}
		tries, row := e.Spent().Tries, e.Row()
		// One for each block, the drive's tries, and what stood around the last split of each block: a try for each level.
		if most := int64(blocks) + DefaultBounds.Drive.Tries*2; tries > most || tries < blocks {
			t.Errorf("%s: %d tries for %d blocks, more than %d", name, tries, blocks, most)
		}
		p := r.Progress
		if p.Bad().Bytes() != size || p.Errors() != size/sector || p.Done() != size || p.Good() != 0 || row != size {
			t.Errorf("%s: bad %d, errors %d, done %d, good %d, in a row %d", name, p.Bad().Bytes(), p.Errors(), p.Done(), p.Good(), row)
		}
		t.Logf("%s: %d tries for %d sectors", name, tries, size/sector)
	}
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, syscall.EIO }

// Each failing request takes half a minute, as a disk's does that Linux waits for. What one bad sector costs, and what a
// hundred thousand do, is bounded; the first ones are isolated, and no byte that failed is missing from the record.
func TestSlowErrorsAreTriedWithinBounds(t *testing.T) {
	for _, blocks := range []int64{1, 100, 1000} {
		synctest.Test(t, func(t *testing.T) {
			l := &ledger{delay: func(int64) time.Duration { return 30 * time.Second }}
			size := blocks * DefaultBlock
			random := rand.New(rand.NewPCG(7, uint64(blocks)))
			for i := range blocks {
				l.bad.Add(Range{i*DefaultBlock + random.Int64N(DefaultBlock/sector)*sector, sector})
			}
			e := NewEffort(DefaultBounds)
			r := Run{Pattern: patterns["zeros"], Extents: []Range{{0, size}}, Sector: sector, Depth: 1, Progress: new(Progress), Effort: e}
			if err := r.Write(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			for _, bad := range l.bad.All() {
				if !r.Progress.Bad().Contains(bad) {
					t.Fatalf("%v was not written, and is not on record", bad)
				}
			}
			if blocks == 1 && r.Progress.Errors() != 1 {
				t.Errorf("one bad sector is on record as %d", r.Progress.Errors())
			}
			whole := time.Duration(blocks) * 12 * 30 * time.Second // what isolating each of them would take
			spent := e.Spent().Time
			if most := DefaultBounds.Drive.Time + time.Duration(blocks+12)*30*time.Second; spent > most {
				t.Errorf("%d bad sectors took %v, more than %v", blocks, spent, most)
			}
			t.Logf("%d bad sectors: %v of requests, %v without a bound; %d sectors on record", blocks, spent, whole, r.Progress.Errors())
		})
	}
}

func TestPulse(t *testing.T) {
	var p Progress
	if p.Pulse() != nil {
		t.Error("a pulse before the run")
	}
	d, r := newDisk(100*sector), small(patterns["zeros"], 100*sector)
	d.write = refuse(Ranges{list: []Range{{16 * sector, sector}}}, syscall.EIO, (*disk).put)
	during := make(chan []int64, 200)
	good := d.write
	d.write = func(d *disk, p []byte, off int64) (int, error) {
		during <- r.Progress.Pulse()
		return good(d, p, off)
	}
	if err := r.Write(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	close(during)
	each := make([]int64, r.Depth) // the most that was seen to have come back of each slot, before it came to rest
	for pulse := range during {
		for i, n := range pulse {
			each[i] = max(each[i], n)
		}
	}
	last, most := int64(0), int64(0)
	for _, n := range each {
		most += n
	}
	for _, n := range r.Progress.Pulse() {
		last += n
	}
	if most < 10 || last != atRest*int64(r.Depth) {
		t.Errorf("at most %d came back during 13 blocks, and at the end %d", most, last)
	}
	if r.Progress.Moved() != 99*sector {
		t.Errorf("moved %d", r.Progress.Moved())
	}
}

// Bad sectors strewn over one block, as many as its comment says are found one by one.
func TestStrewnErrorsAreIsolated(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	for _, count := range []int{1, 10, 60, 200} {
		l := &ledger{delay: func(int64) time.Duration { return 0 }}
		for range count {
			l.bad.Add(Range{random.Int64N(2048) * sector, sector})
		}
		r := Run{Pattern: patterns["zeros"], Extents: []Range{{0, DefaultBlock}}, Sector: sector, Progress: new(Progress), Effort: NewEffort(DefaultBounds)}
		if err := r.Write(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d bad sectors took %d tries", count, r.Effort.Spent().Tries)
		wantRanges(t, "bad", r.Progress.Bad(), l.bad.All()...)
	}
}
