package editor

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// bench is one editor between a person's keyboard and screen. All of it runs in a synctest bubble: synctest.Wait comes
// back only when every goroutine is blocked, which makes the tests exact, and makes one that spins or leaks fail.
type bench struct {
	t     *testing.T
	e     *Editor
	vt    *vt
	keys  *io.PipeWriter
	lines chan result
}

type result struct {
	line string
	err  error
}

func edit(t *testing.T, cfg Config, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.Columns == 0 {
			cfg.Columns, cfg.Rows = 80, 24
		}
		b := &bench{t: t, vt: newVT(t, cfg.Columns), lines: make(chan result, 1000)}
		if cfg.Out == nil {
			cfg.Out = b.vt
		}
		cfg.In, b.keys = io.Pipe()
		b.e = New(cfg)
		f(b)
		b.keys.Close()
		b.e.Close()
	})
}

// read reads one line in the background.
func (b *bench) read() {
	go func() {
		line, err := b.e.ReadLine("> ")
		b.lines <- result{line, err}
	}()
	synctest.Wait()
}

func (b *bench) confirm() {
	go func() {
		line, err := b.e.Confirm("sure? ")
		b.lines <- result{line, err}
	}()
	synctest.Wait()
}

// loop reads lines as a shell would, until io.EOF.
func (b *bench) loop() {
	go func() {
		for {
			line, err := b.e.ReadLine("> ")
			b.lines <- result{line, err}
			if err == io.EOF {
				return
			}
		}
	}()
	synctest.Wait()
}

func (b *bench) typed(s string) {
	b.t.Helper()
	io.WriteString(b.keys, s)
	synctest.Wait()
}

func (b *bench) wantScreen(want string) {
	b.t.Helper()
	synctest.Wait()
	if got := b.vt.String(); got != want {
		b.t.Errorf("screen:\n%s\n--- want:\n%s", got, want)
	}
}

func (b *bench) wantLine(line string, err error) {
	b.t.Helper()
	synctest.Wait()
	select {
	case got := <-b.lines:
		if got.line != line || !errors.Is(got.err, err) || (err == nil) != (got.err == nil) {
			b.t.Errorf("ReadLine = %.80q, %v; want %.80q, %v", got.line, got.err, line, err)
		}
	default:
		b.t.Errorf("ReadLine has not returned; want %.80q, %v; screen:\n%s", line, err, b.vt)
	}
}

func (b *bench) wantNothing() {
	b.t.Helper()
	synctest.Wait()
	select {
	case got := <-b.lines:
		b.t.Errorf("ReadLine returned %.80q, %v too early", got.line, got.err)
	default:
	}
}

func TestEditing(t *testing.T) {
	tests := map[string]struct{ typed, line string }{
		"plain":              {"drives\r", "drives"},
		"LF":                 {"drives\n", "drives"},
		"umlauts":            {"write: größe\r", "write: größe"},
		"backspace":          {"drivex\x7fes\r", "drivees"},
		"arrows":             {"ac\x1b[Db\r", "abc"},
		"application arrows": {"ac\x1bODb\r", "abc"},
		"home, end":          {"b\x1b[Ha\x1b[4~c\r", "abc"},
		"delete":             {"abc\x01\x1b[3~\r", "bc"},
		"^D deletes":         {"abc\x01\x04\r", "bc"},
		"^D at the end":      {"abc\x04\r", "abc"},
		"words":              {"a c\x1b[1;5Db \r", "a b c"},
		"delete word":        {"a b\x17\r", "a "},
		"alt-backspace":      {"a b\x1b\x7f\r", "a "},
		"^U, ^K":             {"abc\x1b[D\x15\x0bd\r", "d"},
		"transpose":          {"ab\x14\r", "ba"},
		"lone ESC":           {"\x1bhelp\r", "help"},
		"ESC, Enter":         {"help\x1b\r", "help"},
		"NUL":                {"he\x00lp\r", "help"},
		"unknown keys":       {"he\x1b[15~\x1b[Z\x1b[[A\x1bOPlp\r", "help"},
		"C1":                 {"he\u009b31mlp\x9b\r", "he31mlp"},
		"not UTF-8":          {"he\xff\xc3lp\xe2\x82\r", "help"},
		"answer to a query":  {"he\x1b]11;rgb:0/0/0\x1b\\lp\x1b[?62c\x1b[12;40R\r", "he\\lp"},
		"long sequence":      {"he\x1b[" + strings.Repeat("1", 300) + "mlp\r", "help"},
		"combining, wide":    {"日本e\u0301\x7f\x7fx\r", "日本x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			edit(t, Config{}, func(b *bench) {
				b.read()
				for _, c := range []byte(test.typed) { // as a slow line would cut it
					b.typed(string([]byte{c}))
				}
				b.wantLine(test.line, nil)
				b.read()
				b.typed(test.typed)
				b.wantLine(test.line, nil)
			})
		})
	}
}

