package editor

import (
	"io"
	"strings"
	"testing"
)

// ESC [ and 300 digits filled x/term's buffer, and its ReadLine asked for no bytes for ever, even after the client had
// gone. That everything blocks is what synctest.Wait waits for, and that everything ends what synctest.Test waits for.
func TestEndlessSequence(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.read()
		b.typed("\x1b[" + strings.Repeat("1", 300))
		b.wantNothing()
		b.typed("\x1b]" + strings.Repeat("1", 300))
		b.typed("\rhello\r")
		b.wantLine("", nil)
	})
}

func TestBinary(t *testing.T) {
	binary := make([]byte, 5<<20)
	x := uint32(1)
	for i := range binary {
		x = x*1664525 + 1013904223
		binary[i] = byte(x >> 24)
	}
	for name, early := range map[string]bool{"while reading": false, "ahead": true} {
		t.Run(name, func(t *testing.T) {
			edit(t, Config{}, func(b *bench) {
				b.lines = make(chan result, len(binary))
				if !early {
					b.loopOver()
				}
				b.typed(string(binary))
				if early {
					b.loopOver()
				}
				b.typed("\x1b[201~\x03hello\r")
				var last result
				for len(b.lines) > 0 {
					last = <-b.lines
				}
				if last != (result{"hello", nil}) {
					t.Errorf("after the paste: %q, %v", last.line, last.err)
				}
			})
		})
	}
}

// loopOver reads lines, whatever happens, until the input has ended.
func (b *bench) loopOver() {
	go func() {
		for !b.e.in.isEnded() {
			line, err := b.e.ReadLine("> ")
			b.lines <- result{line, err}
		}
	}()
}

func TestTooLong(t *testing.T) {
	fits := strings.Repeat("ö", maxLine)
	edit(t, Config{}, func(b *bench) {
		b.loop()
		b.typed(fits + "\r")
		b.wantLine(fits, nil)
		b.typed(fits + "!\r")
		b.wantLine("", ErrTooLong)
		b.typed(fits + "!\x15x\r") // emptied again, but what was it that got lost?
		b.wantLine("", ErrTooLong)
		b.typed("\x1b[200~" + fits + "!\x1b[201~\r")
		b.wantLine("", ErrTooLong)
		b.typed("hello\r")
		b.wantLine("hello", nil)
		b.typed(strings.Repeat("x", 1<<20) + "\r")
		b.wantLine("", ErrTooLong)
		b.typed("\x1b[A\r")
		b.wantLine("hello", nil)
	})
}

func TestTooMuchTypeAhead(t *testing.T) {
	const line = "erase sda --confirm 1\r"
	edit(t, Config{}, func(b *bench) {
		b.typed(strings.Repeat(line, 2*typeAhead/len(line)) + "\r")
		if b.vt.bells != 1 {
			t.Errorf("%d bells", b.vt.bells)
		}
		b.typed("x\r")
		for range typeAhead / len(line) {
			b.read()
			b.wantLine(line[:len(line)-1], nil)
		}
		b.read()
		b.wantNothing()
		b.typed("\r") // the line with the hole, whatever it is completed with
		b.wantLine("", ErrLost)
		b.read()
		b.typed("hello\r")
		b.wantLine("hello", nil)
	})
}

func TestThousandInterrupts(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.loop()
		b.typed("abc")
		for range 1000 {
			io.WriteString(b.keys, "\x03")
		}
		b.typed("hello\r")
		var last result
		for len(b.lines) > 0 {
			last = <-b.lines
		}
		if last.line != "hello" {
			t.Errorf("the last line is %q, %v", last.line, last.err)
		}
		b.wantNothing()
	})
}
