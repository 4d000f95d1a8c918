package volatile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

const testSize = 64 * Sector

func rig(t testing.TB, seed uint64, room int64) (*Machine, *Drive, memory) {
	t.Helper()
	m, medium := NewMachine(rand.New(rand.NewPCG(seed, 1))), make(memory, testSize)
	d, err := m.NewDrive(medium, testSize, room)
	if err != nil {
		t.Fatal(err)
	}
	return m, d, medium
}

// sectors makes the content of some sectors: version, in each 8 bytes.
func sectors(n int, version byte) []byte { return bytes.Repeat([]byte{version}, n*Sector) }

// TestCut holds a drive against the list of what each sector may hold after a cut: what it held at the last flush, or what was written
// to it since; and what a forced write left, or what came after. Over many plans, each of these must also happen.
func TestCut(t *testing.T) {
	happened := map[string]int{}
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 2))
		m, d, medium := rig(t, seed, []int64{4 * Sector, 1 << 20}[random.IntN(2)])
		may := make([][]byte, testSize/Sector) // each sector's possible contents, the newest last
		for n := range may {
			may[n] = []byte{0}
		}
		for version := byte(1); version < 40; version++ {
			at, n := random.IntN(50), 1+random.IntN(14)
			forced := random.IntN(5) == 0
			if err := d.Write(sectors(n, version), int64(at)*Sector, forced); err != nil {
				t.Fatal(err)
			}
			for s := at; s < at+n; s++ {
				if forced {
					may[s] = nil
				}
				may[s] = append(may[s], version)
			}
			if random.IntN(8) == 0 {
				if err := d.Flush(); err != nil {
					t.Fatal(err)
				}
				for s := range may {
					may[s] = may[s][len(may[s])-1:]
				}
			}
			check := make([]byte, testSize)
			if _, err := d.ReadAt(check, 0); err != nil {
				t.Fatal(err)
			}
			for s := range may {
				if got := check[s*Sector:][:Sector]; !bytes.Equal(got, sectors(1, may[s][len(may[s])-1])) {
					t.Fatalf("seed %d: sector %d reads %d, want %d", seed, s, got[0], may[s][len(may[s])-1])
				}
			}
		}
		if err := m.Cut(); err != nil {
			t.Fatal(err)
		}
		for s := range may {
			got := medium[s*Sector:][:Sector]
			which := slices.Index(may[s], got[0])
			if which < 0 || !bytes.Equal(got, sectors(1, got[0])) {
				t.Fatalf("seed %d: after the cut sector %d holds %d, want one of %d", seed, s, got[0], may[s])
			}
			if len(may[s]) > 1 {
				happened[fmt.Sprint("newest ", which == len(may[s])-1, ", oldest ", which == 0)]++
			}
		}
		happened["torn"] += int(m.Counts.Torn)
		happened["lost"] += int(m.Counts.Lost)
	}
	for _, what := range []string{"newest true, oldest false", "newest false, oldest true", "newest false, oldest false", "torn", "lost"} {
		if happened[what] == 0 {
			t.Errorf("%s never happened: %v", what, happened)
		}
	}
	t.Log(happened)
}

// TestOneInstant: all drives lose power together, after as many operations as was said, and answer nothing any more.
func TestOneInstant(t *testing.T) {
	m, a, mediumA := rig(t, 1, 1<<20)
	mediumB := make(memory, testSize)
	b, err := m.NewDrive(mediumB, testSize, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	m.CutAfter(4)
	errs := []error{a.Write(sectors(1, 1), 0, true), b.Write(sectors(1, 1), 0, true), a.Flush(), b.Write(sectors(1, 2), 0, true), a.Flush()}
	for n, err := range errs {
		if n < 3 && err != nil || n >= 3 && !errors.Is(err, ErrOff) {
			t.Errorf("operation %d: %v", n+1, err)
		}
	}
	if _, err := a.ReadAt(make([]byte, Sector), 0); !errors.Is(err, ErrOff) {
		t.Errorf("a read without power: %v", err)
	}
	select {
	case <-m.Down():
	default:
		t.Error("nobody was told that the power is off")
	}
	if mediumA[0] != 1 || mediumB[0] != 1 {
		t.Errorf("forced writes left %d and %d", mediumA[0], mediumB[0])
	}
}

// TestCopy is as good as a cut, and changes nothing.
func TestCopy(t *testing.T) {
	lost := false
	for seed := range uint64(50) {
		m, d, medium := rig(t, seed, 1<<20)
		if err := errors.Join(d.Write(sectors(8, 1), 0, false), d.Flush(), d.Write(sectors(8, 2), 2*Sector, false)); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		var err error
		m.Tap(func() { err = m.Copy(&got) })
		if e := d.Write(sectors(1, 3), 20*Sector, false); e != nil || err != nil || got.Len() != testSize {
			t.Fatal(e, err, got.Len())
		}
		m.Tap(nil)
		for s := range 10 {
			if v := got.Bytes()[s*Sector]; s < 2 && v != 1 || s >= 8 && v == 1 || v > 2 {
				t.Errorf("seed %d: sector %d of the copy holds %d", seed, s, v)
			}
		}
		lost = lost || got.Bytes()[9*Sector] == 0
		check := make([]byte, Sector)
		if _, err := d.ReadAt(check, 9*Sector); err != nil || check[0] != 2 || medium[9*Sector] != 0 {
			t.Errorf("seed %d: the copy changed the drive: %d, %v", seed, check[0], err)
		}
		if got.Bytes()[20*Sector] != 0 {
			t.Errorf("seed %d: the copy holds what was written after it", seed)
		}
	}
	if !lost {
		t.Error("no copy lost anything")
	}
}

// TestOutside: what is not whole sectors of the drive is refused.
func TestOutside(t *testing.T) {
	m, d, _ := rig(t, 1, 1<<20)
	for _, c := range []struct{ length, off int64 }{{Sector, testSize}, {2 * Sector, testSize - Sector}, {1, 0}, {Sector, 1}, {Sector, -Sector}} {
		if d.Write(make([]byte, c.length), c.off, false) == nil {
			t.Errorf("a write of %d bytes at %d was taken", c.length, c.off)
		}
		if _, err := d.ReadAt(make([]byte, c.length), c.off); err == nil {
			t.Errorf("a read of %d bytes at %d was answered", c.length, c.off)
		}
	}
	if _, err := m.NewDrive(make(memory, 100), 100, 0); err == nil {
		t.Error("a drive of 100 bytes was made")
	}
}
