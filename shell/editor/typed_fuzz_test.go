package editor

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzTyped types anything, in two pieces, with a status line in between, into the whole editor. Lines come out as text, nothing is
// shown that a terminal would obey (vt sees to that), and whatever was begun, a line typed after it comes out as it was typed.
func FuzzTyped(f *testing.F) {
	for _, keys := range []string{"hello\r", "\x1b[200~a\rb\x1b[201~\r", "\x1b[1", "\x1bOP\t\t\x01\x05\x0b\x15\x17", "\x03\x04\x7f\x08", "\u009b31m", "\xff\xc3",
		strings.Repeat("9", 300) + "\r", "\x1b]0;x\a", "日本\x7f\r", "\x12\x13\x11\x0f\x10\x0e"} {
		f.Add(keys, len(keys)/2)
	}
	f.Fuzz(func(t *testing.T, keys string, cut int) {
		if len(keys) > 4096 {
			return
		}
		cut = max(0, min(cut, len(keys)))
		edit(t, Config{}, func(b *bench) {
			b.lines = make(chan result, len(keys)+10)
			b.loopOver()
			b.typed(keys[:cut])
			b.e.WriteStatus([]byte("[job 1] sda 43.2%\n"))
			b.typed(keys[cut:])
			b.typed("\x1b[201~\x03hello\r")
			var last result
			for len(b.lines) > 0 {
				last = <-b.lines
				if !utf8.ValidString(last.line) || strings.ContainsFunc(last.line, unicode.IsControl) {
					t.Errorf("%q, then %q, come out as %q", keys[:cut], keys[cut:], last.line)
				}
			}
			if last != (result{"hello", nil}) {
				t.Errorf("after %q, then %q: %q, %v", keys[:cut], keys[cut:], last.line, last.err)
			}
		})
	})
}
