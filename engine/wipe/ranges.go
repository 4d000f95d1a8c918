package wipe

import (
	"math"
	"slices"
	"sort"
)

// MaxRanges is how many ranges a Ranges keeps apart: enough for a drive worth keeping, and a bound on the memory and the
// journal space that a dying one can take.
const MaxRanges = 1024

// Range is Length bytes from byte Offset on.
type Range struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// End is the offset of the first byte after r.
func (r Range) End() int64 { return r.Offset + r.Length }

// Ranges is a set of bytes of a drive, kept as ordered ranges that neither overlap nor touch. It keeps at most MaxRanges
// of them: beyond that the two with the smallest gap between them become one, so that it may cover bytes which were
// never added but never leaves out one that was. The zero value is empty. Copies share memory: change only a Clone.
type Ranges struct {
	list    []Range
	bytes   int64 // added
	covered int64 // by list: bytes, and the gaps that were given up
}

// Add puts r into the set. What lies outside 0..math.MaxInt64 is no part of any drive and is left out.
func (s *Ranges) Add(r Range) {
	if r = onDrive(r); r.Length == 0 {
		return
	}
	from, to := s.touching(r)
	inside, joined := int64(0), r
	for _, kept := range s.list[from:to] {
		inside += min(kept.End(), r.End()) - max(kept.Offset, r.Offset)
		joined = hull(joined, kept)
		s.covered -= kept.Length
	}
	// Bytes inside of a given-up gap may be new. Where nothing is added twice they are, and the count stays exact.
	given := s.covered + lengths(s.list[from:to]) - s.bytes
	s.bytes += r.Length - inside + min(inside, given)
	s.covered += joined.Length
	s.list = slices.Replace(s.list, from, to, joined)
	s.shrink()
}

func onDrive(r Range) Range {
	if r.Length <= 0 {
		return Range{}
	}
	if r.Offset < 0 {
		return Range{Length: max(0, r.Offset+r.Length)}
	}
	return Range{r.Offset, min(r.Length, math.MaxInt64-r.Offset)}
}

// touching returns the indexes of the first kept range that overlaps or adjoins r, and of the first after those.
func (s Ranges) touching(r Range) (from, to int) {
	from = sort.Search(len(s.list), func(i int) bool { return s.list[i].End() >= r.Offset })
	to = from + sort.Search(len(s.list)-from, func(i int) bool { return s.list[from+i].Offset > r.End() })
	return from, to
}

func hull(a, b Range) Range {
	start := min(a.Offset, b.Offset)
	return Range{start, max(a.End(), b.End()) - start}
}

func lengths(list []Range) int64 {
	var sum int64
	for _, r := range list {
		sum += r.Length
	}
	return sum
}

// shrink gives up the smallest gap if there is one range too many.
func (s *Ranges) shrink() {
	if len(s.list) <= MaxRanges {
		return
	}
	best := 1
	for i := 2; i < len(s.list); i++ {
		if s.gap(i) < s.gap(best) {
			best = i
		}
	}
	s.covered += s.gap(best)
	s.list = slices.Replace(s.list, best-1, best+1, hull(s.list[best-1], s.list[best]))
}

// gap is the number of bytes between range i and the one before it.
func (s *Ranges) gap(i int) int64 { return s.list[i].Offset - s.list[i-1].End() }

// Merge adds all of o.
func (s *Ranges) Merge(o Ranges) {
	before, given := s.bytes, o.covered-o.bytes
	for _, r := range o.list {
		s.Add(r)
	}
	s.bytes = max(before, o.bytes, s.bytes-given)
}

// All returns the ranges in ascending order. The slice is the caller's.
func (s Ranges) All() []Range { return slices.Clone(s.list) }

// Count is the number of ranges, at most MaxRanges.
func (s Ranges) Count() int { return len(s.list) }

// Bytes is how many bytes were added. It is exact, also when All covers more, as long as no byte was added twice after
// gaps had to be given up; it is never more than All covers.
func (s Ranges) Bytes() int64 { return s.bytes }

// Merged reports whether All covers more than was added.
func (s Ranges) Merged() bool { return s.covered > s.bytes }

// Contains reports whether all of r is covered. An empty range is not.
func (s Ranges) Contains(r Range) bool {
	i := s.after(r.Offset)
	return r.Length > 0 && i < len(s.list) && s.list[i].Offset <= r.Offset && r.Length <= s.list[i].End()-r.Offset
}

// Overlaps reports whether any byte of r is covered.
func (s Ranges) Overlaps(r Range) bool {
	r = onDrive(r)
	i := s.after(r.Offset)
	return r.Length > 0 && i < len(s.list) && s.list[i].Offset < r.End()
}

// after returns the index of the first range that ends beyond byte off.
func (s Ranges) after(off int64) int {
	return sort.Search(len(s.list), func(i int) bool { return s.list[i].End() > off })
}

// Clone returns a copy that shares nothing with s.
func (s Ranges) Clone() Ranges {
	s.list = slices.Clone(s.list)
	return s
}
