package auth

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// FuzzFile reads whole files: each line is used, named as wrong, or nothing at all, and a wrong one spoils no other.
func FuzzFile(f *testing.F) {
	good := `role="viewer" ` + publicText(fixedSigner(f, 1).PublicKey()) + " alice"
	f.Add([]byte(good+"\n# bob\n\n  "), []byte("\r\nnonsense"))
	f.Add([]byte("command=\"\n"), []byte("\n\xff\x00"))
	f.Add([]byte(nil), []byte(`,from="10.0.0.0/8" ssh-ed25519 AAAA`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		content := bytes.Join([][]byte{before, []byte(good), after}, []byte("\n"))
		file := parseFile(content)
		said, last := map[int]bool{}, 0
		for _, l := range file.lines {
			if l.number <= last || l.role < Viewer || !plain(l.name) {
				t.Errorf("line %d after %d: %+v", l.number, last, l)
			}
			said[l.number], last = true, l.number
		}
		for _, b := range file.bad {
			if said[b.number] || !plain(b.why.Error()) {
				t.Errorf("line %d: %q", b.number, b.why)
			}
			said[b.number] = true
		}
		for n, text := range strings.Split(string(content), "\n") {
			text = strings.Trim(strings.TrimRight(text, "\r"), blanks)
			if empty := text == "" || text[0] == '#'; empty == said[n+1] {
				t.Errorf("line %d, %q, was looked at: %t", n+1, text, said[n+1])
			}
		}
		if at := bytes.Count(before, []byte("\n")) + 2; !said[at] || !used(file, at) {
			t.Errorf("the good line %d is not used", at)
		}
	})
}

func used(file *keyFile, number int) bool {
	for _, l := range file.lines {
		if l.number == number {
			return true
		}
	}
	return false
}

// FuzzExpiry reads moments: what is taken is what is written.
func FuzzExpiry(f *testing.F) {
	for _, text := range []string{"20300101", "20300101Z", "203001011200z", "20300101120059Z", "20301301", "2030010112", "19691231", "ZZ", "20300229Z", " 2030010"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseExpiry(text, time.UTC)
		if err != nil {
			if !plain(err.Error()) || !at.IsZero() {
				t.Errorf("parseExpiry(%q) = %v, %q", text, at, err)
			}
			return
		}
		digits := strings.TrimRight(text, "zZ")
		if at.IsZero() || !strings.HasPrefix(at.Format("20060102150405"), digits) || len(text) > len(digits)+1 {
			t.Errorf("parseExpiry(%q) = %v", text, at)
		}
	})
}
