package wipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// refuse makes a hook that fails with err whatever touches bad, and does good otherwise.
func refuse(bad Ranges, err error, good func(*disk, []byte, int64) (int, error)) func(*disk, []byte, int64) (int, error) {
	return func(d *disk, p []byte, off int64) (int, error) {
		if bad.Overlaps(Range{off, int64(len(p))}) {
			return 0, err
		}
		return good(d, p, off)
	}
}

// Property: exactly the sectors that cannot be written are on record, and everything else is written. The same for
// reading, where what cannot be read and what differs are kept apart.
func TestBadSectorsAreFoundExactly(t *testing.T) {
	const sectors = 500
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 4))
		var bad Ranges
		for range 1 + random.IntN(12) {
			bad.Add(Range{random.Int64N(sectors-8) * sector, (1 + random.Int64N(8)) * sector})
		}
		for _, name := range []string{"zeros", "0x924924", "random"} {
			d, r := newDisk(sectors*sector), small(patterns[name], sectors*sector)
			d.write = refuse(bad, syscall.EIO, (*disk).put)
			p := mustWrite(t, r, d)
			wantRanges(t, "bad", p.Bad(), bad.All()...)
			if p.Errors() != bad.Bytes()/sector || p.Good() != r.Bytes()-bad.Bytes() || p.Done() != r.Bytes() {
				t.Errorf("errors %d, good %d, done %d", p.Errors(), p.Good(), p.Done())
			}
			if !errors.Is(p.First(), syscall.EIO) || p.Watermark() != r.Bytes() {
				t.Errorf("first %v, watermark %d", p.First(), p.Watermark())
			}
			v := mustVerify(t, r, d) // reads all of it, and sees what could not be written
			wantRanges(t, "mismatched", v.Mismatched(), bad.All()...)
			wantRanges(t, "unreadable", v.Bad())
			if !errors.Is(v.First(), ErrMismatch) || v.Errors() != p.Errors() {
				t.Errorf("first %v, errors %d", v.First(), v.Errors())
			}
			d.read = refuse(bad, syscall.EIO, (*disk).get)
			v = mustVerify(t, r, d)
			wantRanges(t, "unreadable", v.Bad(), bad.All()...)
			wantRanges(t, "mismatched", v.Mismatched())
		}
	}
}

// Property: one bit that differs, anywhere, under any pattern, is found where it is.
func TestOneFlippedBitIsFound(t *testing.T) {
	const size = 83 * sector
	for name, p := range patterns {
		d, r := newDisk(size), small(p, size)
		mustWrite(t, r, d)
		random := rand.New(rand.NewPCG(5, 5))
		for i := range 300 {
			at, bit := random.Int64N(size), byte(1)<<random.IntN(8)
			switch i {
			case 0:
				at = 0
			case 1:
				at = size - 1
			}
			d.data[at] ^= bit
			v := mustVerify(t, r, d)
			wantRanges(t, name, v.Mismatched(), Range{at / sector * sector, sector})
			if v.Errors() != 1 || v.Good() != size-sector {
				t.Errorf("%s: errors %d, good %d", name, v.Errors(), v.Good())
			}
			d.data[at] ^= bit
		}
	}
}

// liars are drives that say good while they are not: each does something else with the block at 64 sectors.
var liars = map[string]func(d *disk, p []byte, off int64) (int, error){
	"drops":      func(d *disk, p []byte, off int64) (int, error) { return len(p), nil },
	"duplicates": func(d *disk, p []byte, off int64) (int, error) { return d.put(d.data[:len(p)], off) },
	"misdirects": func(d *disk, p []byte, off int64) (int, error) { return d.put(p, off+int64(len(p))) },
	"half":       func(d *disk, p []byte, off int64) (int, error) { d.put(p[:len(p)/2], off); return len(p), nil },
	"flips": func(d *disk, p []byte, off int64) (int, error) {
		d.put(p, off)
		d.data[off+77] ^= 1
		return len(p), nil
	},
}

