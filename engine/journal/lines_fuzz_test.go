package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// FuzzAudit opens a file of anything as the audit. Whole lines in it are never changed, nor taken off its end but from one with zeros
// on; each of them is shown, what is appended holds, and a chain that did not hold before does not hold afterwards.
func FuzzAudit(f *testing.F) {
	good := chain(f, 3)
	f.Add(good)
	f.Add(good[:len(good)-10])
	f.Add(bytes.Replace(good, []byte(`"exit":2`), []byte(`"exit":0`), 1))
	f.Add(append(bytes.Clone(good), good...))
	f.Add([]byte("\n\n{}\nnull\n"))
	f.Add(append(bytes.Clone(good), append(make([]byte, 2*sectorSize-len(good)%sectorSize), "}\n"...)...))
	f.Add([]byte(`{"seq":18446744073709551615,"hash":"x"}` + "\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "audit.jsonl")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		a := openAudit(t, path)
		defer a.Close()
		whole := content[:bytes.LastIndexByte(content, '\n')+1]
		torn := len(whole) < len(content)
		before, broken := a.Verify()
		if _, err := a.Append(someEntry(1)); err != nil {
			t.Fatalf("Append after %q: %v", content, err)
		}
		after, err := a.Verify()
		if (err == nil) != (broken == nil) || err == nil && after != before+1 {
			t.Errorf("Verify says %d, %v before, and %d, %v after one more entry to %q", before, broken, after, err, content)
		}
		entries := 0
		if err := a.Entries(func(Entry) error { entries++; return nil }); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(path)
		kept := whole
		for !bytes.HasPrefix(text, kept) {
			kept = kept[:bytes.LastIndexByte(kept[:len(kept)-1], '\n')+1]
		}
		if off := whole[len(kept):]; len(off) > 0 {
			torn = true
			if line, _, _ := bytes.Cut(off, []byte("\n")); !bytes.Contains(line, []byte{0}) {
				t.Errorf("%q was taken off", off)
			}
		}
		want := bytes.Count(kept, []byte("\n")) + 1
		if torn {
			want++ // what was cut off is on record
		}
		if err != nil || entries != want {
			t.Errorf("%d entries, want %d, from %q: now %q, %v", entries, want, content, text, err)
		}
	})
}

// FuzzMessages opens a file of anything as messages, and leaves one more.
func FuzzMessages(f *testing.F) {
	f.Add([]byte("2026-06-01T12:00:00Z\talice\thello\n"), "alice", "it's \"bay 4\"")
	f.Add([]byte("\t\t\n\xff\n"), "\x1b", "\x00")
	f.Add([]byte("torn"), "", "a\nb")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte, operator, text string) {
		path := filepath.Join(dir, "messages.txt")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := OpenMessages(path)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		before, err := allMessages(m)
		if lines := bytes.Count(content, []byte("\n")); err != nil || len(before) > lines || len(before) < lines && !bytes.Contains(content, []byte{0}) {
			t.Fatalf("%d messages of %q, %v", len(before), content, err)
		}
		kept := m.Save(noon, operator, text) == nil
		after, err := allMessages(m)
		if err != nil {
			t.Fatal(err)
		}
		if !kept {
			if len(after) != len(before) {
				t.Errorf("Save(%q) failed and left %q", text, after)
			}
			return
		}
		last := after[len(after)-1]
		if len(after) != len(before)+1 || last.Text != text || last.Operator != EscapeOnce(operator) || !utf8.ValidString(last.Operator) {
			t.Errorf("Save(%q, %q) is read back as %q", operator, text, last)
		}
	})
}
