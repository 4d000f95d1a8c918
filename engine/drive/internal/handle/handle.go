// Package handle opens what a claim holds: writers and readers that go past the page cache where the system lets them.
// It knows descriptors and alignment, and nothing of which drive stands behind them.
package handle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// File is an open drive. It serves as drive.Writer and drive.Reader.
type File struct {
	file   *os.File
	direct bool
	guard  func() error // looked at before each write; nil: nothing to look at
}

// Reopen opens again what claim holds, through its descriptor and not through its path, so that it is the same thing
// whatever stands under that path now. mode is unix.O_RDONLY or unix.O_RDWR, sector what reads and writes are multiples of,
// in bytes; guard may be nil.
func Reopen(claim *os.File, mode, sector int, guard func() error) (*File, error) {
	return open(fmt.Sprintf("/proc/self/fd/%d", claim.Fd()), claim.Name(), mode, sector, guard)
}

// Orders opens again what claim holds, for commands that change the drive rather than for reading and writing.
func Orders(claim *os.File) (*os.File, error) {
	return raw(fmt.Sprintf("/proc/self/fd/%d", claim.Fd()), claim.Name(), unix.O_RDWR)
}

// Questions opens path for commands that change nothing.
func Questions(path string) (*os.File, error) { return raw(path, path, unix.O_RDONLY) }

func raw(path, name string, mode int) (*os.File, error) {
	fd, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Rescan has the kernel ask a SCSI device, whose folder in sysfs this is, for its size. A folder without that attribute
// is of another kind, which needs it not.
func Rescan(folder string) error {
	err := os.WriteFile(filepath.Join(folder, "rescan"), []byte("1\n"), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Open opens path for reading in multiples of sector bytes.
func Open(path string, sector int) (*File, error) {
	return open(path, path, unix.O_RDONLY, sector, nil)
}

func open(path, name string, mode, sector int, guard func() error) (*File, error) {
	mode |= unix.O_CLOEXEC
	fd, err := unix.Open(path, mode|unix.O_DIRECT, 0)
	direct := err == nil && takes(fd, sector)
	if err == nil && !direct {
		_ = unix.Close(fd)
	}
	if errors.Is(err, unix.EINVAL) || (err == nil && !direct) { // a filesystem without direct I/O, or with larger units only
		fd, err = unix.Open(path, mode, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return &File{os.NewFile(uintptr(fd), name), direct, guard}, nil
}

// takes tries whether direct I/O takes units of a sector: a file on a drive with larger sectors does not.
func takes(fd, sector int) bool {
	buf, err := unix.Mmap(-1, 0, max(sector, os.Getpagesize()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(buf) }()
	_, err = unix.Pread(fd, buf[:sector], 0)
	return !errors.Is(err, unix.EINVAL)
}

// WriteAt writes p at off. It fails without writing if the guard does.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if err := f.Held(); err != nil {
		return 0, err
	}
	return f.file.WriteAt(p, off)
}

// Held asks the guard.
func (f *File) Held() error {
	if f.guard == nil {
		return nil
	}
	return f.guard()
}

// Map maps an area for reading and writing. What is written through it never makes a file longer.
func (f *File) Map(off int64, length int) ([]byte, error) {
	return unix.Mmap(int(f.file.Fd()), off, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// ReadAt reads len(p) bytes at off. Where reads cannot go past the page cache, the cache of that area is dropped first.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if !f.direct {
		if err := unix.Fadvise(int(f.file.Fd()), off, int64(len(p)), unix.FADV_DONTNEED); err != nil {
			return 0, fmt.Errorf("drop the cache: %w", err)
		}
	}
	n, err := f.file.ReadAt(p, off)
	if errors.Is(err, io.EOF) && n == len(p) {
		err = nil
	}
	return n, err
}

// Fd is the descriptor, good until Close.
func (f *File) Fd() uintptr { return f.file.Fd() }

// Flush returns when everything written is on the medium.
func (f *File) Flush() error { return f.file.Sync() }

// Direct tells whether reads and writes go past the page cache.
func (f *File) Direct() bool { return f.direct }

// Close closes the descriptor.
func (f *File) Close() error { return f.file.Close() }