func TestInterrupt(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.read()
		b.typed("half typed\x1b[D\x1b[D")
		b.typed("\x03")
		b.wantLine("", ErrInterrupted)
		b.wantScreen("> half typed^C\n|")
		b.read()
		b.typed("drives\r")
		b.wantLine("drives", nil)
		b.wantScreen("> half typed^C\n> drives\n|")
		b.read()
		b.typed("\x1b[A\x1b[A") // what was given up is not in the history
		b.wantScreen("> half typed^C\n> drives\n> drives|")
	})
}

func TestInterruptOfACommand(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.typed("erase sdb\r\x03hello\r")
		select {
		case <-b.e.Interrupts():
		default:
			t.Error("no interrupt")
		}
		b.read()
		b.wantLine("hello", nil) // what came before the ^C is gone
		b.typed("\x03\x03")
		b.read() // nobody took the interrupt
		b.typed("drives\r")
		b.wantLine("drives", nil)
		select {
		case <-b.e.Interrupts():
			t.Error("an old ^C stops a new command")
		default:
		}
	})
}

func TestEndOfInput(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.read()
		b.typed("\x04")
		b.wantLine("", io.EOF)
		b.wantScreen(">\n|")
		b.read() // x/term alone would return io.EOF for ever
		b.typed("hello\r\x04")
		b.wantLine("hello", nil)
		b.read()
		b.wantLine("", io.EOF)
		b.typed("drives\r")
		b.typed("erase sd")
		b.keys.Close()
		b.read()
		b.wantLine("drives", nil)
		b.read()
		b.wantLine("", io.EOF) // and not "erase sd"
		b.wantScreen(">\n> hello\n>\n> drives\n> erase sd\n|")
		b.read()
		b.wantLine("", io.EOF)
	})
}

func TestHistory(t *testing.T) {
	edit(t, Config{History: 3}, func(b *bench) {
		b.loop()
		for _, line := range []string{"one", "two", "two", " secret", "", "three", "four"} {
			b.typed(line + "\r")
			b.wantLine(line, nil)
		}
		up, down := "\x1b[A", "\x1b[B"
		for _, test := range [][2]string{
			{up + "\r", "four"}, {up + up + up + up + "\r", "two"}, {up + up + up + down + "\r", "four"},
			{"new" + up + down + "\r", "new"}, {up + "er\r", "newer"},
		} {
			b.typed(test[0])
			b.wantLine(test[1], nil)
		}
	})
}

func TestTypeAhead(t *testing.T) {
	edit(t, Config{}, func(b *bench) {
		b.typed("hello\rdri")
		b.wantScreen("|")
		b.read()
		b.wantLine("hello", nil)
		b.read()
		b.typed("ves\r")
		b.wantLine("drives", nil)
		b.wantScreen("> hello\n> drives\n|")
	})
}

func TestPaste(t *testing.T) {
	edit(t, Config{Complete: func(string) []string { return []string{"drives", "drive"} }}, func(b *bench) {
		b.read()
		if got := fmt.Sprint(b.vt.modes); got != "[?2004h]" {
			t.Errorf("modes %s", got)
		}
		b.typed("x\x1b[200~dri\tves\x01\x1b[A\r\nhello\nhalf\x1b[20")
		b.wantLine("xdri ves", nil)
		b.read()
		b.wantLine("hello", nil)
		b.read()
		b.typed("1~\x01two \r")
		b.wantLine("two half", nil)
		b.wantScreen("> xdri ves\n> hello\n> two half\n|")
		b.read()
		b.typed("\x1b[200~never ended\x03")
		b.wantLine("", ErrInterrupted)
		b.read()
		b.typed("b\x01a\r") // the editing keys live
		b.wantLine("ab", nil)
		b.e.Close()
		if got := fmt.Sprint(b.vt.modes); got != "[?2004h ?2004l]" {
			t.Errorf("modes %s", got)
		}
	})
}
