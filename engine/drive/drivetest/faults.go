package drivetest

import (
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// Kind is a way in which a drive fails.
type Kind int

// What drives do. Length bytes from At on are concerned, as far as the kind has a place.
const (
	BadWrite   Kind = iota + 1 // writes fail with EIO
	BadRead                    // reads fail with EIO
	Drop                       // writes are acknowledged and forgotten
	Misdirect                  // writes go to To instead
	Corrupt                    // one bit of each sector written comes out the other way
	Stale                      // reads bring what is Sector bytes further on, or before
	Short                      // writes move one sector less than they should, and say so without an error
	Wrap                       // the drive has room for At bytes only; what is beyond overwrites its beginning
	FlushFails                 // flushes fail
	Shrink                     // the drive is one sector smaller once After bytes are written
	Vanish                     // the drive is gone once After bytes are written
	Panic                      // the driver panics once After bytes are written
	Slow                       // every I/O takes Delay, or a millisecond; no harm done
	Hang                       // I/Os do not come back before Release
	HangFlush                  // flushes do not
	Replace                    // another drive is under the same name once After bytes are written
	held
)

// Fault is one thing that goes wrong.
type Fault struct {
	Kind       Kind
	At, Length int64
	Every      int64 // it is there again each so many bytes, to the end of the drive; 0: once
	To         int64
	After      int64 // it does not strike before so many bytes are written
	Times      int   // how often it strikes; 0: for ever
	Delay      time.Duration
}

func (f Fault) String() string {
	return fmt.Sprintf("kind %d at %d+%d to %d after %d, %d times", f.Kind, f.At, f.Length, f.To, f.After, f.Times)
}

// strikes tells whether a fault of a kind strikes an I/O of n bytes at off, and counts it. The caller holds mu.
func (f *Fake) strikes(kind Kind, off, n int64) *Fault {
	for i := range f.faults {
		x := &f.faults[i]
		hit := x.Kind == kind && f.written >= x.After && (x.Times == 0 || f.struck[i] < x.Times)
		if hit && x.concerns(off, n) {
			f.struck[i]++
			return x
		}
	}
	return nil
}

// concerns tells whether any of n bytes at off is in its place: of one sector, or of less than Every.
func (x *Fault) concerns(off, n int64) bool {
	if x.Every > 0 && off > x.At {
		off = x.At + (off-x.At)%x.Every
	}
	return x.Length == 0 || off < x.At+x.Length && off+n > x.At
}

type handle struct {
	fake   *Fake
	write  bool
	closed bool
}

// enter takes the lock, after what holds up an I/O of n bytes at off; a flush has none.
func (h *handle) enter(off, n int64) error {
	f := h.fake
	f.mu.Lock()
	if n > 0 && f.strikes(Hang, off, n) != nil || n == 0 && f.strikes(HangFlush, 0, 0) != nil {
		f.hanging++
		f.mu.Unlock()
		<-f.unhang
		f.mu.Lock()
	}
	if x := f.strikes(Slow, off, n); x != nil {
		f.mu.Unlock() // others need not wait for this one
		time.Sleep(max(x.Delay, time.Millisecond))
		f.mu.Lock()
	}
	for f.hold != nil && f.strikes(held, 0, 0) != nil {
		hold := f.hold
		select {
		case <-f.reached:
		default:
			close(f.reached)
		}
		f.mu.Unlock()
		<-hold
		f.mu.Lock()
	}
	switch {
	case h.closed:
		return os.ErrClosed
	case f.gone, f.strikes(Vanish, 0, 0) != nil:
		f.gone = true
		return unix.ENODEV
	case f.strikes(Panic, 0, 0) != nil:
		panic("the driver of the fake drive panics")
	}
	if f.strikes(Shrink, 0, 0) != nil && int64(len(f.seen)) == f.info.Size {
		f.info.Size -= Sector
		f.info.ID.Size -= Sector
	}
	if f.strikes(Replace, 0, 0) != nil {
		f.info.Serial, f.info.ID.Serial = "ANOTHER", "ANOTHER"
	}
	return nil
}

// aligned holds an I/O against what direct I/O demands.
func aligned(p []byte, off int64) error {
	if off < 0 || off%Sector != 0 || len(p)%Sector != 0 || len(p) > 0 && uintptr(unsafe.Pointer(&p[0]))%Sector != 0 {
		return fmt.Errorf("%w: %d bytes at %d, or their memory, are not aligned", unix.EINVAL, len(p), off)
	}
	return nil
}

func (h *handle) WriteAt(p []byte, off int64) (n int, err error) {
	f := h.fake
	defer f.mu.Unlock()
	if err := h.enter(off, int64(len(p))); err != nil {
		return 0, err
	}
	if !h.write {
		return 0, unix.EBADF
	}
	if err := aligned(p, off); err != nil {
		return 0, err
	}
	most := len(p)
	if most > Sector && f.strikes(Short, off, int64(len(p))) != nil {
		most -= Sector
	}
	for ; n < most; n += Sector {
		at := off + int64(n)
		if at >= f.info.Size {
			return n, unix.ENOSPC
		}
		if f.answers.Locked != "" || f.strikes(BadWrite, at, Sector) != nil {
			return n, unix.EIO
		}
		f.store(at, p[n:n+Sector])
		f.written += Sector
	}
	return n, nil
}

func (f *Fake) store(at int64, sector []byte) {
	if f.strikes(Drop, at, Sector) != nil {
		return
	}
	if x := f.strikes(Misdirect, at, Sector); x != nil {
		at = x.To
	}
	at = f.place(at)
	copy(f.seen[at:at+Sector], sector)
	if f.strikes(Corrupt, at, Sector) != nil {
		f.seen[at+Sector/2] ^= 0x10
	}
	f.dirty[at] = true
}

// place is where on the medium a sector really is.
func (f *Fake) place(at int64) int64 {
	for i, x := range f.faults {
		if x.Kind == Wrap && at >= x.At {
			f.struck[i]++
			at %= x.At
		}
	}
	return at
}

func (h *handle) ReadAt(p []byte, off int64) (n int, err error) {
	f := h.fake
	defer f.mu.Unlock()
	if err := h.enter(off, int64(len(p))); err != nil {
		return 0, err
	}
	if err := aligned(p, off); err != nil {
		return 0, err
	}
	for ; n < len(p); n += Sector {
		at := off + int64(n)
		if at >= f.info.Size {
			return n, io.EOF
		}
		if f.answers.Locked != "" || f.strikes(BadRead, at, Sector) != nil {
			return n, unix.EIO
		}
		if f.strikes(Stale, at, Sector) != nil {
			if at += Sector; at >= f.info.Size {
				at -= 2 * Sector
			}
		}
		at = f.place(at)
		copy(p[n:n+Sector], f.seen[at:at+Sector])
	}
	return n, nil
}

func (h *handle) Flush() error {
	f := h.fake
	defer f.mu.Unlock()
	if err := h.enter(0, 0); err != nil {
		return err
	}
	f.flushes++
	if f.strikes(FlushFails, 0, 0) != nil {
		return unix.EIO
	}
	for at := range f.dirty {
		copy(f.medium[at:at+Sector], f.seen[at:])
	}
	clear(f.dirty)
	return nil
}

func (h *handle) Direct() bool { return true }

func (h *handle) Close() error {
	h.fake.mu.Lock()
	defer h.fake.mu.Unlock()
	h.closed = true
	return nil
}

var _ drive.Writer = (*handle)(nil)
