package sshd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"wiped/auth"
	"wiped/shell"
)

// chatty answers a few commands, enough to see every stream of a session.
func chatty(ctx context.Context, s *shell.Session) int {
	verb, rest, _ := strings.Cut(s.Command, " ")
	switch {
	case s.Mode == shell.Lines:
		return chattyLines(s)
	case verb == "exit":
		var code int
		fmt.Sscan(rest, &code)
		return code
	case verb == "both":
		fmt.Fprint(s.Out, "out\nsecond\r\n")
		fmt.Fprint(s.Err, "err\n")
		return 3
	case verb == "cat":
		if _, err := io.Copy(s.Out, s.In); err != nil {
			return 9
		}
		return 0
	case verb == "wait":
		<-ctx.Done()
		return 7
	case verb == "panic":
		panic("at the\ndisco \x1b[2J")
	}
	fmt.Fprintf(s.Out, "%s %q %s %v", s.Mode, s.Command, s.Term, s.Size)
	return 0
}

func chattyLines(s *shell.Session) int {
	lines := bufio.NewScanner(s.In)
	for lines.Scan() {
		if lines.Text() == "fail" {
			fmt.Fprintln(s.Err, "failed")
			return 4
		}
		fmt.Fprintln(s.Out, "line", lines.Text())
	}
	return 0
}

func TestExitCodes(t *testing.T) {
	client := serve(t, chatty).dial()
	for given, want := range map[int]int{0: 0, 1: 1, 2: 2, 70: 70, 130: 130, 255: 255, 256: 70, -1: 70} {
		if got := run(t, client, fmt.Sprint("exit ", given)); got.exit != want {
			t.Errorf("handler returned %d: exit status %d; want %d", given, got.exit, want)
		}
	}
}

