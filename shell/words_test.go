package shell

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"": nil, "   ": nil, "\t": nil, "a": {"a"}, "a b": {"a", "b"}, "  a \t b  ": {"a", "b"}, "'a b'": {"a b"}, `"a b"`: {"a b"}, "''": {""}, `""`: {""}, "a '' b": {"a", "", "b"},
		"a'b'c": {"abc"}, `a"b"'c'd`: {"abcd"}, `'a"b'`: {`a"b`}, `"a'b"`: {"a'b"}, `'a\'`: {`a\`}, `'\n'`: {`\n`}, `"\n"`: {`\n`}, `"\\"`: {`\`}, `"\""`: {`"`}, `"\$x"`: {"$x"},
		"\"\\`\"": {"`"}, `"$x"`: {"$x"}, "'$x;|&<>()*?[~#`'": {"$x;|&<>()*?[~#`"}, `\`: {`\`}, `a\b`: {`a\b`}, `C:\new`: {`C:\new`}, `a\ b`: {`a\`, "b"}, `\'a'`: {`\a`},
		"a#b": {"a#b"}, "a~b": {"a~b"}, "''#": {"#"}, "''~x": {"~x"}, "--confirm=~x": {"--confirm=~x"}, "~img-0123456789": {"~img-0123456789"}, "x ~loop-ab y": {"x", "~loop-ab", "y"},
		"~dev-00\ty": {"~dev-00", "y"}, "a]b{c}!%^=+,.:/@-_": {"a]b{c}!%^=+,.:/@-_"}, "caf\u00e9 \u65e5": {"caf\u00e9", "\u65e5"}, "\xff\xfe": {"\xff\xfe"}, "a\u00a0b": {"a\u00a0b"},
		"a\x1bb\x07": {"a\x1bb\x07"}, "a\vb\fc": {"a\vb\fc"}, "a\rb": {"a\rb"},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("split(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{"'", `"`, "a 'b", `a "b`, `"a\"`, `"\`, "a;b", "a|b", "a&", "$x", "a$", "`x`", "<a", ">a", "(a", "a)", "*", "a?", "[a", "~", "~user", "a ~/x", "#x", "a #x", "a\nb", "a\x00b",
		"'a\x00'", "~img-", "~-00", "~img-0g", "~IMG-00", "~img-00/x", "~img-00;", "~~img-00", "~img 00"} {
		got, err := split(line)
		if err == nil {
			t.Errorf("split(%q) = %q, nil; want a usage error", line, got)
		} else if code, say := explain(err); code != exitUsage || say == "" || got != nil {
			t.Errorf("split(%q) = %q, exit code %d, %q; want 2", line, got, code, say)
		}
	}
}

