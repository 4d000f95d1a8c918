package editor

import (
	"fmt"
	"io"
	"testing"
	"time"
)

func TestConfirmIgnoresTypeAhead(t *testing.T) {
	for name, early := range map[string]string{
		"typed":           "SERIAL\r",
		"pasted":          "\x1b[200~SERIAL\rSERIAL\r\x1b[201~",
		"without the end": "SERI",
		"end of input":    "\x04",
	} {
		t.Run(name, func(t *testing.T) {
			edit(t, Config{}, func(b *bench) {
				b.read()
				b.typed("erase sdb\r" + early)
				b.wantLine("erase sdb", nil)
				b.confirm()
				b.typed(early) // still on its way when Confirm was called
				b.wantScreen("> erase sdb\n|")
				time.Sleep(10 * quiet)
				b.wantScreen("> erase sdb\nsure? |")
				b.wantNothing()
				b.typed("\x1b[A1234\r") // there is no history to answer from
				b.wantLine("1234", nil)
				b.read()
				b.typed("\x1b[A\r")
				b.wantLine("erase sdb", nil) // and not 1234
			})
		})
	}
}

func TestConfirmInAPaste(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.read()
		b.typed("\x1b[200~erase sdb\rSER")
		b.wantLine("erase sdb", nil)
		b.confirm()
		time.Sleep(time.Minute)
		b.typed("SERIAL\rSERIAL\r\x1b[201~")
		b.wantNothing()
		b.wantScreen("> erase sdb\nsure? |")
		b.typed("\x1b[200~SERIAL\x1b[201~\r") // pasted after it was asked for: as good as typed
		b.wantLine("SERIAL", nil)
	})
}

// The question is still behind other output when the answer comes: it cannot be one.
func TestConfirmWaitsForTheScreen(t *testing.T) {
	g := newGate()
	edit(t, Config{Out: g}, func(b *bench) {
		fmt.Fprintln(b.e, "this erases sdb")
		b.confirm()
		time.Sleep(time.Minute)
		b.typed("SERIAL\r")
		time.Sleep(time.Minute)
		b.typed("SERIAL\r")
		g.let()
		time.Sleep(time.Minute)
		b.wantNothing()
		b.typed("SERIAL\r")
		b.wantLine("SERIAL", nil)
	})
}

func TestConfirmGivenUp(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		for range 2 {
			b.confirm()
			time.Sleep(2 * quiet)
			b.typed("\x1b[A\t\x03")
			b.wantLine("", ErrInterrupted)
			b.confirm()
			b.typed("\x03")
			time.Sleep(2 * quiet)
			b.wantLine("", ErrInterrupted)
			b.confirm()
			time.Sleep(2 * quiet)
			b.typed("\x04")
			b.wantLine("", io.EOF)
		}
		b.read()
		b.typed("hello\r")
		b.wantLine("hello", nil)
	})
}