func TestStreamsAreSeparate(t *testing.T) {
	got := run(t, serve(t, chatty).dial(), "both")
	if want := (result{"out\nsecond\r\n", "err\n", 3}); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

func TestExecWithTerminalGetsStraightLines(t *testing.T) {
	client := serve(t, chatty).dial()
	session, _ := client.NewSession()
	var out, errs bytes.Buffer
	session.Stdout, session.Stderr = &out, &errs
	if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	got := result{exit: exitOf(session.Run("both"))}
	got.out, got.err = out.String(), errs.String()
	if want := (result{"out\r\nsecond\r\n", "err\r\n", 3}); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

func TestExecWithTerminalIsInterruptedByTheKey(t *testing.T) {
	client := serve(t, func(_ context.Context, s *shell.Session) int {
		fmt.Fprint(s.Out, "ready")
		<-s.Interrupt
		typed, _ := io.ReadAll(s.In)
		fmt.Fprintf(s.Out, " %q", typed)
		return 130
	}).dial()
	session, _ := client.NewSession()
	if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	in, _ := session.StdinPipe()
	out, _ := session.StdoutPipe()
	if err := session.Start("x"); err != nil {
		t.Fatal(err)
	}
	io.ReadFull(out, make([]byte, 5))
	io.WriteString(in, "ab\x03cd")
	in.Close()
	rest, _ := io.ReadAll(out)
	if exit := exitOf(session.Wait()); exit != 130 || string(rest) != ` "abcd"` {
		t.Errorf("exit %d, output %q", exit, rest)
	}
}

func TestModes(t *testing.T) {
	client := serve(t, func(ctx context.Context, s *shell.Session) int {
		fmt.Fprintf(s.Out, "%s %q %s %v", s.Mode, s.Command, s.Term, s.Size)
		return 0
	}).dial()
	pty := func(term string, columns, rows uint32) []byte { return ptyRequest(term, columns, rows) }
	for _, c := range []struct {
		pty       []byte
		start     string
		payload   []byte
		want      string
		noSuchPTY bool
	}{
		{nil, "exec", text("x y"), `exec "x y"  {0 0}`, false},
		{nil, "exec", text(""), `exec ""  {0 0}`, false},
		{nil, "shell", nil, `lines ""  {0 0}`, false},
		{pty("xterm", 80, 24), "shell", nil, `terminal "" xterm {80 24}`, false},
		{pty("xterm", 80, 24), "exec", text("x"), `exec "x" xterm {80 24}`, false},
		{pty("", 0, 0), "shell", nil, `terminal "" dumb {80 24}`, false},
		{pty("x\x1b[2J", 1, 1), "shell", nil, `terminal "" dumb {10 2}`, false},
		{pty(strings.Repeat("x", 64), 1<<32-1, 1<<32-1), "shell", nil, `terminal "" ` + strings.Repeat("x", 64) + ` {1000 1000}`, false},
		{pty(strings.Repeat("x", 65), 80, 24), "shell", nil, `terminal "" dumb {80 24}`, false},
		{pty("xterm", 80, 24)[:20], "shell", nil, `lines ""  {0 0}`, true},
	} {
		ch := openChannel(t, client)
		if c.pty != nil && request(t, ch, "pty-req", c.pty) == c.noSuchPTY {
			t.Errorf("pty-req %q: granted %v", c.pty, !c.noSuchPTY)
		}
		if !request(t, ch, c.start, c.payload) {
			t.Errorf("%s refused", c.start)
		}
		if out, err := io.ReadAll(ch); string(out) != c.want {
			t.Errorf("got %q, %v; want %q", out, err, c.want)
		}
	}
}

func TestTerminalIsRawAndResizes(t *testing.T) {
	client := serve(t, func(_ context.Context, s *shell.Session) int {
		for size := range s.Resize {
			fmt.Fprintf(s.Out, "%v\n", size)
			fmt.Fprint(s.Err, "err\n")
			if size.Rows == 2 {
				return 5
			}
		}
		return 0
	}).dial()
	session, _ := client.NewSession()
	if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	out, _ := session.StdoutPipe()
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for _, c := range []struct {
		rows, columns int
		want          string
	}{{50, 100, "{100 50}\n"}, {0, 0, "{80 24}\n"}, {1, 5, "{10 2}\n"}} {
		session.WindowChange(c.rows, c.columns)
		for _, want := range []string{c.want, "err\n"} {
			if got, err := lines.ReadString('\n'); got != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		}
	}
	if exit := exitOf(session.Wait()); exit != 5 {
		t.Errorf("exit %d", exit)
	}
}

func TestOneStartAChannel(t *testing.T) {
	client := serve(t, chatty).dial()
	ch := openChannel(t, client)
	if request(t, ch, "window-change", windowChange(80, 24)) {
		t.Error("window-change without a terminal was granted")
	}
	if request(t, ch, "signal", text("INT")) {
		t.Error("signal before the start was granted")
	}
	if !request(t, ch, "pty-req", ptyRequest("xterm", 80, 24)) || request(t, ch, "pty-req", ptyRequest("xterm", 80, 24)) {
		t.Error("want one pty-req granted, the second one refused")
	}
	if request(t, ch, "shell", []byte{0}) {
		t.Error("shell with a payload was granted")
	}
	if !request(t, ch, "exec", text("wait")) {
		t.Error("exec refused")
	}
	for name, payload := range map[string][]byte{"exec": text("x"), "shell": nil, "pty-req": ptyRequest("x", 1, 1), "signal": text("WINCH")} {
		if request(t, ch, name, payload) {
			t.Errorf("%s after the start was granted", name)
		}
	}
}

func TestNoPTY(t *testing.T) {
	s := serve(t, chatty)
	s.allow(goodKey, auth.Identity{Name: "robot", NoPTY: true})
	if request(t, openChannel(t, s.dial()), "pty-req", ptyRequest("xterm", 80, 24)) {
		t.Error("terminal granted to a key that may have none")
	}
}

func TestLines(t *testing.T) {
	client := serve(t, chatty).dial()
	for in, want := range map[string]result{
		"a\nb\n":     {"line a\nline b\n", "", 0},
		"a\nfail\nb": {"line a\n", "failed\n", 4},
		"":           {"", "", 0},
	} {
		session, _ := client.NewSession()
		var out, errs bytes.Buffer
		session.Stdin, session.Stdout, session.Stderr = strings.NewReader(in), &out, &errs
		if err := session.Shell(); err != nil {
			t.Fatal(err)
		}
		got := result{exit: exitOf(session.Wait())}
		got.out, got.err = out.String(), errs.String()
		if got != want {
			t.Errorf("%q: got %+v; want %+v", in, got, want)
		}
	}
}
