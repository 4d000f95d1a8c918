package wipe

import (
	"math/bits"
	"math/rand/v2"
)

// The sampling recipe of NIST SP 800-88r1, section 4.7.
const (
	subsections = 1000 // equal parts of the address space
	share       = 20   // each of the two samples in a part is at least one in share of its sectors
)

// SampleExtents returns the areas of a drive of size bytes that a representative sampling reads: in each of 1000 equal
// parts of its sectors two samples that do not overlap, each of at least 5 % of the part, at pseudorandom places, and
// always the first and the last sector. They are ordered, disjoint, in whole sectors, and at least 10 % of the drive. A
// drive that is too small for the recipe (less than 2000 sectors) is read whole. The result is nil, which no Run
// accepts, if size is not a positive number of whole sectors.
//
// The places depend on seed, size and sector alone, so that anybody can make them again: the generator is chacha8rand
// (C2SP, math/rand/v2.ChaCha8) under seed. For each part, in order, two 64-bit outputs u become the numbers
// floor(u * (free+1) / 2^64), where free is what the samples leave of the part. The smaller is the number of sectors
// before the first sample, the larger that before the second one, the first sample not counted.
func SampleExtents(seed [32]byte, size int64, sector int) []Range {
	if sector < 1 || size < 1 || size%int64(sector) != 0 {
		return nil
	}
	sectors := size / int64(sector)
	if sectors < 2*subsections {
		return []Range{{0, size}}
	}
	list := make([]Range, 0, 2*subsections+2)
	list = appendRange(list, Range{0, 1})
	generator := rand.NewChaCha8(seed)
	for start, part := range parts(sectors) {
		first, second := samples(generator, part)
		list = appendRange(list, Range{start + first.Offset, first.Length})
		list = appendRange(list, Range{start + second.Offset, second.Length})
	}
	list = appendRange(list, Range{sectors - 1, 1})
	for i, r := range list {
		list[i] = Range{r.Offset * int64(sector), r.Length * int64(sector)}
	}
	return list
}

// parts yields the first sector and the number of sectors of each subsection. The first ones are longer by one where
// sectors cannot be divided evenly.
func parts(sectors int64) func(func(int64, int64) bool) {
	return func(yield func(int64, int64) bool) {
		start := int64(0)
		for i := range int64(subsections) {
			length := sectors / subsections
			if i < sectors%subsections {
				length++
			}
			if !yield(start, length) {
				return
			}
			start += length
		}
	}
}

// samples places the two samples of a part of so many sectors, at least two.
func samples(generator *rand.ChaCha8, part int64) (first, second Range) {
	length := (part + share - 1) / share
	free := part - 2*length
	a, b := below(generator, free+1), below(generator, free+1)
	return Range{min(a, b), length}, Range{max(a, b) + length, length}
}

// below returns a number from 0 to n-1. Its bias, at most n in 2^64, does not matter here.
func below(generator *rand.ChaCha8, n int64) int64 {
	high, _ := bits.Mul64(generator.Uint64(), uint64(n))
	return int64(high)
}

// appendRange appends r, which begins no earlier than the last of list does, and joins them if they touch or overlap.
func appendRange(list []Range, r Range) []Range {
	if n := len(list); n > 0 && r.Offset <= list[n-1].End() {
		list[n-1] = hull(list[n-1], r)
		return list
	}
	return append(list, r)
}
