package engine

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"wiped/engine/drive/drivetest"
	"wiped/engine/wipe"
)

// caught is the probability that a sample which reads a tenth of a drive finds at least one of k bad sectors that lie
// anywhere: all but one in (1 - 1/10)^k.
func caught(k int) float64 { return 1 - math.Pow(0.9, float64(k)) }

// TestSampleOfATebibyte: on a drive of 1 TiB, of 2^31 sectors, a sample finds bad sectors as often as the arithmetic
// says. Each trial draws a sample as a job does, and k sectors that hold something else.
func TestSampleOfATebibyte(t *testing.T) {
	const size, sectors, seeds, trials = 1 << 40, 1 << 31, 200, 500
	random := rand.New(rand.NewPCG(2026, 5))
	found := map[int]int{}
	counts := []int{1, 7, 22, 44}
	share := 0.0
	for n := range uint64(seeds) {
		var seed [32]byte
		binary.LittleEndian.PutUint64(seed[:], n)
		extents := wipe.SampleExtents(seed, size, 512)
		read := int64(0)
		for _, e := range extents {
			read += e.Length
		}
		share += float64(read) / size / seeds
		for range trials {
			for _, k := range counts {
				for range k {
					if inside(extents, random.Int64N(sectors)*512) {
						found[k]++
						break
					}
				}
			}
		}
	}
	for _, k := range counts {
		got, want, n := float64(found[k])/(seeds*trials), caught(k), float64(seeds*trials)
		// Four standard deviations of such a count; by chance alone the test fails once in some 4,000 seeds, and this one is fixed.
		if off := 4 * math.Sqrt(want*(1-want)/n); math.Abs(got-want) > off {
			t.Errorf("%d bad sectors of 1 TiB are found with probability %.4f; want %.4f +- %.4f", k, got, want, off)
		}
		t.Logf("sampling 1 TiB (%.2f %% read): %d bad sectors found in %.2f %% of %d trials, %.2f %% by arithmetic", 100*share, k, 100*got, int(n), 100*want)
	}
}

// inside tells whether an offset is in one of the extents, which are in order.
func inside(extents []wipe.Range, off int64) bool {
	_, found := slices.BinarySearchFunc(extents, off, func(e wipe.Range, off int64) int {
		switch {
		case e.End() <= off:
			return -1
		case e.Offset > off:
			return 1
		}
		return 0
	})
	return found
}

// flipper flips one byte of a drive after it was written and before it is read.
func flipper(v *drivetest.Vast, at int64) {
	v.Takes = func(write bool, _, n int64) (time.Duration, error) {
		if write && n == 0 { // the flush after the last write, and those before it
			v.Flip(at)
		}
		return 0, nil
	}
}

// TestOneFlippedByte: on a drive of 4 GiB one byte is not what was written. A full verification always tells; a sample
// does where it reads, and only there.
func TestOneFlippedByte(t *testing.T) {
	const size = 4 << 30
	random := rand.New(rand.NewPCG(9, 9))
	told := 0
	for n, at := range []int64{0, size - 1, random.Int64N(size), random.Int64N(size), random.Int64N(size), random.Int64N(size)} {
		v := drivetest.NewVast("f0", size)
		flipper(v, at)
		verify := "full"
		if n >= 3 {
			verify = "sample"
		}
		w := open(t, "", func(c *Config) { vasts(v)(c); c.CheckpointEvery = time.Hour })
		id := w.erase("zero", verify, "f0")[0]
		got := w.end(id)
		want := Failed
		if verify == "sample" && !inside(w.mustJob(id).extents(w.mustJob(id).targets[0]), at) {
			want = Erased
		}
		if got.State != want || v.Flipped() != 1 {
			t.Errorf("byte %d of %d flipped, verified %s: %s: %s; want %s", at, size, verify, got.State, got.Last.Reason, want)
		}
		if r := w.record(id); want == Failed {
			told++
			if m := r.End.Verification.Mismatches; len(m) != 1 || m[0].Offset != at/512*512 || m[0].Length != 512 {
				t.Errorf("byte %d flipped, and on record are %v", at, m)
			}
		}
		w.shutdown()
	}
	if told < 3 {
		t.Errorf("told of %d", told)
	}
}

func (w *workshop) mustJob(id uint64) *job {
	w.t.Helper()
	j, err := w.job(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}
