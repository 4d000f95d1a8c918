package sshd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

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

// A client that has no more input, like ssh -n, is still there; one that is gone has not said all.
func TestEndOfInputIsNotTheEnd(t *testing.T) {
	ended := make(chan error, 1)
	client := serve(t, func(ctx context.Context, s *shell.Session) int {
		_, err := io.ReadAll(s.In)
		if err != nil {
			ended <- err
			return 1
		}
		_, err = s.In.Read(make([]byte, 1))
		if err != io.EOF || ctx.Err() != nil {
			return 2
		}
		time.Sleep(50 * time.Millisecond)
		if ctx.Err() != nil {
			return 3
		}
		return 0
	}).dial()
	ch, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	request(t, ch, "exec", text("x"))
	io.WriteString(ch, "all")
	ch.CloseWrite()
	if exit := exitStatus(t, requests); exit != 0 {
		t.Errorf("exit %d", exit)
	}
	for name, leave := range map[string]func(gossh.Channel){
		"channel closed":  func(ch gossh.Channel) { ch.Close() },
		"connection lost": func(gossh.Channel) { client.Close() },
	} {
		ch := openChannel(t, client)
		request(t, ch, "exec", text("x"))
		io.WriteString(ch, "erase sda --conf")
		leave(ch)
		if err := within(t, name, ended); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: input ended with %v", name, err)
		}
		if name == "connection lost" {
			break
		}
	}
}

// exitStatus waits for the exit status, and that the channel is closed only after it.
func exitStatus(t *testing.T, requests <-chan *gossh.Request) int {
	t.Helper()
	exit := -1
	for {
		select {
		case req, ok := <-requests:
			if !ok {
				return exit
			}
			if req.Type == "exit-status" {
				exit = int(req.Payload[3])
			}
			req.Reply(false, nil)
		case <-time.After(patience):
			t.Fatal("channel was not closed")
		}
	}
}

func TestSignals(t *testing.T) {
	started := make(chan struct{})
	client := serve(t, func(ctx context.Context, s *shell.Session) int {
		started <- struct{}{}
		select {
		case <-s.Interrupt:
			return 130
		case <-ctx.Done():
			return 7
		}
	}).dial()
	for signal, want := range map[gossh.Signal]int{"INT": 130, "TERM": 7, "HUP": 7, "KILL": 7} {
		ch, requests, err := client.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		request(t, ch, "exec", text("x"))
		within(t, "start", started)
		if request(t, ch, "signal", text("USR1")) {
			t.Error("USR1 granted")
		}
		ch.SendRequest("signal", false, text(string(signal))) // an answer could come after the end of the session
		if exit := exitStatus(t, requests); exit != want {
			t.Errorf("%s: exit %d; want %d", signal, exit, want)
		}
	}
}

func TestPanicEndsOnlyItsSession(t *testing.T) {
	s := serve(t, chatty)
	client := s.dial()
	other := openChannel(t, client)
	request(t, other, "exec", text("cat"))
	if got := run(t, client, "panic"); got.exit != 70 {
		t.Errorf("exit %d; want 70", got.exit)
	}
	io.WriteString(other, "alive")
	other.CloseWrite()
	if out, _ := io.ReadAll(other); string(out) != "alive" {
		t.Errorf("other session: %q", out)
	}
	s.log.wants(t, "session_test.go")
	if strings.Contains(s.log.String(), "\x1b") {
		t.Error("control characters in the log")
	}
}

func TestSessionsOfAConnectionAreApart(t *testing.T) {
	client := serve(t, chatty).dial()
	var all []gossh.Channel
	for range defaultLimits.Sessions {
		ch := openChannel(t, client)
		request(t, ch, "exec", text("cat"))
		all = append(all, ch)
	}
	_, _, err := client.OpenChannel("session", nil)
	var refused *gossh.OpenChannelError
	if !errors.As(err, &refused) || refused.Reason != gossh.ResourceShortage {
		t.Errorf("one too many: %v", err)
	}
	for i, ch := range all {
		fmt.Fprint(ch, i)
		if i%2 == 0 {
			ch.Close()
			continue
		}
		ch.CloseWrite()
		if out, _ := io.ReadAll(ch); string(out) != fmt.Sprint(i) {
			t.Errorf("session %d: %q", i, out)
		}
	}
}

func TestLargeOutputIsComplete(t *testing.T) {
	block := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	client := serve(t, func(_ context.Context, s *shell.Session) int {
		for range 16 {
			s.Out.Write(block)
		}
		return 3
	}).dial()
	got := run(t, client, "x")
	if got.exit != 3 || got.out != strings.Repeat(string(block), 16) {
		t.Errorf("exit %d, %d bytes", got.exit, len(got.out))
	}
}

// A packet of more than 256 kB is the end of the connection in the library. It is a clean end: nothing runs or stays.
func TestCommandTooLongForAPacket(t *testing.T) {
	s := serve(t, func(_ context.Context, s *shell.Session) int { return len(s.Command) % 256 })
	idle := used()
	client, err := s.tryDial("alice", goodKey)
	if err != nil {
		t.Fatal(err)
	}
	raw := dialRaw(t, s.addr)
	raw.login("alice", goodKey)
	raw.exec(0, strings.Repeat("x", 300<<10))
	raw.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, raw.r); isTimeout(err) {
		t.Error("still connected")
	}
	raw.Close()
	s.log.wants(t, "max packet length exceeded")
	if got := run(t, client, "123"); got.exit != 3 {
		t.Errorf("others: exit %d", got.exit)
	}
	client.Close()
	s.backTo(t, idle)
}

// A handler that leaves a write behind, to a client that reads nothing and acknowledges nothing, leaks nothing.
func TestWriteLeftBehind(t *testing.T) {
	freed := make(chan error, 1)
	s := serve(t, func(_ context.Context, s *shell.Session) int {
		stuck := make(chan struct{})
		go func() {
			_, err := s.Out.Write(make([]byte, 1<<20))
			for err == nil {
				close(stuck)
				_, err = s.Out.Write(make([]byte, 8<<20))
			}
			freed <- err
		}()
		<-stuck
		time.Sleep(50 * time.Millisecond)
		return 3
	})
	idle := used()
	raw := dialRaw(t, s.addr)
	raw.login("alice", goodKey)
	raw.exec(0, "x")
	if err := within(t, "end of the write", freed); err == nil {
		t.Error("no error")
	}
	raw.Close()
	s.backTo(t, idle)
}
