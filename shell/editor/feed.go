package editor

import (
	"fmt"
	"io"
	"runtime/debug"
	"unicode/utf8"
)

// maxLine is the length in characters at which x/term takes no more, and does not say so.
const maxLine = 4096

// ask is a key that does nothing in x/term, which is how to learn what stands in the line.
const ask = 0

// feed is what x/term takes for its terminal. It hands over one key for each Read, and keeps what became of the line.
// Its fields belong to the goroutine that reads the line.
type feed struct {
	in       *inbox
	out      *outbox
	complete func(line string, pos int) (string, int, bool)

	key    []byte // the key at hand, for reuse
	next   []byte // what x/term is still to get of it
	over   bool   // the line was longer than x/term takes
	ended  error  // why the line is not to be used
	broken any    // what complete panicked with
	stack  []byte
}

// reset makes ready for the next line.
func (f *feed) reset() {
	f.next, f.over, f.ended, f.broken = nil, false, nil, nil
}

// Read never returns nothing without an error: x/term would ask again and again. The end of the input is Enter to x/term,
// so that the line is left on the screen as well.
func (f *feed) Read(p []byte) (int, error) {
	for len(f.next) == 0 {
		err, more := f.out.wait(), false
		if err == nil {
			f.key, more = f.in.take(f.key[:0])
		}
		if more {
			f.next = f.translate(f.key)
		} else {
			f.ended, f.next = io.EOF, []byte{keyEnter}
		}
	}
	n := copy(p, f.next)
	f.next = f.next[n:]
	if n == 0 {
		return 0, io.ErrShortBuffer
	}
	return n, nil
}

// translate returns a key as x/term knows it; none for one that is not for x/term.
func (f *feed) translate(key []byte) []byte {
	switch key[0] {
	case keyInterrupt:
		f.ended = ErrInterrupted
		return []byte{keyEnd, '^', 'C', keyEnter} // x/term has no other way to leave a line, and its own ^C is for ever
	case keyLost:
		f.ended = ErrLost
		return nil
	case keyEOF:
		return []byte{ask}
	case keyDelete:
		return []byte("\x1b[3~")
	case keyWordLeft:
		return []byte("\x1b[1;3D")
	case keyWordRight:
		return []byte("\x1b[1;3C")
	}
	if f.over && key[0] >= ' ' && key[0] != backspace {
		return nil // x/term would copy the whole line only to drop the key
	}
	return key
}

// Write is x/term drawing.
func (f *feed) Write(p []byte) (int, error) {
	f.out.put(p)
	return len(p), nil
}

// pressed is x/term's AutoCompleteCallback, called without x/term's lock for every key that it does not know itself. The
// lock is why a panic may not leave it: unwinding, x/term unlocks once more, which no recover survives.
func (f *feed) pressed(line string, pos int, key rune) (newLine string, newPos int, ok bool) {
	defer func() {
		if f.broken = recover(); f.broken != nil {
			f.stack, f.next = debug.Stack(), []byte{keyEnter}
		}
	}()
	switch {
	case key == ask:
		f.leave(line)
	case key == '\t':
		return f.complete(line, pos)
	case key >= ' ' && len(line) >= maxLine && utf8.RuneCountInString(line) >= maxLine:
		f.over = true
		f.out.put([]byte("\a"))
	}
	return "", 0, false
}

// leave is ^D: the end on an empty line, and else the key to delete with.
func (f *feed) leave(line string) {
	f.next = []byte("\x1b[3~")
	if line == "" {
		f.ended, f.next = io.EOF, []byte{keyEnter}
	}
}

// outcome is why the line that x/term returned with err is not to be used, or nil.
func (f *feed) outcome(err error) error {
	switch {
	case f.broken != nil:
		panic(fmt.Sprintf("completing a line: %v\n%s", f.broken, f.stack))
	case err != nil:
		return err
	case f.ended == nil && f.over:
		return ErrTooLong
	}
	return f.ended
}
