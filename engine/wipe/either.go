package wipe

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
)

// HoldsEither tells whether every sector of the areas holds one of two patterns, as it does where one pass goes on over
// the other. The error is the reader's or the context's. It is not made for speed.
func HoldsEither(ctx context.Context, rd io.ReaderAt, areas []Range, sector int, one, other Pattern) (bool, error) {
	block := int64(DefaultBlock / sector * sector)
	memory, err := newArena(3 * padded(int(block)))
	if err != nil {
		return false, err
	}
	defer memory.release()
	got, a, b := memory.take(int(block)), memory.take(int(block)), memory.take(int(block))
	for _, area := range areas {
		for off := area.Offset; off < area.End(); off += block {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			n := min(block, area.End()-off)
			if k, err := rd.ReadAt(got[:n], off); int64(k) != n {
				return false, fmt.Errorf("read %d bytes at %d, got %d: %w", n, off, k, cmp.Or(err, io.ErrUnexpectedEOF))
			}
			one.Fill(a[:n], off)
			other.Fill(b[:n], off)
			if !sectorsOf(got[:n], a[:n], b[:n], sector) {
				return false, nil
			}
		}
	}
	return true, nil
}

// sectorsOf tells whether got is made of sectors of a and b.
func sectorsOf(got, a, b []byte, sector int) bool {
	for at := 0; at < len(got); at += sector {
		end := min(at+sector, len(got))
		if !bytes.Equal(got[at:end], a[at:end]) && !bytes.Equal(got[at:end], b[at:end]) {
			return false
		}
	}
	return true
}
