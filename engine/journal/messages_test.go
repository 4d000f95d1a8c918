package journal

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "messages.txt")
	m, err := OpenMessages(path)
	if err != nil {
		t.Fatal(err)
	}
	texts := append([]string{" leading and trailing ", "\ttabs\tin\tit\t", "a\rb\r", strings.Repeat("x", 64<<10)}, outside...)
	var want []Message
	file := ""
	for _, text := range texts {
		err := m.Save(noon, "al\tice\x1b\n", text)
		if bad := strings.ContainsAny(text, "\n\x00"); (err != nil) != bad {
			t.Errorf("Save(%.20q) = %v; want an error: %v", text, err, bad)
		}
		if err == nil {
			want = append(want, Message{"2026-06-01T12:00:00.123456Z", `al\tice\x1b\n`, text})
			file += "2026-06-01T12:00:00.123456Z\tal\\tice\\x1b\\n\t" + text + "\n"
		}
	}
	for _, when := range []string{"at once", "after opening again"} {
		if got, err := allMessages(m); err != nil || !slices.Equal(got, want) {
			t.Errorf("All() %s = %.300q, %v; want %.300q", when, got, err, want)
		}
		if text, _ := os.ReadFile(path); string(text) != file {
			t.Errorf("messages.txt %s is not, byte for byte, what was saved", when)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if m, err = OpenMessages(path); err != nil {
			t.Fatal(err)
		}
	}
	_ = m.Close()
}

func TestMessagesFileEdited(t *testing.T) {
	for text, want := range map[string][]Message{
		"":                                {},
		"no tabs\n":                       {{"", "", "no tabs"}},
		"one\ttab\n":                      {{"", "one", "tab"}},
		"t\to\tx\ty\n\n":                  {{"t", "o", "x\ty"}, {"", "", ""}},
		"t\to\twhole\nt\to\ttorn":         {{"t", "o", "whole"}},
		"torn only":                       {},
		"t\to\tx\r\n":                     {{"t", "o", "x\r"}},
		strings.Repeat("z", 200_000):      {},
		strings.Repeat("z\n", 2) + "\xff": {{"", "", "z"}, {"", "", "z"}},
	} {
		path := filepath.Join(t.TempDir(), "messages.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := OpenMessages(path)
		if err != nil {
			t.Fatalf("OpenMessages(%.20q) = %v; want no error", text, err)
		}
		if got, err := allMessages(m); err != nil || !slices.Equal(got, want) {
			t.Errorf("All() of %.20q = %q, %v; want %q", text, got, err, want)
		}
		if err := m.Save(noon, "o", "next"); err != nil {
			t.Errorf("Save after %.20q = %v; want no error", text, err)
		}
		if got, _ := allMessages(m); len(got) != len(want)+1 || got[len(want)].Text != "next" {
			t.Errorf("All() of %.20q and a message = %q; want the message last", text, got)
		}
		_ = m.Close()
	}
}

func allMessages(m *Messages) (all []Message, err error) {
	err = m.Each(func(one Message) error { all = append(all, one); return nil })
	return all, err
}
