package wipe

import (
	"crypto/aes"
	"fmt"
	"io"
)

// reader is the device of Run.Verify. A read that reports bytes which it did not bring must not pass for a match with what
// the buffer holds of an earlier one. So before each read no sector of the buffer is one that may be expected:
//
//   - Of a fixed pattern every sector may be. Both ends of each get a byte that the pattern has nowhere, right after the
//     sector was compared, as long as it is in the cache; and in a pattern that has every byte, another byte than is
//     expected there, before the next read.
//   - A key stream has no 16 bytes twice, so that what was found to be right at one place is wrong at any other, and can
//     stay. Of 15 bytes or less at the end of a sector some may be equal by chance.
//   - Anything else that was read or may have been, by tries that failed or differed, may belong to any place: it goes.
type reader struct {
	from     io.ReaderAt
	source   source
	buf      []byte // what was read; zeros at first
	sector   int
	piece    int // whole sectors, for which source was made
	progress *Progress

	strange byte // the pattern has it nowhere
	marks   bool // with strange
	poisons bool // before each read
	asked   int  // how long the last try was
	stale   int  // so many bytes of buf may hold a sector that is expected
	used    int  // so many bytes of buf were in use; those beyond are zeros, which a fixed pattern may expect
}

func newReader(r *Run, from io.ReaderAt, s source, buf []byte) *reader {
	rd := &reader{from: from, source: s, buf: buf, sector: r.Sector, piece: r.piece(), progress: r.Progress}
	rd.strange, rd.marks = s.strange()
	rd.poisons = !rd.marks && (s.repeats() || r.Sector < aes.BlockSize)
	return rd
}

func (r *reader) try(off int64, n int) (int, error) {
	buf := r.buf[:n]
	switch {
	case r.poisons:
		r.poison(off, buf)
	default:
		clear(r.buf[:r.stale])
		r.mark(r.buf[:r.stale])
		if n > r.used { // not before: memory that a slow drive never needs stays away
			r.mark(r.buf[r.used:n])
			r.used = n
		}
	}
	r.asked, r.stale = n, n // until all of it proves to be as it should
	moved, err := r.from.ReadAt(buf, off)
	if moved == n && err == io.EOF {
		err = nil // a reader may say so at the end of its last byte
	}
	return moved, err
}

// mark makes both ends of each sector of part strange to a fixed pattern.
func (r *reader) mark(part []byte) {
	if !r.marks {
		return
	}
	for ; len(part) >= r.sector; part = part[r.sector:] {
		part[0], part[r.sector-1] = r.strange, r.strange
	}
}

// poison makes both ends of each sector of buf differ from what is expected at off.
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
			r.mark(part)
			continue
		}
		r.source.seek(off + int64(start))
		good += r.compare(off+int64(start), part)
	}
	if n == r.asked && good == n {
		r.stale = 0
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
