package editor

import (
	"errors"
	"io"
	"sync"
	"time"
)

const (
	queueLimit = 256 << 10       // bytes queued from which on there is no room
	piece      = 16 << 10        // bytes written at once
	patience   = 2 * time.Second // for how long close lets the terminal take nothing at all
)

// ErrUndelivered is Close's error when the terminal stopped taking output.
var ErrUndelivered = errors.New("the terminal did not take all of the output")

// outbox is the queue to the terminal, and its goroutine the only one that ever waits for the terminal. To put never
// waits, for x/term does it with its lock held; those who may wait do so before, in wait. It is therefore exceeded by at
// most a piece and a redrawn line for each writer.
type outbox struct {
	mu      sync.Mutex
	changed sync.Cond // bytes came or went, closed, failed
	buf     []byte
	flight  int  // bytes being written now
	closed  bool // nothing more is taken in
	err     error
	done    chan struct{} // closed when run has returned
}

func newOutbox() *outbox {
	o := &outbox{done: make(chan struct{})}
	o.changed.L = &o.mu
	return o
}

// run writes what is queued until the outbox is closed and empty, or w fails.
func (o *outbox) run(w io.Writer) {
	defer close(o.done)
	var p []byte
	for {
		p = o.next(p[:0])
		if len(p) == 0 {
			return
		}
		_, err := w.Write(p)
		o.wrote(err)
	}
}

// next moves the next piece to p; none is left when it returns an empty one.
func (o *outbox) next(p []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) == 0 && !o.closed {
		o.changed.Wait()
	}
	p = append(p, o.buf[:min(piece, len(o.buf))]...)
	o.buf = o.buf[len(p):]
	o.flight = len(p)
	return p
}

func (o *outbox) wrote(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flight = 0
	if err != nil {
		o.abandon(err)
	}
	o.changed.Broadcast()
}

// abandon drops everything; o.mu is held.
func (o *outbox) abandon(err error) {
	o.buf, o.closed = nil, true
	if o.err == nil {
		o.err = err
	}
}

func (o *outbox) put(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.buf = append(o.buf, p...)
		o.changed.Broadcast()
	}
}

// wait waits for room.
func (o *outbox) wait() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed && len(o.buf)+o.flight >= queueLimit {
		o.changed.Wait()
	}
	if o.closed && o.err == nil {
		return io.ErrClosedPipe
	}
	return o.err
}

// drain waits until everything that was put is written.
func (o *outbox) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed && len(o.buf)+o.flight > 0 {
		o.changed.Wait()
	}
}

// hasRoom reports whether n more bytes fit.
func (o *outbox) hasRoom(n int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.closed && len(o.buf)+o.flight+n <= queueLimit
}

// close takes in nothing more and returns when all is written, or the terminal has taken nothing for as long as patience.
func (o *outbox) close() error {
	o.shut()
	for before := -1; o.left() != before; {
		before = o.left()
		select {
		case <-o.done:
			return o.failure()
		case <-time.After(patience):
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.abandon(ErrUndelivered)
	return o.err
}

func (o *outbox) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.changed.Broadcast()
}

func (o *outbox) left() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf) + o.flight
}

func (o *outbox) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
