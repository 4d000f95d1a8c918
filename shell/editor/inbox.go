package editor

import (
	"io"
	"sync"
	"unicode/utf8"
)

const (
	typeAhead  = 64 << 10 // bytes of keys kept while nobody reads a line
	emptyReads = 100      // reads in a row that may bring nothing before the input counts as broken
)

// inbox holds the keys that arrived and were not yet edited. While a line is read, the client is made to wait when it is
// full; while a command runs it must go on looking for ^C, so that surplus keys are dropped and their place is marked.
type inbox struct {
	mu        sync.Mutex
	changed   sync.Cond // keys came or went, a line began or ended, the input ended
	buf       []byte    // keys
	reading   bool      // a line is being read: ^C is for it
	ended     bool      // no more keys will come
	lost      bool      // the last key was dropped
	pasting   bool      // the client is inside a paste
	skipPaste bool      // what is left of that paste is unwanted
	arrived   int       // keys so far, the unwanted ones too
	interrupt chan struct{}
	bell      func()
}

func newInbox(bell func()) *inbox {
	in := &inbox{interrupt: make(chan struct{}, 1), bell: bell}
	in.changed.L = &in.mu
	return in
}

// run reads until the input ends or the inbox is closed.
func (in *inbox) run(r io.Reader) {
	defer in.close()
	var f filter
	var keys []byte
	p := make([]byte, 512) // a person types less
	for empty := 0; empty < emptyReads; empty++ {
		n, err := r.Read(p)
		if n > 0 {
			empty = 0
		}
		keys = f.keys(keys[:0], p[:n])
		if !in.put(keys) || err != nil {
			return
		}
	}
}

// put takes in keys and reports whether more are wanted.
func (in *inbox) put(keys []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	defer in.changed.Broadcast()
	for len(keys) > 0 && !in.ended {
		_, n := utf8.DecodeRune(keys)
		in.arrived++
		in.accept(keys[:n])
		keys = keys[n:]
	}
	return !in.ended
}

func (in *inbox) accept(key []byte) {
	switch key[0] {
	case keyPasteOn:
		in.pasting = true
	case keyPasteOff:
		in.pasting, in.skipPaste = false, false
	case keyInterrupt:
		in.interrupted()
	default:
		if !in.skipPaste {
			in.keep(key)
		}
	}
}

// interrupted drops what was typed before the ^C, as a terminal's line discipline does: who presses it wants no more of it.
func (in *inbox) interrupted() {
	in.buf, in.lost = in.buf[:0], false
	if in.reading {
		in.buf = append(in.buf, keyInterrupt)
		return
	}
	select {
	case in.interrupt <- struct{}{}:
	default: // one is waiting already
	}
}

func (in *inbox) keep(key []byte) {
	for len(in.buf) >= typeAhead && in.reading && !in.ended {
		in.changed.Broadcast()
		in.changed.Wait()
	}
	if len(in.buf) < typeAhead {
		in.buf, in.lost = append(in.buf, key...), false
		return
	}
	if !in.lost {
		in.lost = true
		in.buf = append(in.buf, keyLost) // the one thing there is always room for: a line with a hole must not be run
		in.bell()
	}
}

// take waits for the next key and appends it to dst; false means that there will be none.
func (in *inbox) take(dst []byte) ([]byte, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.buf) == 0 && !in.ended {
		in.changed.Wait()
	}
	if len(in.buf) == 0 {
		return dst, false
	}
	_, n := utf8.DecodeRune(in.buf)
	dst = append(dst, in.buf[:n]...)
	in.buf = in.buf[n:]
	in.changed.Broadcast()
	return dst, true
}

// begin says that a line is being read from here on. A ^C that found nothing to stop is forgotten.
func (in *inbox) begin() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reading = true
	select {
	case <-in.interrupt:
	default:
	}
}

// end says that no line is read any more. A ^C that came after the line's end is for the command.
func (in *inbox) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reading = false
	if len(in.buf) > 0 && in.buf[0] == keyInterrupt {
		after := in.buf[1:]
		in.interrupted()
		in.buf = append(in.buf, after...)
	}
	in.changed.Broadcast()
}

// discard drops all keys and what is still to come of a paste. It reports how many keys had arrived by then, and whether
// a ^C was among the dropped.
func (in *inbox) discard() (arrived int, interrupted bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	interrupted = len(in.buf) > 0 && in.buf[0] == keyInterrupt
	in.buf, in.lost = in.buf[:0], false
	in.skipPaste = in.pasting
	in.changed.Broadcast()
	return in.arrived, interrupted
}

func (in *inbox) isEnded() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.ended
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	in.changed.Broadcast()
}
