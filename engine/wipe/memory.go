package wipe

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// alignment is what every buffer handed to a reader or writer is aligned to, in bytes: enough for direct I/O with any
// logical block size in use, and no more than a page anywhere.
const alignment = 4096

// hugePage is the size of a huge page on most machines, in bytes.
const hugePage = 2 << 20

// arena is memory outside the Go heap: page-aligned, which Go slices do not promise, and given back when a run ends.
type arena struct {
	all  []byte
	free []byte
}

// newArena asks for huge pages: for each direct I/O the kernel looks up every page of the buffer, and a block then has one
// instead of hundreds. Where there are none, ordinary pages do.
func newArena(size int) (*arena, error) {
	all, err := unix.Mmap(-1, 0, size+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of buffers: %w", size, err)
	}
	start := -int(uintptr(unsafe.Pointer(&all[0]))) & (hugePage - 1)
	free := all[start : start+size]
	if whole := size / hugePage * hugePage; whole > 0 {
		_ = unix.Madvise(free[:whole], unix.MADV_HUGEPAGE)
	}
	return &arena{all: all, free: free}, nil
}

// take returns the next n bytes, aligned. The caller has counted with padded sizes.
func (a *arena) take(n int) []byte {
	buf := a.free[:n:n]
	a.free = a.free[padded(n):]
	return buf
}

// release gives the memory back; no slice of it may be touched afterwards. That it fails is not worth a run's result.
func (a *arena) release() { _ = unix.Munmap(a.all) }

func padded(n int) int { return (n + alignment - 1) / alignment * alignment }
