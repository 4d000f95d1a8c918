package auth

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"Jörg at bench 3", "Jörg at bench 3"},
		{`"quoted" it's`, `"quoted" it's`},
		{`DOMAIN\user`, `DOMAIN\\user`},
		{"\x1b]52;c;x\x07", `\x1b]52;c;x\a`},
		{"a\tb\r\nc\x00\x7f", `a\tb\r\nc\x00\x7f`},
		{"\u009b31m", `\u009b31m`},
		{"\x9b31m", `\x9b31m`},
		{"a\u202eb\u2066c\u200dd\ufeffe\u00ad", `a\u202eb\u2066c\u200dd\ufeffe\u00ad`},
		{"\u034f\u3164\ufe0f\U000e0100\U000e0041", `\u034f\u3164\ufe0f\U000e0100\U000e0041`},
		{"\u2028\u00a0", `\u2028\u00a0`},
		{"\ufffd", "\ufffd"},
		{strings.Repeat("é", 200), strings.Repeat("é", 200)},
		{strings.Repeat("é", 201), strings.Repeat("é", 199) + "…"},
		{strings.Repeat("a", 198) + "\x00", strings.Repeat("a", 198) + "…"},
	}
	for _, test := range tests {
		if got := escape(test.in); got != test.want {
			t.Errorf("escape(%q) = %q; want %q", test.in, got, test.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b\u202e\xff", "b")
	f.Fuzz(func(t *testing.T, a, b string) {
		got := escape(a)
		if !plain(got) || utf8.RuneCountInString(got) > maxText {
			t.Errorf("escape(%q) = %q; want it short and clean", a, got)
		}
		if a != b && got == escape(b) && !strings.HasSuffix(got, "…") {
			t.Errorf("escape(%q) = escape(%q); want them different", a, b)
		}
	})
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"/var/lib/wiped/authorized_keys": "/var/lib/wiped/authorized_keys",
		"":                               "''",
		"my keys":                        "'my keys'",
		"it's":                           `'it'\''s'`,
		"$(reboot)":                      "'$(reboot)'",
		"a\x1bb":                         `'a\x1bb'`,
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s; want %s", in, got, want)
		}
	}
}
