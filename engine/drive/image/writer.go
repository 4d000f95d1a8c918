package image

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/handle"
)

// writer writes to an image without ever making it longer. A write at the end of a file that somebody has cut short
// since the last look would bring it back to its full length, with a hole in it, and nobody could tell any more. So the
// last page is written through a mapping, which cannot extend a file: one that was cut short stays short, and is noticed.
type writer struct {
	*handle.File
	tail []byte // the mapped last page of the file
	from int64  // its offset
}

func newWriter(f *handle.File, size int64) (*writer, error) {
	page := int64(os.Getpagesize())
	from := (size - 1) / page * page
	tail, err := f.Map(from, int(size-from))
	if err != nil {
		return nil, fmt.Errorf("map the end of the image: %w", err)
	}
	return &writer{f, tail, from}, nil
}

// WriteAt writes what lies before the last page as any file is written, and the rest through the mapping.
func (w *writer) WriteAt(p []byte, off int64) (n int, err error) {
	if before := min(int64(len(p)), w.from-off); before > 0 {
		if n, err = w.File.WriteAt(p[:before], off); err != nil || int64(n) < before {
			return n, err
		}
	}
	if n == len(p) {
		return n, nil
	}
	if err := w.Held(); err != nil {
		return n, err
	}
	at := off + int64(n) - w.from
	if at < 0 || at+int64(len(p)-n) > int64(len(w.tail)) {
		return n, errors.New("write beyond the end of the image")
	}
	if err := copyInto(w.tail[at:], p[n:]); err != nil {
		return n, err
	}
	return len(p), nil
}

// copyInto writes to mapped memory. Where the file has become shorter that is a fault of memory.
func copyInto(mapped, p []byte) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the file was cut short", drive.ErrChanged)
		}
	}()
	copy(mapped, p)
	return nil
}

// Flush returns when everything written is on the medium.
func (w *writer) Flush() error {
	if err := unix.Msync(w.tail, unix.MS_SYNC); err != nil {
		return fmt.Errorf("write back the end of the image: %w", err)
	}
	return w.File.Flush()
}

// Close ends mapping and file.
func (w *writer) Close() error { return errors.Join(unix.Munmap(w.tail), w.File.Close()) }
