package shell

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"wiped/auth"
)

func TestExactWords(t *testing.T) {
	st := newStation(t)
	for command, want := range map[string]string{
		"hello": "Hello! How are you?\n", "goodbye": "Noooo don't go awayyyyy...\n", "exit": "Noooo don't go awayyyyy...\n", "quit": "Noooo don't go awayyyyy...\n",
		"write: x": "Message saved!\n", "'hello'": "Hello! How are you?\n", " hello\t": "Hello! How are you?\n",
	} {
		if out, errOut, code := st.exec(auth.Operator, command); out != want || errOut != "" || code != 0 {
			t.Errorf("%q = %q, %q, %d; want %q, nothing, 0", command, out, errOut, code, want)
		}
	}
	out, _, code := st.lines(auth.Viewer, "hello\ngoodbye\nhello\n")
	if want := Greeting + "\nHello! How are you?\nNoooo don't go awayyyyy...\n"; out != want || code != 0 {
		t.Errorf("lines = %q, %d; want %q, 0", out, code, want)
	}
}

func TestExitCodes(t *testing.T) {
	st := newStation(t, 1<<20)
	for _, test := range []struct {
		role    auth.Role
		command string
		want    int
	}{
		{auth.Viewer, "", 2}, {auth.Viewer, " \t", 2}, {auth.Viewer, "# x", 2}, {auth.Viewer, "nonsense", 2}, {auth.Viewer, "hello there", 2}, {auth.Viewer, "hello; hello", 2},
		{auth.Viewer, "hello 'x", 2}, {auth.Viewer, "hello\nhello", 2}, {auth.Viewer, "hello\x00", 2}, {auth.Viewer, strings.Repeat("x", maxLine+1), 2},
		{auth.Viewer, "drives --nonsense", 2}, {auth.Viewer, "drive", 2}, {auth.Viewer, "drive none", 4}, {auth.Viewer, "job 1", 4}, {auth.Viewer, "job x", 2},
		{auth.Viewer, "job 0", 2}, {auth.Viewer, "job -1", 2}, {auth.Viewer, "job 99999999999999999999", 2}, {auth.Viewer, "watch", 4}, {auth.Viewer, "watch 5", 4},
		{auth.Viewer, "certificate 3", 4}, {auth.Viewer, "certificate 3 --format pdf", 2}, {auth.Viewer, "help nonsense", 2}, {auth.Viewer, "on-error maybe", 2},
		{auth.Viewer, "write: x", 5}, {auth.Viewer, "erase a.img", 5}, {auth.Viewer, "cancel 1", 5}, {auth.Viewer, "resume 1", 5}, {auth.Viewer, "audit", 5}, {auth.Operator, "audit verify", 5},
		{auth.Viewer, "erase", 5}, {auth.Viewer, "erase a.img --nonsense", 5}, {auth.Viewer, "cancel", 5}, {auth.Viewer, "write:", 5},
		{auth.Nobody, "hello", 5}, {auth.Operator, "erase", 2}, {auth.Operator, "erase a.img", 3}, {auth.Operator, "erase none", 4},
		{auth.Operator, "erase a.img --confirm wrong", 3}, {auth.Operator, "erase a.img --method none", 2}, {auth.Operator, "erase a.img --level deep", 2},
		{auth.Operator, "erase a.img --level purge", 3}, {auth.Operator, "erase a.img --dry-run", 0}, {auth.Operator, "resume --all", 4}, {auth.Operator, "resume", 2},
		{auth.Operator, "resume --all 1", 2}, {auth.Operator, "erase a.img --note '" + strings.Repeat("x", maxNote+1) + "'", 2},
		{auth.Admin, "audit verify", 0}, {auth.Admin, "audit", 0}, {auth.Admin, "audit nonsense", 2}, {auth.Viewer, "help", 0}, {auth.Viewer, "help erase", 0}, {auth.Viewer, "drives --help", 0}, {auth.Viewer, "whoami", 0},
	} {
		out, errOut, code := st.exec(test.role, test.command)
		if code != test.want {
			t.Errorf("%s: %.60q = %q, %q, exit code %d; want %d", test.role, test.command, out, errOut, code, test.want)
		}
		if code != 0 && (out != "" || errOut == "") {
			t.Errorf("%s: %.60q = %q, %q; want diagnostics on stderr and nothing else", test.role, test.command, out, errOut)
		}
	}
}

