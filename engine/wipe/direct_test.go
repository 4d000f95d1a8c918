package wipe

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// flaky is a file of which one sector fails both ways.
type flaky struct {
	*os.File
	bad Range
}

func (f flaky) touches(p []byte, off int64) bool {
	return off < f.bad.End() && f.bad.Offset < off+int64(len(p))
}

func (f flaky) WriteAt(p []byte, off int64) (int, error) {
	if f.touches(p, off) {
		return 0, syscall.EIO
	}
	return f.File.WriteAt(p, off)
}

func (f flaky) ReadAt(p []byte, off int64) (int, error) {
	if f.touches(p, off) {
		return 0, syscall.EIO
	}
	return f.File.ReadAt(p, off)
}

// Direct I/O refuses memory, offsets and lengths that are not aligned: also the pieces of a failed block must be.
func TestDirectIO(t *testing.T) {
	const unit, size = 4096, 9<<20 + 3*4096
	for name, p := range patterns {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), "drive"), os.O_RDWR|os.O_CREATE|syscall.O_DIRECT, 0o600)
		if err != nil {
			t.Skipf("no direct I/O in the temporary directory: %v", err)
		}
		defer f.Close()
		r := Run{Pattern: p, Extents: []Range{{unit, size - unit}}, Sector: unit}
		wantGood(t, r, mustWrite(t, r, f))
		wantGood(t, r, mustVerify(t, r, f))
		bad := Range{777 * unit, unit}
		for what, p := range map[string]*Progress{
			name + " written": mustWrite(t, r, flaky{f, bad}),
			name + " read":    mustVerify(t, r, io.ReaderAt(flaky{f, bad})),
		} {
			wantRanges(t, what, p.Bad(), bad)
			if p.Good() != r.Bytes()-unit || p.Mismatched().Count() != 0 {
				t.Errorf("%s: good %d, mismatched %v", what, p.Good(), p.Mismatched().All())
			}
		}
	}
}