// What each of them leaves behind is found by reading back a random stream. (Of a fixed pattern, which is the same
// everywhere, a duplicate leaves nothing to be found, nor anything of what was there before.)
func TestLiarsAreCaught(t *testing.T) {
	const at = 64 * sector
	for name, lie := range liars {
		d, r := newDisk(1000*sector), small(patterns["random"], 1000*sector)
		r.Depth = 1 // so that what was misdirected is overwritten, and only the hole remains
		d.write = func(d *disk, p []byte, off int64) (int, error) {
			if off == at {
				return lie(d, p, off)
			}
			return d.put(p, off)
		}
		if p := mustWrite(t, r, d); p.Errors() != 0 {
			t.Errorf("%s: noticed already by the write", name)
		}
		v := mustVerify(t, r, d)
		if v.Errors() == 0 || !v.Mismatched().Overlaps(Range{at, 8 * sector}) || v.Good() == r.Bytes() {
			t.Errorf("%s: errors %d, mismatched %v", name, v.Errors(), v.Mismatched().All())
		}
	}
}

// Fake capacity: a drive of a quarter of its size, at which offsets wrap around. Only the random stream can tell.
func TestFakeCapacityIsCaught(t *testing.T) {
	const size, real = 400 * sector, 100 * sector
	d, r := newDisk(real), small(patterns["random"], size)
	wrap := func(move func(*disk, []byte, int64) (int, error)) func(*disk, []byte, int64) (int, error) {
		return func(d *disk, p []byte, off int64) (int, error) {
			for i := 0; i < len(p); i += sector {
				if n, err := move(d, p[i:i+sector], (off+int64(i))%real); err != nil && err != io.EOF {
					return i + n, err
				}
			}
			return len(p), nil
		}
	}
	d.write, d.read = wrap((*disk).put), wrap((*disk).get)
	mustWrite(t, r, d)
	if v := mustVerify(t, r, d); v.Good() > real {
		t.Errorf("%d bytes found good on a drive of %d", v.Good(), real)
	}
}

// A reader that claims bytes which it did not bring finds the buffer full of the block before, which for a fixed
// pattern is what is expected.
func TestReadsThatBringNothingDoNotMatch(t *testing.T) {
	const at, size = 64 * sector, 1000 * sector
	for name, p := range patterns {
		hole := 1
		if len(p.Key) > 0 {
			hole = 2 * 16 // of fewer bytes, those of another place are the same now and then
		}
		for brought, lost := range map[[2]int]Range{
			{0, 0}:                        {at, 8 * sector},
			{0, 1}:                        {at, 8 * sector},
			{0, sector}:                   {at + sector, 7 * sector},
			{0, 8*sector - hole}:          {at + 7*sector, sector},
			{hole, 8 * sector}:            {at, sector},
			{3*sector + hole, 8 * sector}: {at, 4 * sector},
		} {
			d, r := newDisk(size), small(p, size)
			mustWrite(t, r, d)
			d.read = func(d *disk, p []byte, off int64) (int, error) {
				if off == at {
					d.get(p[brought[0]:brought[1]], off+int64(brought[0]))
					return len(p), nil
				}
				return d.get(p, off)
			}
			wantRanges(t, fmt.Sprintf("%s, bytes %d brought", name, brought), mustVerify(t, r, d).Mismatched(), lost)
		}
	}
}

// A drive that ends before its end: no error says so better than the sectors that are missing.
func TestEarlyEnd(t *testing.T) {
	const size, real = 400 * sector, 123 * sector
	for name, end := range map[string]error{"ENOSPC": syscall.ENOSPC, "EOF": io.EOF, "no error": nil} {
		d, r := newDisk(real), small(patterns["ones"], size)
		d.write = func(d *disk, p []byte, off int64) (int, error) {
			if off+int64(len(p)) <= real {
				return d.put(p, off)
			}
			return copy(d.data[min(off, real):], p), end
		}
		missing := Range{real, size - real}
		wantRanges(t, name, mustWrite(t, r, d).Bad(), missing)
		wantRanges(t, name, mustVerify(t, r, d).Bad(), missing)
	}
}

func TestEarlyEndOfAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "short"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := small(patterns["random"], 400*sector)
	mustWrite(t, r, f)
	if err := f.Truncate(100*sector + 7); err != nil {
		t.Fatal(err)
	}
	v := mustVerify(t, r, f)
	wantRanges(t, "unreadable", v.Bad(), Range{100 * sector, 300 * sector})
	wantRanges(t, "mismatched", v.Mismatched())
}

// Short counts are believed as far as they go, and the rest is tried again or recorded.
func TestShortCounts(t *testing.T) {
	for _, c := range []struct {
		name string
		most int
		err  error
		bad  bool
	}{
		{"a sector at a time", sector, nil, false},
		{"three and a bit", 3*sector + 100, nil, false},
		{"three and an error", 3 * sector, syscall.EIO, false},
		{"less than a sector", sector - 1, nil, true},
		{"nothing", 0, nil, true},
		{"everything and an error", 1 << 20, syscall.EIO, true},
	} {
		d, r := newDisk(100*sector), small(patterns["0x924924"], 100*sector)
		short := func(move func(*disk, []byte, int64) (int, error)) func(*disk, []byte, int64) (int, error) {
			return func(d *disk, p []byte, off int64) (int, error) {
				if len(p) <= c.most && !c.bad {
					return move(d, p, off)
				}
				n := min(len(p), c.most)
				move(d, p[:n], off)
				return n, c.err
			}
		}
		d.write, d.read = short((*disk).put), short((*disk).get)
		for _, p := range []*Progress{mustWrite(t, r, d), mustVerify(t, r, d)} {
			if (p.Errors() == 100) != c.bad || (p.Good() == r.Bytes()) == c.bad || p.Mismatched().Count() != 0 {
				t.Errorf("%s: errors %d, good %d", c.name, p.Errors(), p.Good())
			}
		}
	}
}

func TestImpossibleCountsAreErrors(t *testing.T) {
	for _, n := range []int{-1, 1 << 30} {
		d, r := newDisk(16*sector), small(patterns["zeros"], 16*sector)
		d.write = func(*disk, []byte, int64) (int, error) { return n, nil }
		d.read = d.write
		for _, p := range []*Progress{mustWrite(t, r, d), mustVerify(t, r, d)} {
			if p.Good() != 0 || p.Bad().Bytes() != r.Bytes() || !errors.Is(p.First(), errCount) {
				t.Errorf("%d: good %d, bad %d, %v", n, p.Good(), p.Bad().Bytes(), p.First())
			}
		}
	}
}

func TestInterruptionsAreRetried(t *testing.T) {
	for _, cause := range []error{syscall.EINTR, syscall.EAGAIN, &os.PathError{Op: "write", Path: "x", Err: syscall.EINTR}} {
		d, r := newDisk(100*sector), small(patterns["zeros"], 100*sector)
		calls := 0
		d.write = func(d *disk, p []byte, off int64) (int, error) {
			if calls++; calls%3 == 0 {
				return 0, cause
			}
			return d.put(p, off)
		}
		wantGood(t, r, mustWrite(t, r, d))
	}
}

func TestInterruptionsAreNotRetriedForEver(t *testing.T) {
	d, r := newDisk(4*sector), small(patterns["zeros"], 4*sector)
	d.write = func(*disk, []byte, int64) (int, error) { return 0, syscall.EINTR }
	if p := mustWrite(t, r, d); p.Bad().Bytes() != r.Bytes() || p.Good() != 0 {
		t.Errorf("bad %d, good %d", p.Bad().Bytes(), p.Good())
	}
}

