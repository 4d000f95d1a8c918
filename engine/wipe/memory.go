package wipe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// alignment is what every buffer handed to a reader or writer is aligned to, in bytes: enough for direct I/O with any
// logical block size in use, and no more than a page anywhere.
const alignment = 4096

// arena is memory outside the Go heap: page-aligned, which Go slices do not promise, and given back when a run ends.
type arena struct {
	all  []byte
	free []byte
}

func newArena(size int) (*arena, error) {
	all, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of buffers: %w", size, err)
	}
	return &arena{all: all, free: all}, nil
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
