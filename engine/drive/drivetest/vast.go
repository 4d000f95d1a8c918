package drivetest

import (
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// Vast is a drive of any size that takes no memory: it holds zeros, whatever is written to it, but for single bytes that
// Flip changes. What it does with time is up to Takes. It is its own source.
type Vast struct {
	info drive.Info
	// Takes is how long an I/O of n bytes at off takes, and whether it fails; nil: no time, and it does not.
	Takes func(write bool, off, n int64) (time.Duration, error)

	mu      sync.Mutex
	claimed bool
	flipped map[int64]byte
	written int64
}

// NewVast makes a drive of size bytes.
func NewVast(name string, size int64) *Vast {
	return (&Vast{info: New(name, Sector, []byte{0}).info, flipped: map[int64]byte{}}).sized(size)
}

func (v *Vast) sized(size int64) *Vast {
	v.info.Size, v.info.ID.Size = size, size
	return v
}

// Flip changes the byte at off, until the drive is written there again.
func (v *Vast) Flip(off int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.flipped[off] = 1
}

// Flipped is how many bytes are no zeros.
func (v *Vast) Flipped() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.flipped)
}

// Written is how many bytes writers were told are written.
func (v *Vast) Written() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.written
}

// Find shows the drive.
func (v *Vast) Find() ([]drive.Drive, error) { return []drive.Drive{v}, nil }

// Info is what is known of it.
func (v *Vast) Info() drive.Info { return v.info }

// Ask tells nothing.
func (v *Vast) Ask() drive.Answers { return drive.Answers{} }

// Reader opens it.
func (v *Vast) Reader() (drive.Reader, error) { return vastHandle{v}, nil }

// Claim takes it.
func (v *Vast) Claim() (drive.Claim, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.claimed {
		return nil, fmt.Errorf("claim %s: %w", v.info.Name, drive.ErrHeld)
	}
	v.claimed = true
	return vastClaim{v}, nil
}

type vastClaim struct{ v *Vast }

func (c vastClaim) Check() error                      { return nil }
func (c vastClaim) Writer() (drive.Writer, error)     { return vastHandle(c), nil }
func (c vastClaim) Reader() (drive.Reader, error)     { return vastHandle(c), nil }
func (c vastClaim) Rescan() error                     { return nil }
func (c vastClaim) Firmware() (drive.Firmware, error) { return nil, drive.ErrUnsupported }
func (c vastClaim) Close() error {
	c.v.mu.Lock()
	defer c.v.mu.Unlock()
	c.v.claimed = false
	return nil
}

type vastHandle struct{ v *Vast }

func (h vastHandle) wait(write bool, off, n int64) error {
	if h.v.Takes == nil {
		return nil
	}
	d, err := h.v.Takes(write, off, n)
	time.Sleep(d)
	return err
}

func (h vastHandle) WriteAt(p []byte, off int64) (int, error) {
	n := int64(len(p))
	if off+n > h.v.info.Size {
		return 0, unix.ENOSPC
	}
	if err := h.wait(true, off, n); err != nil {
		return 0, err
	}
	h.v.mu.Lock()
	defer h.v.mu.Unlock()
	for at := range h.v.flipped {
		if at >= off && at < off+n {
			delete(h.v.flipped, at)
		}
	}
	h.v.written += n
	return len(p), nil
}

func (h vastHandle) ReadAt(p []byte, off int64) (int, error) {
	n := int64(len(p))
	if off+n > h.v.info.Size {
		return 0, io.EOF
	}
	if err := h.wait(false, off, n); err != nil {
		return 0, err
	}
	clear(p)
	h.v.mu.Lock()
	defer h.v.mu.Unlock()
	for at, value := range h.v.flipped {
		if at >= off && at < off+n {
			p[at-off] = value
		}
	}
	return len(p), nil
}

func (h vastHandle) Flush() error { return h.wait(true, 0, 0) }
func (h vastHandle) Direct() bool { return true }
func (h vastHandle) Close() error { return nil }

var _ drive.Drive = (*Vast)(nil)