// What is refused for its role is audited, whatever else is wrong with the line.
func TestRefusedForRoleIsAudited(t *testing.T) {
	st := newStation(t)
	for _, line := range []string{"write: x", "erase", "cancel 1", "audit"} {
		before := len(st.audited())
		st.exec(auth.Viewer, line)
		entries := st.audited()
		if len(entries) != before+1 || entries[before].Action != "refused" || entries[before].Exit == nil || *entries[before].Exit != 5 || entries[before].Command != line {
			t.Errorf("audit after a viewer said %q = %+v; want one more entry, refused, exit 5", line, entries[before:])
		}
	}
}

func TestLinesStopAtTheFirstFailure(t *testing.T) {
	st := newStation(t)
	for _, test := range []struct {
		in, out, err string // after the greeting; err: what stderr begins with
		code         int
	}{
		{"", "", "", 0},
		{"\n\r\n \t\n# comment\n#\nhello\n", "Hello! How are you?\n", "", 0},
		{"hello\nnonsense\nhello\n", "Hello! How are you?\n", "nonsense: there is no such command", 2},
		{"job 9\nhello\n", "", "job 9:", 4},
		{"on-error continue\nnonsense\njob 9\nhello\n", "Hello! How are you?\n", "error 2: nonsense: there is no such command", 0},
		{"on-error continue\nnonsense\non-error stop\nnonsense\nhello\n", "", "error 2: ", 2},
		{"hello\x00\nhello\n", "", "the line holds a NUL byte", 2},
		{strings.Repeat("x", maxLine+1) + "\nhello\n", "", "the line has 65537 bytes", 2},
		{"on-error continue\n" + strings.Repeat("x", 3*maxLine) + "\nhello\n", "Hello! How are you?\n", "error 2: the line has 196608 bytes", 0},
		{"hello", "Hello! How are you?\n", "", 0},
		{"hello\r\nhello\r\n", "Hello! How are you?\nHello! How are you?\n", "", 0},
	} {
		out, errOut, code := st.lines(auth.Operator, test.in)
		if out != Greeting+"\n"+test.out || !strings.HasPrefix(errOut, test.err) || (test.err == "") != (errOut == "") || code != test.code {
			t.Errorf("lines %.40q = %q, %.80q, %d; want %q, %q, %d", test.in, out, errOut, code, test.out, test.err, test.code)
		}
		for line := range strings.Lines(errOut) {
			if strings.HasPrefix(test.in, "on-error continue\n") && !strings.HasPrefix(test.in, "on-error continue\nnonsense\non-error stop") && !strings.HasPrefix(line, "error ") {
				t.Errorf("stderr line %q after on-error continue; want error CODE: ...", line)
			}
		}
	}
}

// TEXT is kept byte for byte, wherever write: stands on the line and whatever the text looks like.
func TestWriteByteForByte(t *testing.T) {
	for line, want := range map[string]string{
		"write: bay 4 is jammed": "bay 4 is jammed", "write:no blank": "no blank", "write:  two blanks": " two blanks", "write: 'quoted' \"too\"": `'quoted' "too"`,
		"write: a; b | c $d `e` ~f * ?": "a; b | c $d `e` ~f * ?", "write: unbalanced '": "unbalanced '", "write: --help": "--help", "write:\ttab": "\ttab", "write: end ": "end ",
		"write: \x1b[31m\xff": "\x1b[31m\xff", "write:": "", "write: ": "", "write: # x": "# x", "write: write: x": "write: x", `write: C:\new\\`: `C:\new\\`,
		" write: after a blank":        "after a blank",
		"\t write: after blanks  'x  ": "after blanks  'x  ",
	} {
		st := newStation(t)
		out, errOut, code := st.lines(auth.Operator, line+"\n")
		if got := st.saved(); len(got) != 1 || got[0] != want || code != 0 {
			t.Errorf("%q saved %q, says %q, %q, exit code %d; want %q, 0", line, got, out, errOut, code, want)
		}
	}
	// The word in quotes is not `write:` and its text: all of it or nothing, and no defect.
	for _, line := range []string{`"write:" hello world`, `'write:'`, `write':' a  b`, ` "write:"`} {
		st := newStation(t)
		_, errOut, code := st.lines(auth.Operator, line+"\n")
		if got := st.saved(); code != exitUsage || len(got) != 0 {
			t.Errorf("%q saved %q, says %q, exit code %d; want nothing saved, 2", line, got, errOut, code)
		}
	}
}

