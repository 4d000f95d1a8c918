package privsep

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"wiped/auth"
	"wiped/shell"
)

// A child that was taken over, with its border socket and its listener in hand, against the monitor.

// ends is a monitor without a process behind it, and the child's end of the border.
func ends(t *testing.T) (m *Monitor, c *child, theirs *Child) {
	m = monitor(t)
	a, b := socketPair(t, unix.SOCK_SEQPACKET)
	c = &child{border: border{a}, gone: make(chan struct{})}
	c.serveForTest(m)
	theirs = &Child{border: border{b}, orders: make(chan message, 1), waiting: map[uint32]chan reply{}}
	go theirs.listen(make([]byte, maxMessage))
	t.Cleanup(func() {
		b.Close()
		<-c.gone
		a.Close()
	})
	return m, c, theirs
}

func threads(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nThreads:\t")
	n, err := strconv.Atoi(rest[:strings.Index(rest, "\n")])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestThreads: whatever a child does to its ends of sessions' sockets and of the border, no read or write of the monitor holds a thread for it.
// (Go ends a process that has 10,000 of them. A child that made the socket and handed one end over could make that end block.)
func TestThreads(t *testing.T) {
	const sessions = 200
	m, _, theirs := ends(t)
	raw, err := theirs.border.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	before := threads(t)
	var all []int
	for range sessions {
		got, err := theirs.exchange(saySession, nil)
		if err != nil || got.fd == none {
			t.Fatal(got.fd, err)
		}
		all = append(all, got.fd)
	}
	for _, fd := range all {
		unix.SetNonblock(fd, false)
		unix.Write(fd, []byte{byte(frameOpen)}) // the start of a frame: the monitor waits for the rest
	}
	raw.Control(func(fd uintptr) { unix.SetNonblock(int(fd), false) })
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		if now := threads(t); now > before+sessions/4 {
			t.Fatalf("%d threads before, %d with %d sessions that wait", before, now, sessions)
		}
	}
	raw.Control(func(fd uintptr) { unix.SetNonblock(int(fd), true) })
	for _, fd := range all {
		unix.Close(fd)
	}
	for end := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		m.mu.Lock()
		left := m.sessions
		m.mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d sessions are still counted", left)
		}
	}
}

// TestFull: there are only so many sessions, and whoever gets none is told why.
func TestFull(t *testing.T) {
	m, _, theirs := ends(t)
	m.mu.Lock()
	m.sessions = maxSessions
	m.mu.Unlock()
	if got, err := theirs.exchange(saySession, nil); err == nil || err.Error() != errFull.Error() || got.fd != none {
		t.Errorf("one session too many: %+v, %v", got, err)
	}
}

// TestListener: what a child does to the listener ends with that child, while it lives and when it has died.
func TestListener(t *testing.T) {
	s := newStation(t, func(context.Context, *shell.Session) int { return 0 })
	for _, kill := range []bool{true, false} {
		s.mayWatch(20*time.Millisecond, wait)
		if err := s.session(s.dial()).Run("nothing"); err != nil {
			t.Fatal(err)
		}
		pid, _ := s.Child()
		s.Monitor.mu.Lock()
		unix.Shutdown(int(s.Monitor.listener.Fd()), unix.SHUT_RD) // it is the child's too
		s.Monitor.mu.Unlock()
		if kill {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		s.awaitNext(pid)
		if err := s.session(s.dial()).Run("nothing"); err != nil {
			t.Errorf("after the listening was ended (child killed: %v): %v", kill, err)
		}
	}
}

// TestHung: a child that hangs, and so lets nobody in, is replaced.
func TestHung(t *testing.T) {
	s := newStation(t, func(context.Context, *shell.Session) int { return 0 })
	pid, _ := s.Child()
	s.mayWatch(20*time.Millisecond, 2*time.Second)
	syscall.Kill(pid, syscall.SIGKILL) // the next one is watched so closely
	pid = s.awaitNext(pid)
	syscall.Kill(pid, syscall.SIGSTOP)
	s.awaitNext(pid)
	if err := s.session(s.dial()).Run("nothing"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.log.String(), "no sign of life") {
		t.Errorf("the log does not say why: %s", s.log)
	}
}

// TestDeaf: a child that takes nothing off the border keeps the server neither from asking what it holds nor from its end.
func TestDeaf(t *testing.T) {
	s := newStation(t, func(context.Context, *shell.Session) int { return 0 })
	pid, _ := s.Child()
	syscall.Kill(pid, syscall.SIGSTOP)
	s.Monitor.mu.Lock()
	border := s.Monitor.child.border
	s.Monitor.mu.Unlock()
	border.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for border.send(message{Say: sayResources}, none) == nil {
	}
	border.SetWriteDeadline(time.Time{})
	s.mayWatch(100*time.Millisecond, wait)
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		s.Child()
		ended <- s.Shutdown(ctx)
	}()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the end was in order, with a child that stood still")
		}
	case <-time.After(wait):
		syscall.Kill(pid, syscall.SIGKILL)
		t.Error("the server does not end")
	}
}