// sh cuts a line into words with the real shell.
func sh(t testing.TB, line string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "printf '%s\\n' x "+line).Output()
	if err != nil {
		t.Skipf("sh -c %q: %v", line, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")[1:]
}

// Plain and quoted words are what they are to a POSIX shell.
func TestSplitAsShell(t *testing.T) {
	parts := []string{"a", "B9", "'x  y'", `"x  y"`, "''", `""`, `'"'`, `"'"`, `'\'`, `"\\"`, `"\""`, `"\$"`, "\"\\`\"", `"\x"`, `'$z;|*?[~#'`, "a#", "a~", ",.:/@%+=-_]^", "  ", "\t", " ", "caf\u00e9", `'\\'`, `"a\b"`}
	for n := range len(parts) * len(parts) * len(parts) {
		if n%7 != 0 { // one in seven of all lines of three parts
			continue
		}
		line := parts[n%len(parts)] + parts[n/len(parts)%len(parts)] + parts[n/len(parts)/len(parts)]
		if strings.TrimSpace(line) == "" {
			continue
		}
		got, err := split(line)
		if err != nil {
			t.Errorf("split(%q) = %v; want words", line, err)
			continue
		}
		if want := sh(t, line); !slices.Equal(got, want) {
			t.Errorf("split(%q) = %q; sh says %q", line, got, want)
		}
		if testing.Short() && n > 700 {
			break
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, line := range []string{"a b", "'a b' \"c\\\"d\"", "a\\b", "~img-00 x", "a ;", "'", "\"\\", "# x", "a'b'\"c\"d", "\xff 'x\n'"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil {
			if code, _ := explain(err); code != exitUsage || words != nil {
				t.Errorf("split(%q) = %q, exit code %d; want 2 and nothing", line, words, code)
			}
			return
		}
		if strings.ContainsRune(line, 0) {
			t.Errorf("split(%q) = %q, nil; want a usage error for NUL", line, words)
		}
		// Every word, quoted, comes back as it is: alone and together with the others.
		var all []string
		for _, w := range words {
			all = append(all, quote(w))
			if back, err := split(quote(w)); err != nil || len(back) != 1 || back[0] != w {
				t.Errorf("split(quote(%q) = %s) = %q, %v; want it back", w, quote(w), back, err)
			}
		}
		if back, err := split(strings.Join(all, " ")); err != nil || !slices.Equal(back, words) {
			t.Errorf("split(%q) = %q, %v; want %q", strings.Join(all, " "), back, err, words)
		}
		// No byte comes from nowhere, none is lost but blanks, quotes and backslashes.
		strip := strings.NewReplacer(" ", "", "\t", "", "'", "", `"`, "", `\`, "")
		if got, want := strip.Replace(strings.Join(words, "")), strip.Replace(line); got != want {
			t.Errorf("split(%q) = %q; want every character of it", line, words)
		}
	})
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"a": "a", "": "''", "a b": "'a b'", "it's": `"it's"`, `'"\$` + "`": `"'\"\\$` + "`\"", "~img-00": "~img-00", "~x": "'~x'", "a;b": "'a;b'", `a\b`: `a\b`, "#": "'#'"} {
		if got := quote(word); got != want {
			t.Errorf("quote(%q) = %s; want %s", word, got, want)
		}
	}
}

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, maxLine+2) }

func TestReadLine(t *testing.T) {
	most := strings.Repeat("x", maxLine)
	for _, test := range []struct {
		text string
		want []string // each line; "ERROR ..." for one that is refused
	}{
		{"", nil},
		{"a\nb\n", []string{"a", "b"}},
		{"a\r\nb\r\r\n\r\n", []string{"a", "b\r", ""}},
		{"a\rb\n", []string{"a\rb"}},
		{"\n\n", []string{"", ""}},
		{" \t\nx", []string{"", "x"}},
		{"  lead\n", []string{"  lead"}},
		{"a\x00b\nc\n", []string{"ERROR the line holds a NUL", "c"}},
		{most + "\nb\n", []string{most, "b"}},
		{most + "\r\nb\n", []string{most, "b"}},
		{most, []string{most}},
		{most + "x\nb\n", []string{"ERROR the line has 65537 bytes", "b"}},
		{most + "xxxx\nb\n", []string{"ERROR the line has 65540 bytes", "b"}},
		{most + most + most + "\nb\n", []string{"ERROR the line has 196608 bytes", "b"}},
		{most + most + "\x00\r\n" + most + "\nb", []string{"ERROR the line has", most, "b"}},
		{most + "xxxx", []string{"ERROR the line has 65540 bytes"}},
		{"\xff\x1b\n", []string{"\xff\x1b"}},
	} {
		for what, in := range map[string]io.Reader{"at once": strings.NewReader(test.text), "in halves": iotest.HalfReader(strings.NewReader(test.text)), "with its end": iotest.DataErrReader(strings.NewReader(test.text))} {
			r := newReader(in)
			for n, want := range test.want {
				got := readLine(r)
				line := got.line
				if got.err != nil {
					line = "ERROR " + got.err.Error()
				}
				if line != want && !(strings.HasPrefix(want, "ERROR") && strings.HasPrefix(line, want)) {
					t.Errorf("line %d of %.30q... read %s = %.60q; want %.60q", n+1, test.text, what, line, want)
				}
			}
			if got := readLine(r); !errors.Is(got.err, io.EOF) {
				t.Errorf("after all lines of %.30q = %+v; want EOF", test.text, got)
			}
		}
	}
}

func FuzzReadLine(f *testing.F) {
	f.Add([]byte("a\nb\r\n\x00\n"), uint32(0), byte('x'))
	f.Add([]byte("\r\n \n"), uint32(maxLine), byte('y'))
	f.Add([]byte("end"), uint32(maxLine+3), byte('\r'))
	f.Fuzz(func(t *testing.T, text []byte, pad uint32, with byte) {
		all := strings.Repeat(string(with), int(pad%(3*maxLine))) + string(text)
		r := newReader(strings.NewReader(all))
		for line := range strings.Lines(all) {
			want, whole := strings.CutSuffix(line, "\n")
			if whole { // one CR before the end belongs to it
				want = strings.TrimSuffix(want, "\r")
			}
			got := readLine(r)
			switch {
			case errors.Is(got.err, io.EOF):
				t.Fatalf("EOF before %.40q", line)
			case len(want) > maxLine || strings.ContainsRune(want, 0):
				if got.err == nil || got.line != "" {
					t.Errorf("line of %d bytes = %.40q, %v; want it refused", len(want), got.line, got.err)
				}
			case strings.Trim(want, " \t") == "":
				if got.err != nil || got.line != "" {
					t.Errorf("blank line %q = %q, %v; want nothing", want, got.line, got.err)
				}
			case got.err != nil || got.line != want:
				t.Errorf("line %.40q = %.40q, %v; want it", want, got.line, got.err)
			}
		}
		if got := readLine(r); !errors.Is(got.err, io.EOF) {
			t.Errorf("after the last line = %+v; want EOF", got)
		}
	})
}

func ExampleShell_greeting() {
	fmt.Println(Greeting)
	// Output: Connection with the server established!
}
