package wipe

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// What a Run uses where nothing else is asked for. Together they take some 15 MiB of buffers at most: for each I/O in flight
// what it reads into, or writes from. Two in flight keep a drive busy while a third is made or compared; a fourth
// takes memory and is no faster.
const (
	DefaultBlock = 1 << 20 // bytes of one I/O
	DefaultBurst = 4       // blocks of one I/O, as long as the drive is fast
	DefaultDepth = 3       // I/Os in flight
)

// Bounds on what may be asked for, so that a slip cannot take the machine's memory.
const (
	maxBlock = 64 << 20
	maxDepth = 64
)

// ErrMismatch is in Progress.First where a sector was read back and holds something else than the pattern.
var ErrMismatch = errors.New("the drive holds something else than was written")

// Run is one pass over a drive, or the reading back of one. Its fields are not changed while it runs.
type Run struct {
	Pattern Pattern
	// Extents are the areas to cover, in ascending order, disjoint, in whole sectors. A full pass is one extent.
	Extents []Range
	// Sector is the unit, in bytes, of all offsets and lengths, and the smallest piece a failing block is split into,
	// within the bounds of Effort.
	Sector int
	// Optimal is of how many bytes an I/O is best a multiple, as the drive says; zero: it does not. See blockFor.
	Optimal int
	// Block is the bytes of one I/O, rounded down to whole sectors, and Depth the number of I/Os in flight. Zero means
	// DefaultDepth and DefaultBlock, and then an I/O has DefaultBurst blocks as long as the drive is fast.
	Block, Depth int
	// Skip are areas known to be unwritable: Verify neither reads nor compares the whole sectors in them, Write does
	// not look at it. A run proves nothing about them, so that its job has failed all the same.
	Skip Ranges
	// Fatal says of an error of the reader or writer that the drive is gone and nothing more needs to be tried. It is
	// asked at every failed I/O, so that it may also count them, and by several goroutines. Nil means that none is.
	Fatal func(error) bool
	// Effort counts what failures cost over several runs on one drive, and bounds it. Nil means one of its own, within
	// DefaultBounds.
	Effort *Effort
	// Progress is required: it is where failures are found.
	Progress *Progress

	burst int // blocks of one I/O, at most; zero means one, or DefaultBurst
}

// Bytes is the sum of the extents, skipped areas included: what Progress.Done comes to.
func (r Run) Bytes() int64 { return lengths(r.Extents) }

// Write writes the pattern over the extents.
//
// A nil error means that every block was tried, not that every one succeeded: areas which could not be written are in
// Progress. Otherwise it is ctx.Err(), the error which Fatal picked, or it says why the run makes no sense. An I/O that
// is under way is always waited for. A panic of w comes out of Write, in the caller's goroutine.
// The last bytes may still be in w's cache: to flush it is the caller's.
func (r Run) Write(ctx context.Context, w io.WriterAt) error {
	if err := r.prepare(); err != nil {
		return fmt.Errorf("write pattern: %w", err)
	}
	return r.work(ctx, "write", r.Extents, buffers{source: r.longest()}, func(s source, _ []byte) device {
		return &writer{to: w, source: s, progress: r.Progress}
	})
}

// Verify reads the extents, less Skip, and compares them with the pattern.
//
// A nil error means that every block was tried, not that all are right: areas which could not be read, and areas which
// hold something else, are in Progress, apart. Errors and panics are as in Write. A run that skips everything is
// refused, for it would verify nothing.
func (r Run) Verify(ctx context.Context, rd io.ReaderAt) error {
	if err := r.prepare(); err != nil {
		return fmt.Errorf("verify pattern: %w", err)
	}
	left := without(r.Extents, r.Skip, int64(r.Sector))
	if len(left) == 0 {
		return errors.New("verify pattern: all of it is to be skipped")
	}
	return r.work(ctx, "read", left, buffers{source: r.piece(), read: r.longest()}, func(s source, buf []byte) device {
		return newReader(&r, rd, s, buf)
	})
}

// prepare puts in the defaults and reports why r makes no sense.
func (r *Run) prepare() error {
	r.burst = max(1, r.burst)
	if r.Block == 0 {
		r.Block, r.burst = blockFor(r.Optimal, r.Sector)
	}
	if r.Depth == 0 {
		r.Depth = DefaultDepth
	}
	switch {
	case r.Progress == nil:
		return errors.New("no progress to record failures in")
	case r.Sector < 1 || r.Sector > maxBlock:
		return fmt.Errorf("sectors of %d bytes", r.Sector)
	case r.Block < r.Sector || r.Block > maxBlock:
		return fmt.Errorf("blocks of %d bytes, not %d to %d", r.Block, r.Sector, maxBlock)
	case r.Depth < 0 || r.Depth > maxDepth:
		return fmt.Errorf("%d I/Os in flight, not 1 to %d", r.Depth, maxDepth)
	}
	r.Block -= r.Block % r.Sector
	if err := r.Pattern.Validate(); err != nil {
		return err
	}
	return checkExtents(r.Extents, int64(r.Sector))
}

// blockFor is the bytes of a block, and how many blocks a fast drive is asked for at a time: whole units of what the drive says is
// best, so that an array whose stripe is no power of two need not read before each write. Some USB bridges name nearly 32 MiB there
// (0xFFFF blocks); what is beyond the longest I/O is left alone.
func blockFor(optimal, sector int) (block, burst int) {
	block = max(DefaultBlock, sector)
	if optimal >= sector && optimal%sector == 0 && optimal <= DefaultBurst*DefaultBlock {
		block = max(block/optimal, 1) * optimal
	}
	return block, max(DefaultBurst*DefaultBlock/block, 1)
}

// longest is the bytes of one I/O, at most.
func (r *Run) longest() int { return r.Block * r.burst }

// buffers is how many bytes at a time a run makes of its pattern, and how many it reads.
type buffers struct{ source, read int }

// piece is how many bytes Verify compares at a time: whole sectors.
func (r *Run) piece() int { return max(piece/r.Sector, 1) * r.Sector }

// sources returns what gives each worker its source, with its memory out of mem.
func (r *Run) sources(mem *arena, size, workers int) func() source {
	if len(r.Pattern.Key) > 0 {
		return r.streams(mem, size, workers)
	}
	return newFixed(r.Pattern.Bytes, mem.take(fixedSize(len(r.Pattern.Bytes), size))).share
}

// streams returns what gives each worker a key stream. What blocks that are not long are made in lies side by side: most drives are
// asked for no longer ones, and then the rest of the memory is never there. To clear new pages is what many drives that begin at the
// same time wait for.
func (r *Run) streams(mem *arena, size, workers int) func() source {
	short := r.short(size)
	all := mem.take(workers * padded(short))
	return func() source {
		s := newStream(r.Pattern.Key, all[:short:short])
		all = all[padded(short):]
		if size > short {
			s.long = mem.take(size)
		}
		return s
	}
}

// short is how much of a source's memory is for blocks that are not long.
func (r *Run) short(size int) int { return min(size, r.Block) }

// memory is how many bytes the sources and a buffer for each worker take.
func (r *Run) memory(workers int, b buffers) int {
	if len(r.Pattern.Key) > 0 {
		each := padded(b.read) + padded(r.short(b.source))
		if b.source > r.Block {
			each += padded(b.source)
		}
		return workers * each
	}
	return workers*padded(b.read) + padded(fixedSize(len(r.Pattern.Bytes), b.source))
}