// mayWatch sets how the children are watched that start from now on.
func (s *station) mayWatch(every, patience time.Duration) {
	s.Monitor.mu.Lock()
	defer s.Monitor.mu.Unlock()
	s.Monitor.watch = watching{every, patience}
}

// awaitNext waits for another child than pid.
func (s *station) awaitNext(pid int) int {
	s.t.Helper()
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		s.Monitor.mu.Lock()
		c := s.Monitor.child
		s.Monitor.mu.Unlock()
		if c != nil && c.cmd.Process.Pid != pid {
			return c.cmd.Process.Pid
		}
	}
	s.t.Fatalf("there is no child but %d: %s", pid, s.log)
	return 0
}

// TestBusyMonitor: a child whose sign of life lies unread, because the monitor has all hands full, owes none.
func TestBusyMonitor(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		working int64
		want    time.Duration
	}{{0, time.Minute}, {maxAsking - 1, time.Minute}, {maxAsking, 0}} {
		c := &child{asked: now.Add(-time.Minute)}
		c.working.Store(test.working)
		if got := c.owes(now); got != test.want {
			t.Errorf("with %d questions being worked on it owes a sign of life for %v, want %v", test.working, got, test.want)
		}
	}
}

// TestRest: children that end at once are started again at once, so many times; then they wait, less than a second.
func TestRest(t *testing.T) {
	m, now := monitor(t), time.Now()
	for i := range quickRestarts {
		if got := m.rest(now); got != shortestPause {
			t.Fatalf("after child %d the pause is %v, want %v", i+1, got, shortestPause)
		}
	}
	if got := m.rest(now); got != longestPause || got >= time.Second {
		t.Errorf("after %d children the pause is %v, want %v", quickRestarts+1, got, longestPause)
	}
	if got := m.rest(now.Add(restartTime)); got != shortestPause {
		t.Errorf("some time later the pause is %v, want %v", got, shortestPause)
	}
}

// open has the monitor work a session that a child opens with o, for a key with the identity who.
func open(t *testing.T, who auth.Identity, o opening) (seen *shell.Session, errs string) {
	m := monitor(t)
	m.sessions = 1
	m.LookUp = func(auth.Credential, net.Addr) (*gossh.Permissions, error) {
		return auth.WithIdentity(&gossh.Permissions{}, who), nil
	}
	m.Handler = func(_ context.Context, s *shell.Session) int { seen = s; return 0 }
	ours, theirs := sessionPair(t)
	defer theirs.Close()
	text, _ := json.Marshal(o)
	if err := (&frames{w: theirs}).write(frameOpen, text); err != nil {
		t.Fatal(err)
	}
	m.session(ours)
	said, _ := io.ReadAll(theirs)
	return seen, string(said)
}

