package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

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

// copyInto writes p to the beginning of mapped memory. It has the kernel do it: a file system that hangs then holds up a system
// call, as any write to it does, and not a thread that has to stop for the garbage collector, and so the whole program.
func copyInto(mapped, p []byte) error {
	from := []unix.Iovec{{Base: &p[0]}}
	from[0].SetLen(len(p))
	to := []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&mapped[0])), Len: len(p)}}
	n, err := unix.ProcessVMWritev(os.Getpid(), from, to, 0)
	switch {
	case errors.Is(err, unix.EFAULT):
		return fmt.Errorf("%w: the file was cut short", drive.ErrChanged)
	case err != nil:
		return fmt.Errorf("write to the mapped end of the image: %w", err)
	case n != len(p):
		return fmt.Errorf("write to the mapped end of the image: %w", io.ErrShortWrite)
	}
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