// A drive that is gone ends the run at once, with its error, and nothing is claimed of the rest.
func TestFatal(t *testing.T) {
	const size, gone = 4000 * sector, 640 * sector
	vanish := func(move func(*disk, []byte, int64) (int, error)) func(*disk, []byte, int64) (int, error) {
		return func(d *disk, p []byte, off int64) (int, error) {
			if off+int64(len(p)) > gone {
				return 0, &os.PathError{Op: "io", Path: "/dev/x", Err: syscall.ENODEV}
			}
			return move(d, p, off)
		}
	}
	d := newDisk(size)
	r := small(patterns["random"], size)
	mustWrite(t, r, d)
	d.write, d.read = vanish((*disk).put), vanish((*disk).get)
	var asked atomic.Int64
	r.Fatal = func(err error) bool { asked.Add(1); return errors.Is(err, syscall.ENODEV) }
	for name, run := range map[string]func(Run) error{
		"write":  func(r Run) error { return r.Write(t.Context(), d) },
		"verify": func(r Run) error { return r.Verify(t.Context(), d) },
	} {
		r = again(r)
		if err := run(r); !errors.Is(err, syscall.ENODEV) {
			t.Errorf("%s: %v", name, err)
		}
		p := r.Progress
		if p.Watermark() > gone || p.Good() > gone || p.Done() == size || p.Bad().Count() != 0 {
			t.Errorf("%s: watermark %d, good %d, done %d, bad %v", name, p.Watermark(), p.Good(), p.Done(), p.Bad().All())
		}
	}
	if n := asked.Load(); n < 2 || n > 8 {
		t.Errorf("asked %d times by 2 x 4 workers", n)
	}
}

// One worker learns that the drive is gone: the others stop, too.
func TestFatalStopsAllWorkers(t *testing.T) {
	const size, at = 40_000 * sector, 80 * sector
	d, r := newDisk(size), small(patterns["zeros"], size)
	known := make(chan struct{})
	d.write = func(d *disk, p []byte, off int64) (int, error) {
		if off == at {
			return 0, syscall.ENODEV
		}
		if off > at { // else a machine under load lets the others do it all before the one that failed goes on
			<-known
			time.Sleep(time.Millisecond)
		}
		return d.put(p, off)
	}
	tell := sync.OnceFunc(func() { close(known) })
	r.Fatal = func(error) bool { tell(); return true }
	if err := r.Write(t.Context(), d); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("%v", err)
	}
	if p := r.Progress; p.Done() > size/2 || p.Watermark() > at {
		t.Errorf("done %d, watermark %d", p.Done(), p.Watermark())
	}
}

func TestFatalIsAskedForEachFailure(t *testing.T) {
	d, r := newDisk(4000*sector), small(patterns["zeros"], 4000*sector)
	d.write = func(*disk, []byte, int64) (int, error) { return 0, syscall.EIO }
	var failures atomic.Int64
	r.Fatal = func(error) bool { return failures.Add(1) >= 100 }
	if err := r.Write(t.Context(), d); !errors.Is(err, syscall.EIO) {
		t.Errorf("%v", err)
	}
	if n := failures.Load(); n < 100 || n > 103 {
		t.Errorf("asked %d times", n)
	}
}

// Damage far beyond what is kept apart: the number stays exact, and no bad sector is left out.
func TestEveryOtherSectorBad(t *testing.T) {
	const sectors = 8 * MaxRanges
	d, r := newDisk(sectors*sector), small(patterns["zeros"], sectors*sector)
	mustWrite(t, r, d)
	for i := 0; i < sectors; i += 2 {
		d.data[i*sector+i%sector] = 1
	}
	v := mustVerify(t, r, d)
	found := v.Mismatched()
	if v.Errors() != sectors/2 || found.Bytes() != sectors/2*sector || found.Count() != MaxRanges {
		t.Errorf("errors %d, bytes %d, ranges %d", v.Errors(), found.Bytes(), found.Count())
	}
	for i := int64(0); i < sectors; i += 2 {
		if !found.Contains(Range{i * sector, sector}) {
			t.Fatalf("sector %d is missing", i)
		}
	}
}

func TestAFileChangedBetween(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "drive"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := small(patterns["zeros"], 800*sector)
	mustWrite(t, r, f)
	if _, err := f.WriteAt(bytes.Repeat([]byte{1}, 3), 333*sector+510); err != nil {
		t.Fatal(err)
	}
	wantRanges(t, "file", mustVerify(t, r, f).Mismatched(), Range{333 * sector, 2 * sector})
}
