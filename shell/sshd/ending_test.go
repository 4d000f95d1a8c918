package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/shell"
)

// How sessions end.

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
	if !raw.IsClosed() {
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

// The exit status comes before the end of the output. A client that closes the channel at that end would take a failure for
// a success else.
func TestExitStatusBeforeTheEndOfOutput(t *testing.T) {
	s := serve(t, chatty)
	client := s.dial()
	for range 50 {
		ch, requests, err := client.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := ch.SendRequest("exec", true, gossh.Marshal(struct{ Command string }{"anything"})); !ok || err != nil {
			t.Fatalf("exec: %v, %v", ok, err)
		}
		if _, err := io.Copy(io.Discard, ch); err != nil {
			t.Fatal(err)
		}
		select { // the library hands them on in the order in which they came
		case r := <-requests:
			if r == nil || r.Type != "exit-status" {
				t.Fatalf("got %v, want an exit status", r)
			}
		default:
			t.Fatal("the output ended before the exit status came")
		}
		ch.Close()
	}
}
