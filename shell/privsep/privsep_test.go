package privsep

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/shell"
)

// TestSession takes every kind of frame over the border: a megabyte in and out, errors apart, who it is, the exit code.
func TestSession(t *testing.T) {
	s := newStation(t, func(_ context.Context, x *shell.Session) int {
		fmt.Fprintf(x.Err, "%s %s %q", x.Who.Name, x.Mode, x.Command)
		n, err := io.Copy(x.Out, x.In)
		if n != 1<<20 || err != nil {
			fmt.Fprintf(x.Err, "copied %d: %v", n, err)
		}
		return 7
	})
	input := make([]byte, 1<<20)
	rand.Read(input)
	for _, algorithm := range []string{gossh.KeyAlgoED25519, gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256} {
		session := s.session(s.dial(algorithm))
		var out, errs bytes.Buffer
		session.Stdin, session.Stdout, session.Stderr = bytes.NewReader(input), &out, &errs
		err := session.Run("copy \xff this")
		var exit *gossh.ExitError
		if !errors.As(err, &exit) || exit.ExitStatus() != 7 {
			t.Errorf("%s: ended with %v, want 7", algorithm, err)
		}
		if !bytes.Equal(out.Bytes(), input) || errs.String() != `person exec "copy \xff this"` {
			t.Errorf("%s: %d bytes came back, and %q", algorithm, out.Len(), errs.String())
		}
	}
	if want := slices.Repeat([]string{"person as an\x01yone"}, 3); !slices.Equal(s.logins, want) {
		t.Errorf("logins: %q, want %q", s.logins, want)
	}
}

// TestSignals takes a terminal's size, interrupts and the end of a client over the border.
func TestSignals(t *testing.T) {
	said := make(chan string, 10)
	s := newStation(t, func(ctx context.Context, x *shell.Session) int {
		said <- fmt.Sprint(x.Mode, x.Term, x.Size)
		said <- fmt.Sprint(<-x.Resize)
		<-x.Interrupt
		said <- "interrupted"
		_, err := x.In.Read(make([]byte, 10))
		said <- fmt.Sprint(err)
		<-ctx.Done()
		said <- "gone"
		return 0
	})
	c := s.dial()
	session := s.session(c)
	session.StdinPipe() // held open
	session.RequestPty("xterm", 30, 90, nil)
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	hear := func(want string) {
		t.Helper()
		select {
		case got := <-said:
			if got != want {
				t.Errorf("heard %q, want %q", got, want)
			}
		case <-time.After(wait):
			t.Fatalf("heard nothing, want %q", want)
		}
	}
	hear("terminalxterm{90 30}")
	session.WindowChange(40, 100)
	hear("{100 40}")
	session.Signal(gossh.SIGINT)
	hear("interrupted")
	c.Close()
	hear(io.ErrUnexpectedEOF.Error()) // lost, not ended: half a line must not be run
	hear("gone")
}

// TestKilled ends the child in many ways. Each costs its sessions and nothing else, and the next one is there.
func TestKilled(t *testing.T) {
	gone := make(chan struct{}, 1)
	s := newStation(t, func(ctx context.Context, x *shell.Session) int {
		if x.Command == "wait" {
			fmt.Fprintln(x.Out, "waiting")
			<-ctx.Done()
			gone <- struct{}{}
		}
		return 0
	})
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT} {
		session := s.session(s.dial())
		out, _ := session.StdoutPipe()
		if err := session.Start("wait"); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(out, make([]byte, len("waiting\n")))
		pid, held := s.Child()
		if held.Goroutines == 0 || held.Descriptors == 0 {
			t.Errorf("the child says it holds %+v", held)
		}
		syscall.Kill(pid, syscall.SIGTERM) // which a service manager may send to all, and is the monitor's to act on
		syscall.Kill(pid, sig)
		if err := session.Wait(); err == nil {
			t.Errorf("after %v the session ended well", sig)
		}
		select {
		case <-gone:
		case <-time.After(wait):
			t.Fatalf("after %v the handler still runs", sig)
		}
		for end := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
			if next, _ := s.Child(); next != 0 && next != pid || time.Now().After(end) {
				break
			}
		}
		if err := s.session(s.dial()).Run("nothing"); err != nil {
			t.Errorf("after %v: %v", sig, err)
		}
	}
	if !strings.Contains(s.log.String(), "is started again") {
		t.Errorf("the log does not say so: %s", s.log)
	}
}

