package wipe

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
)

// model is a set of bytes as nobody would keep it, to compare Ranges with.
type model [4096]bool

func (m *model) add(r Range) {
	for i := max(0, r.Offset); i < min(int64(len(m)), r.End()); i++ {
		m[i] = true
	}
}

func (m *model) bytes() (n int64) {
	for _, in := range m {
		if in {
			n++
		}
	}
	return n
}

// checkRanges fails the test if s is not what a Ranges always is.
func checkRanges(t *testing.T, s Ranges) {
	t.Helper()
	end := int64(-1)
	for _, r := range s.list {
		if r.Offset <= end || r.Length <= 0 || r.End() < r.Offset {
			t.Fatalf("out of order, touching or empty: %v", s.list)
		}
		end = r.End()
	}
	if s.Count() > MaxRanges || s.covered != lengths(s.list) || s.bytes > s.covered || s.bytes < int64(s.Count()) {
		t.Fatalf("%d ranges, %d bytes of %d (%d)", s.Count(), s.bytes, s.covered, lengths(s.list))
	}
}

func TestRangesAreTheUnion(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var s Ranges
		var m model
		for range random.IntN(60) {
			r := Range{random.Int64N(4000), random.Int64N(90)}
			s.Add(r)
			m.add(r)
			checkRanges(t, s)
		}
		if s.Bytes() != m.bytes() {
			t.Fatalf("seed %d: %d bytes, want %d", seed, s.Bytes(), m.bytes())
		}
		for range 300 {
			r := Range{random.Int64N(4000), 1 + random.Int64N(90)}
			all, some := true, false
			for i := r.Offset; i < r.End(); i++ {
				all, some = all && m[i], some || m[i]
			}
			if s.Contains(r) != all || s.Overlaps(r) != some {
				t.Fatalf("seed %d: %v in %v: contains %t, overlaps %t", seed, r, s.All(), s.Contains(r), s.Overlaps(r))
			}
		}
	}
}

// A dying drive: more bad sectors than are kept apart. None is left out, and their number stays exact.
func TestRangesAreBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	var s Ranges
	const bad = 20 * MaxRanges
	for _, i := range random.Perm(bad) {
		s.Add(Range{int64(i) * 3 * sector, sector})
	}
	checkRanges(t, s)
	if s.Count() != MaxRanges || s.Bytes() != bad*sector {
		t.Errorf("%d ranges, %d bytes; want %d and %d", s.Count(), s.Bytes(), MaxRanges, bad*sector)
	}
	for i := range int64(bad) {
		if !s.Contains(Range{i * 3 * sector, sector}) {
			t.Fatalf("sector %d is missing", i)
		}
	}
}

func TestRangesGiveUpTheSmallestGap(t *testing.T) {
	var s Ranges
	for i := range int64(MaxRanges) {
		s.Add(Range{i * 1000, 10})
	}
	s.Add(Range{500_015, 10}) // 5 bytes after the range at 500 000
	checkRanges(t, s)
	if !s.Contains(Range{500_000, 25}) || s.Overlaps(Range{500_025, 975}) || s.Bytes() != 10*(MaxRanges+1) {
		t.Errorf("%v, %d bytes", s.All(), s.Bytes())
	}
}

func TestRangesAtTheEdges(t *testing.T) {
	var s Ranges
	for _, r := range []Range{{0, 0}, {5, -1}, {-10, 5}, {-10, 10}, {math.MinInt64, math.MaxInt64}, {math.MaxInt64, 7}} {
		s.Add(r)
	}
	if s.Count() != 0 {
		t.Errorf("bytes that no drive has are in: %v", s.All())
	}
	s.Add(Range{-10, 15})
	s.Add(Range{math.MaxInt64 - 1, math.MaxInt64})
	checkRanges(t, s)
	wantRanges(t, "edges", s, Range{0, 5}, Range{math.MaxInt64 - 1, 1})
	if s.Contains(Range{2, 0}) || s.Overlaps(Range{2, 0}) || s.Contains(Range{0, 6}) || !s.Overlaps(Range{4, math.MaxInt64}) {
		t.Error("wrong about what it holds")
	}
}

