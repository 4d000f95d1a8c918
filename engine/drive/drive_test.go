package drive

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "  ": "", "WD-1234": "WD-1234", "   WD-1234   \n": "WD-1234", "A  B": "A  B", "\x00\x00X\x00": "X", "a\tb": `a\tb`, `a\b`: `a\\b`,
		"\xff\xff": `\xff\xff`, "\x1b[31mred": `\x1b[31mred`, `say "x"`: `say "x"`, "\u202e": `\u202e`, "\u00e9": "\u00e9", "\u009b": `\u009b`,
	} {
		if got := Clean(s); got != want {
			t.Errorf("Clean(%q) = %q; want %q", s, got, want)
		}
	}
}

// TestSerial: what many drives give, because nobody wrote a serial into them, names none of them.
func TestSerial(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "WD-1234": "WD-1234", "\xff\xff\xff\xff": "", "\xff\xffA": `\xff\xffA`, "    ": "", "\x00\x00": "", "00000000": "", "0000 0000": "", "0x00000000": "", "0xffffffff": "",
		"0xdeadbeef": "0xdeadbeef", "ffff": "ffff", "10": "10", "000000001": "000000001", "~dev-1": "", "0x": "", `\xff`: `\\xff`,
	} {
		if got := Serial(Clean(s)); got != want {
			t.Errorf("Serial(%q) = %q; want %q", s, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", " WD-1234 \n", "\xff\x00\x1b", "\u202e\u200b\u3164\ufe0f", `\"`, "A  B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool {
			return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
		}) {
			t.Errorf("Clean(%q) = %q; want only what is seen", s, got)
		}
		trimmed := strings.Trim(s, " \t\r\n\x00")
		if back, err := strconv.Unquote(`"` + strings.ReplaceAll(got, `"`, `\"`) + `"`); err != nil || back != trimmed {
			t.Errorf("Clean(%q) = %q, which reads back as %q, %v; want %q", s, got, back, err, trimmed)
		}
	})
}

func TestSame(t *testing.T) {
	id := ID{Serial: "S", WWN: "0x1", Size: 5, DiskSeq: 3, Boot: "b", Device: 7, Inode: 8}
	for _, test := range []struct {
		what   string
		change func(*ID)
		same   bool
	}{
		{"nothing", func(*ID) {}, true},
		{"keys", func(i *ID) { i.Keys = []string{"x"} }, true},
		{"serial", func(i *ID) { i.Serial = "T" }, false},
		{"serial lost", func(i *ID) { i.Serial = "" }, false},
		{"WWN", func(i *ID) { i.WWN = "" }, false},
		{"size", func(i *ID) { i.Size++ }, false},
		{"device", func(i *ID) { i.Device++ }, false},
		{"inode", func(i *ID) { i.Inode++ }, false},
		{"disk sequence number", func(i *ID) { i.DiskSeq++ }, false},
		{"disk sequence number after a boot", func(i *ID) { i.DiskSeq++; i.Boot = "c" }, true},
		{"boot", func(i *ID) { i.Boot = "c" }, true},
	} {
		now := id
		test.change(&now)
		err := id.Same(now)
		if (err == nil) != test.same || (err != nil && !errors.Is(err, ErrChanged)) {
			t.Errorf("Same after a change of %s = %v; want same: %v, or ErrChanged", test.what, err, test.same)
		}
		if back := now.Same(id); (back == nil) != (err == nil) {
			t.Errorf("Same after a change of %s = %v one way, %v the other; want no difference", test.what, err, back)
		}
	}
}

func TestOwnSerial(t *testing.T) {
	for serial, want := range map[string]bool{"": false, "WD": true, "~loop-00": false, "a~": true, `\xff\xff`: false, "0000": false} {
		if got := (Info{Serial: serial}).OwnSerial(); got != want {
			t.Errorf("OwnSerial(%q) = %v; want %v", serial, got, want)
		}
	}
}
