package wipe

import (
	"crypto/aes"
	"fmt"
	"io"
)

// reader is the device of Run.Verify.
type reader struct {
	from     io.ReaderAt
	source   source
	buf      []byte // what was read
	sector   int
	piece    int // whole sectors, for which source was made
	progress *Progress

	asked   int  // how long the last try was
	foreign bool // buf may hold something else than the pattern of earlier places and zeros
	before  bool // it did so before the last try
}

func (r *reader) try(off int64, n int) (int, error) {
	buf := r.buf[:n]
	if r.foreign || r.source.repeats() || r.sector < aes.BlockSize {
		r.poison(off, buf)
	}
	r.asked, r.before, r.foreign = n, r.foreign, true // until all of it proves to be as it should
	moved, err := r.from.ReadAt(buf, off)
	if moved == n && err == io.EOF {
		err = nil // a reader may say so at the end of its last byte
	}
	return moved, err
}

// poison puts bytes that cannot match at both ends of every sector of buf, which is to be read from off: a read that
// reports bytes which it did not bring must not pass for a match with what the buffer holds of an earlier one. For a fixed
// pattern that is the same as what is expected. Of a key stream no two times 16 bytes are equal, so that what was found to
// be right elsewhere can stay where it is: no sector of it can be right here. Anything else may happen to belong here, as
// after a write or a try that went astray.
func (r *reader) poison(off int64, buf []byte) {
	for start := 0; start < len(buf); start += r.piece {
		part := buf[start:min(start+r.piece, len(buf))]
		want := r.source.block(off+int64(start), len(part))
		for first := 0; first < len(want); first += r.sector {
			last := first + r.sector - 1
			part[first] = ^want[first]
			part[last] = ^want[last]
		}
	}
}

func (r *reader) accept(off int64, n int) {
	good := 0
	r.source.seek(off)
	for start := 0; start < n; start += r.piece {
		part := r.buf[start:min(start+r.piece, n)]
		if r.source.same(part) {
			good += len(part)
			continue
		}
		r.source.seek(off + int64(start))
		good += r.compare(off+int64(start), part)
	}
	if whole := n == len(r.buf) || n == r.asked && !r.before; whole && good == n {
		r.foreign = false
	}
	r.progress.good.Add(int64(good))
}

// compare records each run of sectors in part that is not as it should be at off, where source stands, and returns how
// many bytes are in the others.
func (r *reader) compare(off int64, part []byte) (good int) {
	bad := 0 // bytes in the run so far
	for start := 0; start < len(part); start += r.sector {
		if r.source.same(part[start : start+r.sector]) {
			r.differs(off+int64(start-bad), bad)
			good, bad = good+r.sector, 0
			continue
		}
		bad += r.sector
	}
	r.differs(off+int64(len(part)-bad), bad)
	return good
}

func (r *reader) differs(off int64, n int) {
	if n > 0 {
		r.progress.differs(Range{off, int64(n)}, int64(n/r.sector), fmt.Errorf("read at byte %d: %w", off, ErrMismatch))
	}
}