func TestRangesMerge(t *testing.T) {
	var a, b Ranges
	for i := range int64(3 * MaxRanges) {
		a.Add(Range{i * 4000, 100})
		b.Add(Range{i*4000 + 2000, 100})
	}
	parts := []Ranges{a.Clone(), b.Clone()}
	a.Merge(b)
	checkRanges(t, a)
	for _, part := range parts {
		for _, r := range part.All() {
			if !a.Contains(r) {
				t.Fatalf("%v was lost", r)
			}
		}
	}
	if a.Bytes() < 3*MaxRanges*100 {
		t.Errorf("%d bytes, less than one of the parts has", a.Bytes())
	}
}

func TestRangesClonesShareNothing(t *testing.T) {
	var a Ranges
	a.Add(Range{0, 1})
	a.Add(Range{10, 1})
	b, all := a.Clone(), a.All()
	a.Add(Range{0, 20})
	wantRanges(t, "clone", b, Range{0, 1}, Range{10, 1})
	if all[0] != (Range{0, 1}) {
		t.Error("All gave away its own memory")
	}
}

func TestRangesInJSON(t *testing.T) {
	var s, back Ranges
	if text, err := json.Marshal(s); err != nil || string(text) != `{"ranges":[],"bytes":0}` {
		t.Errorf("%s, %v", text, err)
	}
	for i := range int64(MaxRanges + 5) {
		s.Add(Range{i * 100, 10})
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !equal(s.All(), back.All()) || s.Bytes() != back.Bytes() || back.Bytes() != 10*(MaxRanges+5) {
		t.Errorf("%s came back as %v", text, back)
	}
}

func TestRangesRefuseCorruptJSON(t *testing.T) {
	for _, text := range []string{
		`[]`, `{}`, `null`, `{"ranges":null,"bytes":0}`, `{"ranges":[{"offset":-1,"length":5}]}`, `{"ranges":[{"offset":1,"length":0}]}`,
		`{"ranges":[{"offset":0,"length":5}],"bytes":6}`, `{"ranges":[{"offset":0,"length":5}],"bytes":0}`,
		`{"ranges":[{"offset":9223372036854775807,"length":2}]}`, `{"ranges":[],"bytes":-1}`,
	} {
		var s Ranges
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s was taken for %v", text, s.All())
		}
	}
}

func FuzzRanges(f *testing.F) {
	f.Add([]byte{0, 10, 1, 20, 3, 1, 200, 4, 4})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var s Ranges
		var m model
		for ; len(ops) >= 3; ops = ops[3:] {
			r := Range{int64(ops[0])*16 + int64(ops[1]%16) - 8, int64(ops[2]) - 8}
			if ops[1] >= 128 {
				var o Ranges
				o.Add(r)
				s.Merge(o)
			} else {
				s.Add(r)
			}
			m.add(r)
		}
		checkRanges(t, s)
		for _, r := range s.list { // below MaxRanges nothing is given up
			if r.End() > int64(len(m)) {
				continue
			}
			for i := r.Offset; i < r.End(); i++ {
				if !m[i] {
					t.Fatalf("byte %d was never added: %v", i, s.list)
				}
			}
		}
		for i, in := range m {
			if in != s.Contains(Range{int64(i), 1}) {
				t.Fatalf("byte %d: %t", i, in)
			}
		}
		var back Ranges
		text, _ := json.Marshal(s)
		if err := json.Unmarshal(text, &back); err != nil || !equal(s.list, back.list) || s.bytes != back.bytes {
			t.Fatalf("%s came back as %v, %v", text, back, err)
		}
	})
}

func FuzzRangesJSON(f *testing.F) {
	f.Add([]byte(`{"ranges":[{"offset":0,"length":5},{"offset":3,"length":9}],"bytes":6}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Ranges
		if json.Unmarshal(data, &s) == nil {
			checkRanges(t, s)
		}
	})
}
