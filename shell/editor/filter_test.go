package editor

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzFilter(f *testing.F) {
	f.Add([]byte("plain text\r\n"), 3)
	f.Add([]byte("\x1b["+strings.Repeat("1", 300)), 1)
	f.Add([]byte("\x1b[200~a\tb\x03\x1b[201~\x1bOA\x1b[[A\x1b]0;x\x07"), 2)
	f.Add([]byte("\u009b31m\x9b\xc3\x28\xe2\x82\u20ac\ufffd"), 1)
	f.Fuzz(func(t *testing.T, p []byte, at int) {
		var whole, cut filter
		got := whole.keys(nil, p)
		if !utf8.Valid(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for _, r := range string(got) {
			switch {
			case r == escape, r == 0, r == keyLost, r == '\n', r == utf8.RuneError:
				t.Fatalf("%q has %q", got, r)
			case r > 0x7f && unicode.IsControl(r):
				t.Fatalf("%q has a C1 control character", got)
			}
		}
		if len(whole.seq) > maxSequence+1 || len(whole.char) > utf8.UTFMax {
			t.Fatalf("it keeps %q %q", whole.seq, whole.char)
		}
		at = max(0, min(at, len(p)))
		if parts := cut.keys(cut.keys(nil, p[:at]), p[at:]); !bytes.Equal(parts, got) {
			t.Fatalf("whole: %q, cut at %d: %q", got, at, parts)
		}
		if plain := strings.Map(printableASCII, string(p)); string(new(filter).keys(nil, []byte(plain))) != plain {
			t.Fatalf("%q is changed", plain)
		}
		// Whatever came before, after an Enter and the end of a paste the next line is read as it is typed.
		if end := whole.keys(nil, []byte("\r\x1b[201~ok")); !bytes.HasSuffix(end, []byte("ok")) {
			t.Fatalf("deaf after %q: %q", p, end)
		}
	})
}

func printableASCII(r rune) rune {
	if r >= ' ' && r < 0x7f {
		return r
	}
	return -1
}
