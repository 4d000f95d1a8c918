package sshd

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"wiped/auth"
)

// FuzzLogText: what strangers say is logged in one word, or at the end of a line, and in printable ASCII.
func FuzzLogText(f *testing.F) {
	for _, text := range []string{"", "root", "a b\nAccepted publickey for root", "\x1b[2J", "\xff\u202e", `\"`} {
		f.Add(text, 100)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(0, min(limit, 1000))
		word, said := plain(text, limit), sentence(text, limit)
		if !printable(word) || !printable(said) || strings.Contains(word, " ") {
			t.Errorf("%q is logged as %q and %q", text, word, said)
		}
		if most := 10*limit + 3; len(word) > most || len(said) > most {
			t.Errorf("%d bytes, cut at %d, are logged as %d and %d", len(text), limit, len(word), len(said))
		}
	})
}

// FuzzKeyboard types anything at a command that has a terminal: it gets what was typed but for ^C, which interrupts it, in order, up
// to what a keyboard's buffer holds.
func FuzzKeyboard(f *testing.F) {
	f.Add([]byte("hello\r"), byte(0))
	f.Add([]byte("\x03\x03x\x03"), byte(1))
	f.Add(bytes.Repeat([]byte("x"), maxTyped+10), byte(2))
	f.Fuzz(func(t *testing.T, keys []byte, pieces byte) {
		var in io.Reader = bytes.NewReader(keys)
		switch pieces % 3 {
		case 1:
			in = iotest.OneByteReader(in)
		case 2:
			in = iotest.HalfReader(in)
		}
		x := bareChannel(auth.Identity{})
		typed, err := io.ReadAll(x.keyboard(in))
		want := bytes.ReplaceAll(keys, []byte{intr}, nil)
		if err != nil || !bytes.HasPrefix(want, typed) && len(want) <= maxTyped || len(want) <= maxTyped && len(typed) != len(want) {
			t.Errorf("%q is typed as %q, %v", keys, typed, err)
		}
		select {
		case <-x.interrupt:
			if len(want) == len(keys) {
				t.Error("interrupted by nothing")
			}
		default:
			if len(want) != len(keys) {
				t.Error("^C interrupts nothing")
			}
		}
	})
}
