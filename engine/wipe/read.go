package wipe

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Read reads the extents, less Skip, and shows every part of them that could be read to look, in whole sectors: several
// parts at a time, in no certain order. What is shown is good until look returns. The pattern does not matter.
//
// A nil error means that every block was tried; areas which could not be read are in Progress. Errors and panics, those
// of look too, are as in Write.
func (r Run) Read(ctx context.Context, rd io.ReaderAt, look func(off int64, part []byte)) error {
	r.Pattern = Pattern{Bytes: Hex{0}}
	if err := r.prepare(); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	left := without(r.Extents, r.Skip, int64(r.Sector))
	if len(left) == 0 {
		return errors.New("read: all of it is to be skipped")
	}
	return r.work(ctx, "read", left, buffers{source: 1, read: r.longest()}, func(_ source, buf []byte) device {
		return &viewer{from: rd, buf: buf, look: look, progress: r.Progress}
	})
}

// viewer is the device of Run.Read.
type viewer struct {
	from     io.ReaderAt
	buf      []byte
	look     func(int64, []byte)
	progress *Progress
}

func (v *viewer) try(off int64, n int) (int, error) {
	clear(v.buf[:n]) // a read that reports bytes which it did not bring must not show those of another place
	moved, err := v.from.ReadAt(v.buf[:n], off)
	if moved == n && err == io.EOF {
		err = nil // a reader may say so at the end of its last byte
	}
	return moved, err
}

func (v *viewer) accept(off int64, n int) {
	v.look(off, v.buf[:n])
	v.progress.good.Add(int64(n))
}