// TestStillborn: a child that ends before it is ready is an error at once, not when the time for it is up.
func TestStillborn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Start(Config{Program: "/proc/self/exe", Args: []string{stillborn}, Listener: ln.(*net.TCPListener), Log: slog.New(slog.DiscardHandler)})
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("Start: %v, want that it ended with 3", err)
	}
}

// TestPanic: a panic in the handler costs the session, with the code for a defect, and not the monitor.
func TestPanic(t *testing.T) {
	s := newStation(t, func(_ context.Context, x *shell.Session) int {
		switch x.Command {
		case "panic":
			panic("on purpose")
		case "code":
			return 256
		}
		return 0
	})
	c := s.dial()
	for _, command := range []string{"panic", "code"} {
		var exit *gossh.ExitError
		if err := s.session(c).Run(command); !errors.As(err, &exit) || exit.ExitStatus() != exitDefect {
			t.Errorf("%s ended with %v, want %d", command, err, exitDefect)
		}
	}
	if err := s.session(c).Run("nothing"); err != nil {
		t.Error(err)
	}
}

// TestRevoked: a key whose line was taken out starts nothing more on a connection that is open.
func TestRevoked(t *testing.T) {
	s := newStation(t, func(context.Context, *shell.Session) int { return 0 })
	c := s.dial()
	if err := s.session(c).Run("nothing"); err != nil {
		t.Fatal(err)
	}
	s.forbid()
	session := s.session(c)
	var errs bytes.Buffer
	session.Stderr = &errs
	var exit *gossh.ExitError
	if err := session.Run("nothing"); !errors.As(err, &exit) || exit.ExitStatus() != exitNotAllowed || !strings.Contains(errs.String(), "may no longer") {
		t.Errorf("ended with %v, %q", err, errs.String())
	}
}

// TestSignsNothingElse: a child taken over gets no signature but of what an exchange hash looks like.
func TestSignsNothingElse(t *testing.T) {
	s := newStation(t, nil)
	hash := make([]byte, hashSize)
	for what, q := range map[string]toSign{
		"a certificate":          {0, gossh.KeyAlgoED25519, []byte("SSHSIG" + strings.Repeat("x", 100))},
		"too short":              {0, gossh.KeyAlgoED25519, hash[1:]},
		"no such key":            {2, gossh.KeyAlgoED25519, hash},
		"a key before the first": {-1, gossh.KeyAlgoED25519, hash},
		"SHA-1":                  {1, gossh.KeyAlgoRSA, hash},
		"another algorithm":      {0, gossh.KeyAlgoRSASHA256, hash},
	} {
		body, _ := json.Marshal(q)
		if got, err := s.sign(body); err == nil {
			t.Errorf("%s was signed: %v", what, got)
		}
	}
	body, _ := json.Marshal(toSign{0, gossh.KeyAlgoED25519, hash})
	if _, err := s.sign(body); err != nil {
		t.Errorf("an exchange hash was not signed: %v", err)
	}
}

// TestSlowReader: a client that does not read holds up its own session alone, and its end frees the handler.
func TestSlowReader(t *testing.T) {
	ended := make(chan error, 1)
	s := newStation(t, func(ctx context.Context, x *shell.Session) int {
		if x.Command != "flood" {
			return 0
		}
		for ctx.Err() == nil {
			if _, err := x.Out.Write(make([]byte, 64<<10)); err != nil {
				break
			}
		}
		ended <- ctx.Err()
		return 0
	})
	slow := s.dial()
	session := s.session(slow)
	pipe, _ := session.StdoutPipe()
	if err := session.Start("flood"); err != nil {
		t.Fatal(err)
	}
	io.ReadFull(pipe, make([]byte, 1<<20))
	for range 20 {
		if err := s.session(s.dial()).Run("nothing"); err != nil {
			t.Fatal(err)
		}
	}
	slow.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the handler ended before its client")
		}
	case <-time.After(wait):
		t.Error("the handler still writes to a client that is gone")
	}
}
