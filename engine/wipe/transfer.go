package wipe

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// device is the half of the loop in which writing and reading back differ.
type device interface {
	// try moves n bytes at off, and returns how many of them the drive has acknowledged, from off on.
	try(off int64, n int) (int, error)
	// accept deals with the first n bytes of the last try.
	accept(off int64, n int)
}

// maxRetries is how often, in one block, an I/O is repeated that was interrupted rather than refused.
const maxRetries = 8

var (
	errShort = errors.New("fewer bytes than asked for, and no error")
	errCount = errors.New("an impossible number of bytes")
)

// transfer moves n bytes at off. What fails is halved, down to the sectors which fail alone and are recorded; all else
// gets through. Where more was spent on that than it is worth, what fails is recorded without being halved again. An
// error means that the run is over and the block is not dealt with.
func (w *worker) transfer(off int64, n int) error {
	for n > 0 {
		if w.stopped() {
			return errStopped
		}
		moved, err := w.attempt(off, n)
		off, n = off+int64(moved), n-moved
		switch {
		case err == nil:
			return nil
		case transient(err) && w.retries > 0:
			w.retries--
			time.Sleep(time.Millisecond << (maxRetries - w.retries))
			continue
		case w.fatal(err):
			return w.describe(off, err)
		case moved > 0:
			continue // the error is about some of the rest: all of it has its own try
		case n <= w.sector || !w.effort.bounds.worth(w.cost, w.effort.Spent()):
			w.progress.unreachable(Range{off, int64(n)}, int64(n/w.sector), w.describe(off, err))
			return nil
		}
		half := w.half(n)
		if err := w.transfer(off, half); err != nil {
			return err
		}
		off, n = off+int64(half), n-half
	}
	return nil
}

func (w *worker) describe(off int64, err error) error {
	return fmt.Errorf("%s at byte %d: %w", w.verb, off, err)
}

// half is about half of n, in whole sectors, and neither nothing nor all of it if n is more than one.
func (w *worker) half(n int) int {
	return (n/w.sector + 1) / 2 * w.sector
}

// attempt tries once and accepts the whole sectors that came through.
func (w *worker) attempt(off int64, n int) (int, error) {
	begun := time.Now()
	moved, err := w.device.try(off, n)
	w.back.Add(1)
	moved, err = acknowledged(moved, n, err)
	if err != nil && err != errShort {
		w.failed(time.Since(begun))
	}
	moved -= moved % w.sector
	if moved > 0 {
		w.device.accept(off, moved)
		w.anyGood = true
	}
	return moved, err
}

// failed counts what a failing I/O took.
func (w *worker) failed(took time.Duration) {
	w.cost.Tries++
	w.cost.Time += took
	w.effort.add(took)
}

// acknowledged is how much of n bytes may be believed to be done when an I/O returned moved and err. The error is nil
// only if that is all.
func acknowledged(moved, n int, err error) (int, error) {
	switch {
	case moved < 0 || moved > n:
		return 0, fmt.Errorf("%w: %d of %d", errCount, moved, n)
	case moved == n && err != nil:
		return 0, err // all of it and an error: nobody knows what went wrong, so none of it
	case moved < n && err == nil:
		return moved, errShort
	}
	return moved, err
}

func transient(err error) bool {
	return errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.EAGAIN)
}
