package wipe

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

func seedOf(n uint64) (seed [32]byte) {
	binary.BigEndian.PutUint64(seed[24:], n)
	return seed
}

// checkSamples fails the test unless list is what SampleExtents promises for such a drive.
func checkSamples(t *testing.T, list []Range, size, unit int64) {
	t.Helper()
	if err := checkExtents(list, unit); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(list); i++ {
		if list[i].Offset <= list[i-1].End() {
			t.Fatalf("%v and %v touch", list[i-1], list[i])
		}
	}
	if list[0].Offset != 0 || list[len(list)-1].End() != size {
		t.Errorf("from %d to %d, the drive has %d", list[0].Offset, list[len(list)-1].End(), size)
	}
	if covered := lengths(list); covered < size/10 || covered > size {
		t.Errorf("covers %d of %d", covered, size)
	}
}

func TestSampleExtents(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	sizes := []int64{1, 2, 999, 1000, 1999, 2000, 2001, 2999, 3000, 19999, 20000, 20001, 40001, 1 << 21, 20e12 / 4096}
	for range 200 {
		sizes = append(sizes, 1+random.Int64N(1<<(2+random.IntN(38))))
	}
	for _, sectors := range sizes {
		for _, unit := range []int64{1, 512, 4096} {
			list := SampleExtents(seedOf(uint64(sectors)), sectors*unit, int(unit))
			checkSamples(t, list, sectors*unit, unit)
			if sectors < 2000 && len(list) != 1 {
				t.Errorf("%d sectors: not read whole", sectors)
			}
		}
	}
}

// Each part of a drive has its two samples of 5 %, and they are where the seed says.
func TestSamplesAreInEveryPart(t *testing.T) {
	const sectors = 1_000_000
	list := SampleExtents(seedOf(1), sectors*512, 512)
	checkSamples(t, list, sectors*512, 512)
	if len(list) < 1500 || len(list) > 2002 { // those that happen to touch are one
		t.Errorf("%d extents", len(list))
	}
	var set Ranges
	for i, at := 0, int64(0); at < sectors*512; at += 1000 * 512 {
		set = Ranges{}
		for ; i > 0 && list[i-1].End() > at; i-- {
		}
		for ; i < len(list) && list[i].Offset < at+1000*512; i++ {
			start, end := max(at, list[i].Offset), min(at+1000*512, list[i].End())
			set.Add(Range{start, end - start})
		}
		if n := set.Bytes() / 512; n < 100 || n > 102 {
			t.Fatalf("the part at %d has %d sectors sampled", at, n)
		}
	}
	other := SampleExtents(seedOf(2), sectors*512, 512)
	same := 0
	for i := range min(len(list), len(other)) {
		if list[i] == other[i] {
			same++
		}
	}
	if same > len(list)/20 {
		t.Errorf("another seed gives %d of %d the same", same, len(list))
	}
}

// Every sector can be hit, not just those at the favoured places of a careless generator.
func TestSamplesReachEverySector(t *testing.T) {
	const sectors = 40_000
	hit := make([]bool, sectors)
	for seed := range uint64(400) {
		for _, r := range SampleExtents(seedOf(seed), sectors, 1) {
			for i := r.Offset; i < r.End(); i++ {
				hit[i] = true
			}
		}
	}
	for i, h := range hit {
		if !h {
			t.Fatalf("sector %d is never looked at", i)
		}
	}
}

// The places are on certificates: they must stay the same for ever, on every machine and with every version of Go.
func TestSamplesNeverChange(t *testing.T) {
	const want = "66c22287b4c8293bb74328d10e3ecd252438fb7fd0f65395e99e054c506d5f05"
	hash := sha256.New()
	for _, size := range []int64{2000 * 512, 1 << 30, 20e12 / 4096 * 4096} {
		for _, r := range SampleExtents(seedOf(7), size, 512) {
			_ = binary.Write(hash, binary.BigEndian, r)
		}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSamplesOfNothing(t *testing.T) {
	for _, c := range []struct {
		size   int64
		sector int
	}{{0, 512}, {-512, 512}, {700, 512}, {512, 0}, {512, -1}} {
		if list := SampleExtents(seedOf(0), c.size, c.sector); list != nil {
			t.Errorf("%v: %v", c, list)
		}
	}
}
