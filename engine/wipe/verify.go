package wipe

import (
	"bytes"
	"fmt"
	"io"
)

// reader is the device of Run.Verify.
type reader struct {
	from     io.ReaderAt
	source   source
	buf      []byte // what was read
	want     []byte // what should have been, after a try
	sector   int
	progress *Progress
}

func (r *reader) try(off int64, n int) (int, error) {
	r.want = r.source.block(off, n)
	buf := r.buf[:n]
	r.poison(buf)
	moved, err := r.from.ReadAt(buf, off)
	if moved == n && err == io.EOF {
		err = nil // a reader may say so at the end of its last byte
	}
	return moved, err
}

// poison puts bytes that cannot match at both ends of every sector of buf. The buffer holds an earlier block, which for
// a fixed pattern is the same as this one: a read that reports bytes which it did not bring must not pass for a match.
func (r *reader) poison(buf []byte) {
	for first := 0; first < len(buf); first += r.sector {
		last := first + r.sector - 1
		buf[first] = ^r.want[first]
		buf[last] = ^r.want[last]
	}
}

func (r *reader) accept(off int64, n int) {
	want, got := r.want[:n], r.buf[:n]
	if bytes.Equal(want, got) {
		r.progress.good.Add(int64(n))
		return
	}
	r.compare(off, want, got)
}

// compare records each run of sectors in which got is not want, and counts the others as good.
func (r *reader) compare(off int64, want, got []byte) {
	good := int64(len(want))
	for start := 0; start < len(want); start += r.sector {
		end := start
		for end < len(want) && !bytes.Equal(want[end:end+r.sector], got[end:end+r.sector]) {
			end += r.sector
		}
		if end > start {
			at := Range{off + int64(start), int64(end - start)}
			r.progress.differs(at, at.Length/int64(r.sector), fmt.Errorf("read at byte %d: %w", at.Offset, ErrMismatch))
			good -= int64(end - start)
			start = end // the sector there is equal, or there is none
		}
	}
	r.progress.good.Add(good)
}
