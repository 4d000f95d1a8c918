package wipe

import (
	"bytes"
	"io"
	"sync"
	"testing"
)

const sector = 512

// disk is a drive in memory that can be told to fail. It exists because no real peer at this level fails on demand; the
// same loops run over real files elsewhere in these tests.
type disk struct {
	mu    sync.Mutex
	data  []byte
	write func(d *disk, p []byte, off int64) (n int, err error) // nil: as a good drive does
	read  func(d *disk, p []byte, off int64) (n int, err error)
}

// newDisk returns a drive full of bytes that no pattern here has.
func newDisk(size int) *disk { return &disk{data: bytes.Repeat([]byte{0xC3}, size)} }

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.write != nil {
		return d.write(d, p, off)
	}
	return d.put(p, off)
}

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.read != nil {
		return d.read(d, p, off)
	}
	return d.get(p, off)
}

func (d *disk) put(p []byte, off int64) (int, error) {
	if off >= int64(len(d.data)) {
		return 0, io.ErrShortWrite
	}
	return copy(d.data[off:], p), nil
}

func (d *disk) get(p []byte, off int64) (int, error) {
	if off >= int64(len(d.data)) {
		return 0, io.EOF
	}
	n := copy(p, d.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// patterns is one of each kind that differs in how its blocks are made.
var patterns = map[string]Pattern{
	"zeros":      {Bytes: Hex{0x00}},
	"ones":       {Bytes: Hex{0xFF}},
	"0x55":       {Bytes: Hex{0x55}},
	"0x924924":   {Bytes: Hex{0x92, 0x49, 0x24}},
	"seven":      {Bytes: Hex{1, 2, 3, 4, 5, 6, 7}},
	"511":        {Bytes: counting(511)},
	"512":        {Bytes: counting(512)},
	"random":     {Key: bytes.Repeat([]byte{0xA7}, KeyBytes)},
	"random two": {Key: counting(KeyBytes)},
}

func counting(n int) Hex {
	h := make(Hex, n)
	for i := range h {
		h[i] = byte(i*7 + i>>8)
	}
	return h
}

// small is a run over size bytes in blocks that are small enough for a drive of a test to have many.
func small(p Pattern, size int64) Run {
	return Run{Pattern: p, Extents: []Range{{0, size}}, Sector: sector, Block: 8 * sector, Depth: 4, Progress: new(Progress)}
}

// again is r with a progress of its own.
func again(r Run) Run {
	r.Progress = new(Progress)
	return r
}

func mustWrite(t *testing.T, r Run, w io.WriterAt) *Progress {
	t.Helper()
	r = again(r)
	if err := r.Write(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return r.Progress
}

func mustVerify(t *testing.T, r Run, rd io.ReaderAt) *Progress {
	t.Helper()
	r = again(r)
	if err := r.Verify(t.Context(), rd); err != nil {
		t.Fatal(err)
	}
	return r.Progress
}

// wantGood fails the test unless all of r went well.
func wantGood(t *testing.T, r Run, p *Progress) {
	t.Helper()
	end := r.Extents[len(r.Extents)-1].End()
	if p.Good() != r.Bytes() || p.Done() != r.Bytes() || p.Errors() != 0 || p.First() != nil || p.Watermark() != end {
		t.Errorf("good %d, done %d, errors %d (%v), watermark %d; want %d, no errors and %d",
			p.Good(), p.Done(), p.Errors(), p.First(), p.Watermark(), r.Bytes(), end)
	}
}

// wantRanges fails the test unless got is exactly want.
func wantRanges(t *testing.T, what string, got Ranges, want ...Range) {
	t.Helper()
	var set Ranges
	for _, r := range want {
		set.Add(r)
	}
	if !equal(got.All(), set.All()) || got.Bytes() != set.Bytes() {
		t.Errorf("%s: %v (%d bytes), want %v (%d bytes)", what, got.All(), got.Bytes(), set.All(), set.Bytes())
	}
}

func equal(a, b []Range) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
