package wipe

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// plan numbers the blocks of a run, from 0, in the order of their offsets. Workers take numbers.
type plan struct {
	extents []Range
	before  []int64 // before[i]: blocks in the extents below i; one more entry holds the number of all
	block   int64
	end     int64
}

func newPlan(extents []Range, block int, end int64) plan {
	p := plan{extents: extents, before: make([]int64, len(extents)+1), block: int64(block), end: end}
	for i, e := range extents {
		p.before[i+1] = p.before[i] + (e.Length+p.block-1)/p.block
	}
	return p
}

func (p *plan) blocks() int64 { return p.before[len(p.extents)] }

// at returns the place of block number k and of as many after it as lie there in one piece, most in all, and how many these
// are; 0 beyond the last.
func (p *plan) at(k, most int64) (r Range, n int64) {
	if k >= p.blocks() {
		return Range{}, 0
	}
	i := sort.Search(len(p.extents), func(i int) bool { return p.before[i+1] > k })
	e := p.extents[i]
	n = min(most, p.before[i+1]-k)
	inside := (k - p.before[i]) * p.block
	return Range{e.Offset + inside, min(n*p.block, e.Length-inside)}, n
}

// start is the offset of block number k, or the end of the run beyond the last.
func (p *plan) start(k int64) int64 {
	if r, n := p.at(k, 1); n > 0 {
		return r.Offset
	}
	return p.end
}

// checkExtents reports why a run over extents would not cover what it says.
func checkExtents(extents []Range, sector int64) error {
	if len(extents) == 0 {
		return errors.New("check extents: there are none")
	}
	last := int64(0)
	for _, e := range extents {
		switch {
		case e.Offset < last || e.Length <= 0 || e.Length > math.MaxInt64-e.Offset:
			return fmt.Errorf("check extents: %d bytes at %d are empty, out of range or out of order", e.Length, e.Offset)
		case e.Offset%sector != 0 || e.Length%sector != 0:
			return fmt.Errorf("check extents: %d bytes at %d are not whole sectors of %d", e.Length, e.Offset, sector)
		}
		last = e.End()
	}
	return nil
}

// without returns extents less the whole sectors of skip. A sector that skip covers in part stays: it is looked at
// rather than left out.
func without(extents []Range, skip Ranges, sector int64) []Range {
	if skip.Count() == 0 {
		return slices.Clone(extents)
	}
	var left []Range
	for _, e := range extents {
		for _, hole := range skip.list[skip.after(e.Offset):] {
			start, end := roundUp(hole.Offset, sector), hole.End()/sector*sector
			if start >= e.End() || end <= e.Offset || start >= end {
				continue
			}
			if start > e.Offset {
				left = append(left, Range{e.Offset, start - e.Offset})
			}
			e = Range{end, e.End() - end}
			if e.Length <= 0 {
				break
			}
		}
		if e.Length > 0 {
			left = append(left, e)
		}
	}
	return left
}

func roundUp(n, unit int64) int64 {
	if rest := n % unit; rest != 0 {
		return n + unit - rest
	}
	return n
}