// A name with a backslash, as Windows domains have, is shown as it is known: it is escaped once, where it came in.
func TestEscapedOnce(t *testing.T) {
	st := newStation(t)
	var out output
	who := auth.Identity{Name: `CORP\\alice`, Fingerprint: "SHA256:x", Role: auth.Admin} // as auth escapes CORP\alice
	for _, line := range []string{`write: C:\new`, "messages", "audit"} {
		if code := st.Serve(context.Background(), &Session{Who: who, Mode: Exec, Command: line, In: strings.NewReader(""), Out: &out, Err: &out}); code != 0 {
			t.Fatalf("%s = %s, exit code %d; want 0", line, out.String(), code)
		}
	}
	if strings.Contains(out.String(), `\\\\`) {
		t.Errorf("messages and audit say %s; want no backslash escaped twice", out.String())
	}
}

// broken replaces what a command runs by a panic until the test ends.
func broken(t *testing.T, cmd *command) {
	prepare := cmd.prepare
	cmd.prepare = func(*pflag.FlagSet) func(*call) error {
		return func(*call) error { var none []string; _ = none[len(none)]; return nil }
	}
	t.Cleanup(func() { cmd.prepare = prepare })
}

// A defect in a command costs its line and no more: the session goes on, and the audit knows how it ended.
func TestPanicInACommand(t *testing.T) {
	broken(t, &whoami)
	broken(t, &cancel)
	st := newStation(t)
	out, errOut, code := st.exec(auth.Viewer, "whoami")
	if out != "" || code != exitDefect || !strings.Contains(errOut, "a defect in wiped") {
		t.Errorf("a command that panics = %q, %q, exit code %d; want 70", out, errOut, code)
	}
	if !strings.Contains(st.log.String(), "index out of range") || !strings.Contains(st.log.String(), "shell_test.go") {
		t.Errorf("log after a panic = %q; want the panic and where it was", st.log.String())
	}
	out, errOut, code = st.lines(auth.Viewer, "on-error continue\nwhoami\nhello\n")
	if out != Greeting+"\nHello! How are you?\n" || !strings.HasPrefix(errOut, "error 70: ") || code != 0 {
		t.Errorf("lines with a command that panics = %q, %q, %d; want the session to go on", out, errOut, code)
	}
	if _, _, code := st.lines(auth.Viewer, "whoami\nhello\n"); code != exitDefect {
		t.Errorf("lines that stop at a command that panics = %d; want 70", code)
	}
	if _, _, code := st.exec(auth.Operator, "cancel 1"); code != exitDefect {
		t.Errorf("a command that changes something and panics = %d; want 70", code)
	}
	entries := st.audited()
	last := entries[len(entries)-1]
	if last.Action != "result" || last.Exit == nil || *last.Exit != exitDefect || last.Of == 0 {
		t.Errorf("last audit entry after a command panicked = %+v; want its result, exit 70", last)
	}
}

func TestTerminal(t *testing.T) {
	st := newStation(t)
	out, code := st.keys("hello\r", "nonsense\r", "\x04")
	if !strings.HasPrefix(out, Greeting+"\r\n") || !strings.Contains(out, "Hello! How are you?\r\n") || code != exitUsage {
		t.Errorf("terminal = %q, %d; want the greeting, the reply, and the last command's exit code 2", out, code)
	}
	if out, code := st.keys("nonsense\r", "goodbye\r"); !strings.Contains(out, "awayyyyy...") || code != 0 {
		t.Errorf("terminal with goodbye = %q, %d; want 0", out, code)
	}
}