// TestWords: no text that the child says of a session reaches the handler with more in it than sshd lets through.
func TestWords(t *testing.T) {
	o := opening{ID: "1.1", Mode: shell.Terminal, Term: "x\x1b[31m", Login: strings.Repeat("x", 1000)}
	for address, want := range map[string]string{
		"192.0.2.1:22":                       "192.0.2.1:22",
		"[fe80::1%eth0]:22":                  "[fe80::1%eth0]:22",
		"[fe80::1%\x1b[31m\u009bX]:22":       "[fe80::1]:22",
		"[fe80::1%a\u202eb]:22":              "[fe80::1]:22",
		"[fe80::1%" + sixteenLetters + "]:2": "[fe80::1]:2",
	} {
		o.Offer.From = address
		s, _ := open(t, auth.Identity{Role: auth.Viewer}, o)
		if s == nil {
			t.Fatalf("no session from %q", address)
		}
		if s.From != want || s.Term != "dumb" || len(s.Login) > maxLogin {
			t.Errorf("the handler is told of %q, terminal %q, a login name of %d bytes; want %q, dumb, %d", s.From, s.Term, len(s.Login), want, maxLogin)
		}
	}
	for _, id := range []string{"", "1", "1.1\n", "1.\x1b", strings.Repeat("1", 21) + ".1"} {
		o.ID = id
		if s, _ := open(t, auth.Identity{Role: auth.Viewer}, o); s != nil {
			t.Errorf("a session called %q was run", id)
		}
	}
}

const sixteenLetters = "abcdefghijklmnop"

// TestNoTerminal: a key that may have no terminal gets none, whatever the child says; it gets the other two modes.
func TestNoTerminal(t *testing.T) {
	o := opening{ID: "1.1", Offer: offer{From: "192.0.2.1:22"}}
	for _, mode := range []shell.Mode{shell.Exec, shell.Lines, shell.Terminal} {
		o.Mode = mode
		s, said := open(t, auth.Identity{Role: auth.Viewer, NoPTY: true}, o)
		if allowed := mode != shell.Terminal; allowed != (s != nil) || allowed == strings.Contains(said, "may have no terminal") {
			t.Errorf("mode %v with no-pty: run %v, said %q", mode, s != nil, said)
		}
	}
}

// TestLogged: a child causes only so many bytes of log, and what was left out is counted.
func TestLogged(t *testing.T) {
	var out bytes.Buffer
	m := monitor(t)
	m.Log = slog.New(slog.NewTextHandler(&out, nil))
	line, written := strings.Repeat("x", maxLogged-100), 2*logBurst/maxLogged
	for range written {
		m.logChild(slog.LevelInfo, line)
	}
	logged := strings.Count(out.String(), line)
	if logged == written || out.Len() > logBurst+logBurst/2 {
		t.Errorf("of %d lines %d were logged, %d bytes", written, logged, out.Len())
	}
	m.said = monitor(t).said
	m.logChild(slog.LevelInfo, "the next")
	if want := "lines_left_out_before=" + strconv.Itoa(written-logged); !strings.Contains(out.String(), want) {
		t.Errorf("%d of %d lines were logged, and the next line does not say %s", logged, written, want)
	}
}

// TestLogins: a login beyond those that may be written down at once is written down, later.
func TestLogins(t *testing.T) {
	var out bytes.Buffer
	m, written := monitor(t), 0
	m.Log = slog.New(slog.NewTextHandler(&out, nil))
	m.LookUp = func(auth.Credential, net.Addr) (*gossh.Permissions, error) {
		return auth.WithIdentity(&gossh.Permissions{}, auth.Identity{Role: auth.Viewer}), nil
	}
	m.LoggedIn = func(auth.Identity, string, string) { written++ }
	body, _ := json.Marshal(offer{From: "192.0.2.1:22"})
	m.logins.AllowN(time.Now().Add(time.Hour), loginBurst)
	if _, err := m.login(body); err != nil || written != 1 || !strings.Contains(out.String(), "too many logins") {
		t.Errorf("one login too many: %v, written down %d times, and logged: %s", err, written, &out)
	}
}