// Whatever stands in the line, Tab ends neither the session nor the server.
func TestTabNeverHurts(t *testing.T) {
	st := newStation(t, 1<<20)
	s := &session{Session: &Session{Who: auth.Identity{Role: auth.Admin}}, sh: st.Shell, ctx: context.Background()}
	for _, line := range []string{"", " ", "h", "hello", "hello ", "erase ", "erase --", "erase --method ", "erase --confirm ", "job ", "audit ", "on-error ", "help ", "drive a", "nonsense ",
		"\u00a0", "\u3000", "\u2003", "\u00a0\u00a0", "\u00a0 ", "\u3000x", "drive \u00a0", "drive\u00a0", "'", "\"a b", "a\u00a0b ", "\t", " \u2028", "x\u0085"} {
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("complete(%q): panic: %v; want words", line, r)
				}
			}()
			s.complete(line)
		}()
	}
	for _, typed := range []string{"\u00a0\t", "\u3000\t", "dr\t \u2003\t"} {
		out, code := st.keys(typed, "\x15", "hello\r", "goodbye\r")
		if !strings.Contains(out, "Hello! How are you?") || code != 0 {
			t.Errorf("after %q the terminal says %q, %d; want it to go on", typed, out, code)
		}
	}
}

func FuzzComplete(f *testing.F) {
	for _, line := range []string{"", "er", "erase ", "erase --method ", "\u00a0", "help dr", "job \u3000"} {
		f.Add(line)
	}
	st := newStation(f)
	s := &session{Session: &Session{Who: auth.Identity{Role: auth.Admin}}, sh: st.Shell, ctx: context.Background()}
	f.Fuzz(func(t *testing.T, line string) {
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("complete(%q): panic: %v; want words", line, r)
			}
		}()
		s.complete(line)
	})
}

// The reading of any command's words ends in a command or in a usage error.
func FuzzParse(f *testing.F) {
	for _, line := range []string{"erase a --confirm b --wait", "watch 1 --since -1", "help --", "jobs -x", "drive --json=maybe", "erase --help", "watch --since 99999999999999999999", "write: x"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil || len(words) == 0 {
			return
		}
		for _, cmd := range commands() {
			if _, _, err := cmd.parse(words[1:]); err != nil && err != errHelp {
				if code, say := explain(err); code != exitUsage || say == "" {
					t.Errorf("%s %q: exit code %d, %q; want 2 and a sentence", cmd.name, words, code, say)
				}
			}
		}
	})
}

func TestEraseToItsCertificate(t *testing.T) {
	st := newStation(t, 3<<20)
	out, errOut, code := st.exec(auth.Operator, "erase a.img")
	at := strings.LastIndex(errOut, "Type this if you are certain: ")
	if code != exitRefused || out != "" || at < 0 {
		t.Fatalf("erase without confirmation = %q, %q, %d; want 3 and the command to type", out, errOut, code)
	}
	command := strings.TrimSpace(errOut[at+len("Type this if you are certain: "):]) + " --method zero --wait"
	if out, errOut, code = st.exec(auth.Operator, command); code != 0 || !strings.Contains(out, "[job 1] a.img erased: clear, zero, verified full, 0 errors, ") {
		t.Errorf("%s = %q, %q, %d; want it erased, 0", command, out, errOut, code)
	}
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "[job 1] ") && !strings.HasPrefix(line, "job 1 started: ") {
			t.Errorf("erase --wait printed %q; want status lines", line)
		}
	}
	if out, _, code := st.exec(auth.Viewer, "certificate 1"); code != 0 || !strings.HasPrefix(out, "ERASED (clear)\n") {
		t.Errorf("certificate 1 = %q, %d; want ERASED, 0", out, code)
	}
	if out, _, code := st.exec(auth.Viewer, "watch 1"); code != 0 || !strings.Contains(out, "erased: clear") {
		t.Errorf("watch 1 after its end = %q, %d; want its last line, 0", out, code)
	}
}
