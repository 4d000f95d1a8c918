package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
	"wiped/shell/sshd/rawtest"
)

func TestNothingIsLeftBehind(t *testing.T) {
	s := serve(t, chatty)
	idle := used()
	for i := range 200 {
		switch i % 4 {
		case 0, 1:
			client, err := s.tryDial("alice", goodKey)
			if err != nil {
				t.Fatal(err)
			}
			run(t, client, "both")
			if i%4 == 1 {
				client.NewSession() // and nothing started on it
			}
			client.Close()
		case 2:
			c := dialTCP(t, s.addr, "GET / HTTP/1.1\r\n\r\n\x16\x03\x01\x1b[2J\r\n")
			c.Close()
		case 3:
			raw := dialRaw(t, s.addr)
			raw.login("alice", goodKey)
			raw.exec(0, "wait")
			raw.Close() // no goodbye
		}
	}
	s.backTo(t, idle)
	if strings.Contains(s.log.String(), "\x1b") {
		t.Error("control characters in the log")
	}
}

func TestForwardingIsRefused(t *testing.T) {
	s := serve(t, chatty)
	client := s.dial()
	for _, kind := range []string{"direct-tcpip", "direct-streamlocal@openssh.com", "tun@openssh.com", "x11", "auth-agent@openssh.com", "forwarded-tcpip", "", "nonsense"} {
		_, _, err := client.OpenChannel(kind, nil)
		var refused *gossh.OpenChannelError
		if !errors.As(err, &refused) || refused.Reason != gossh.Prohibited {
			t.Errorf("channel %q: %v; want administratively prohibited", kind, err)
		}
	}
	for _, name := range []string{"tcpip-forward", "cancel-tcpip-forward", "streamlocal-forward@openssh.com", "nonsense"} {
		if ok, _, err := client.SendRequest(name, true, nil); ok || err != nil {
			t.Errorf("global request %q: %v, %v; want a refusal", name, ok, err)
		}
	}
	if ok, _, err := client.SendRequest("keepalive@openssh.com", true, nil); !ok || err != nil {
		t.Errorf("keepalive: %v, %v", ok, err)
	}
	for range 2 * maxGlobalRequests {
		client.SendRequest("nonsense", false, nil)
	}
	if got := run(t, client, "exit 3"); got.exit != 3 {
		t.Errorf("after many global requests: exit %d", got.exit)
	}
	client.SendRequest("no-more-sessions@openssh.com", true, nil)
	if _, err := client.NewSession(); err == nil {
		t.Error("a session after no-more-sessions")
	}
}

func TestKeepaliveCutsTheSilent(t *testing.T) {
	ended := make(chan struct{}, 1)
	s := serve(t, func(ctx context.Context, _ *shell.Session) int { <-ctx.Done(); ended <- struct{}{}; return 0 },
		func(c *Config) { c.Keepalive = 300 * time.Millisecond })
	idle := used()
	answering := s.dial()
	raw := dialRaw(t, s.addr)
	raw.login("alice", goodKey)
	raw.exec(0, "x") // and answers nothing from here on
	within(t, "end of the silent client's session", ended)
	s.log.wants(t, "client did not answer three keepalives")
	raw.Close()
	time.Sleep(2 * missedKeepalives * s.config.Keepalive)
	if _, err := answering.NewSession(); err != nil {
		t.Errorf("a client that answers was cut: %v", err)
	}
	answering.Close()
	s.backTo(t, idle)
}

// A client that sends but does not read keeps nothing alive for longer than one write may take.
func TestWriteDeadline(t *testing.T) {
	ended := make(chan struct{}, 1)
	s := serve(t, func(ctx context.Context, s *shell.Session) int {
		for err := error(nil); err == nil; {
			_, err = s.Out.Write(make([]byte, 64<<10))
		}
		<-ctx.Done()
		ended <- struct{}{}
		return 0
	}, func(c *Config) { c.Keepalive = 200 * time.Millisecond })
	raw := dialRaw(t, s.addr)
	raw.login("alice", goodKey)
	raw.Send(rawtest.OpenRequest("session", 0, 1<<31, 32<<10))
	raw.expect(rawtest.MsgChannelConfirm)
	raw.Send(rawtest.ChannelRequest(0, "exec", false, text("x")))
	go func() {
		for raw.Send([]byte{2, 0, 0, 0, 0}) == nil { // SSH_MSG_IGNORE
			time.Sleep(20 * time.Millisecond)
		}
	}()
	within(t, "end of the session", ended)
	s.log.wants(t, "cannot write to the client")
}

func TestIdleChannelIsClosed(t *testing.T) {
	s := serve(t, chatty, func(c *Config) { c.LoginGrace = time.Second })
	client := s.dial()
	ch := openChannel(t, client)
	closed := make(chan error, 1)
	go func() { _, err := ch.Read(make([]byte, 1)); closed <- err }()
	if err := within(t, "end of the idle channel", closed); err != io.EOF {
		t.Error(err)
	}
	if got := run(t, client, "exit 3"); got.exit != 3 {
		t.Errorf("the connection did not live on: exit %d", got.exit)
	}
}

func TestExpiredKeyGetsNoMoreSessions(t *testing.T) {
	s := serve(t, chatty)
	s.allow(goodKey, auth.Identity{Name: "brief", NotAfter: time.Now().Add(2 * time.Second)})
	client := s.dial()
	running := openChannel(t, client)
	request(t, running, "exec", text("cat"))
	eventually(t, "refusal", func() bool {
		ch, _, err := client.OpenChannel("session", nil)
		if err == nil {
			ch.Close()
			return false
		}
		return strings.Contains(err.Error(), "expired")
	})
	running.CloseWrite()
	if _, err := io.ReadAll(running); err != nil {
		t.Errorf("running session: %v", err)
	}
}

func TestShutdownWaitsForHandlers(t *testing.T) {
	goodbye, started := make(chan struct{}), make(chan struct{})
	s := serve(t, func(context.Context, *shell.Session) int { close(started); <-goodbye; return 7 })
	client := s.dial()
	session, _ := client.NewSession()
	if err := session.Start("x"); err != nil {
		t.Fatal(err)
	}
	within(t, "start", started)
	unfinished := dialTCP(t, s.addr, "SSH-2.0-x\r\n")
	eventually(t, "two connections", func() bool { return s.connections() == 2 })
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	unfinished.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, unfinished); isTimeout(err) {
		t.Error("a connection that has not logged in is kept")
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("still listening")
	}
	if _, err := client.NewSession(); err == nil {
		t.Error("a session during shutdown")
	}
	close(goodbye)
	if exit := exitOf(session.Wait()); exit != 7 {
		t.Errorf("exit %d; want 7", exit)
	}
	if err := within(t, "Shutdown", done); err != nil {
		t.Error(err)
	}
}

func TestShutdownWithAWedgedClient(t *testing.T) {
	stuck, freed := make(chan struct{}), make(chan error, 1)
	s := serve(t, func(_ context.Context, s *shell.Session) int {
		close(stuck)
		_, err := s.Out.Write(make([]byte, 64<<20))
		freed <- err
		return 0
	})
	raw := dialRaw(t, s.addr)
	raw.login("alice", goodKey)
	raw.exec(0, "x")
	within(t, "start", stuck)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	if err := within(t, "Shutdown", done); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	if within(t, "end of the write", freed) == nil {
		t.Error("the write succeeded")
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("second Shutdown: %v", err)
	}
	if err := s.Serve(mustListen(t)); err == nil {
		t.Error("Serve after Shutdown: no error")
	}
}

func mustListen(t *testing.T) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// A script that works on many drives at once logs in as often at once.
func TestFiftyLoginsAtOnce(t *testing.T) {
	s := serve(t, chatty)
	exits := make(chan int, 50)
	for i := range 50 {
		go func() {
			client, err := s.tryDial("alice", goodKey)
			if err != nil {
				t.Error(err)
				exits <- -1
				return
			}
			defer client.Close()
			session, err := client.NewSession()
			if err != nil {
				t.Error(err)
			}
			exits <- exitOf(session.Run(fmt.Sprint("exit ", i))) - i
		}()
	}
	for range 50 {
		if within(t, "exit status", exits) != 0 {
			t.Error("a wrong exit status")
		}
	}
}

// Each source has its own share of the connections that have not logged in, and others get in all the same.
func TestStartupsOfOneSource(t *testing.T) {
	s := serve(t, chatty, func(c *Config) { c.Limits.StartupsPerSource = 3 })
	var held []net.Conn
	for range 3 {
		held = append(held, dialTCP(t, s.addr))
	}
	eventually(t, "three connections", func() bool { return s.connections() == 3 })
	if _, err := s.tryDial("alice", goodKey); err == nil {
		t.Error("a fourth one of the source came in")
	}
	s.log.wants(t, "Dropped connection from 127.0.0.1 port")
	elsewhere, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", s.addr)
	if err != nil {
		t.Skip(err)
	}
	defer elsewhere.Close()
	config := &gossh.ClientConfig{User: "alice", Auth: []gossh.AuthMethod{gossh.PublicKeys(goodKey)}, HostKeyCallback: gossh.InsecureIgnoreHostKey()}
	if _, _, _, err := gossh.NewClientConn(elsewhere, s.addr, config); err != nil {
		t.Errorf("another source: %v", err)
	}
	held[0].Close()
	eventually(t, "place again", func() bool {
		client, err := s.tryDial("alice", goodKey)
		if err == nil {
			client.Close()
		}
		return err == nil
	})
}

// Silent connections from many sources fill the place there is, and whoever comes to log in gets in all the same.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	s := serve(t, chatty, func(c *Config) { c.Limits.Startups = 6 })
	for i := range 40 {
		from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i%4))}}
		silent, err := from.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { silent.Close() })
		if i%5 == 4 {
			s.dial().Close()
		}
	}
	eventually(t, "the rest to be closed", func() bool { return s.connections() <= 6 })
	s.log.wants(t, "had the longest time")
}

// The oldest one of the source that has most of them makes room.
func TestEvict(t *testing.T) {
	a, b := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	conns := []*conn{{source: b, id: 1}, {source: a, id: 2}, {source: a, id: 3}, {source: b, id: 4}, {source: a, id: 5}}
	waiting := admission{waiting: slices.Clone(conns)}
	var order []uint64
	for range conns {
		order = append(order, waiting.evict().id)
	}
	if want := []uint64{2, 1, 3, 4, 5}; !slices.Equal(order, want) {
		t.Errorf("evicted %v, want %v", order, want)
	}
}

func TestLimitsFor(t *testing.T) {
	for files, want := range map[int]Limits{64: {Connections: 16, Startups: 8}, 8: {Connections: 4, Startups: 2}, 1024: {Connections: 336, Startups: 168},
		1 << 20: {Connections: 1000, Startups: 300}} {
		if got := LimitsFor(files); got.Connections != want.Connections || got.Startups != want.Startups {
			t.Errorf("with %d files: %+v, want %+v", files, got, want)
		}
	}
}

func TestConnectionLimits(t *testing.T) {
	s := serve(t, chatty, func(c *Config) { c.Limits.Connections, c.Limits.ConnectionsPerKey = 3, 2 })
	first, second := s.dial(), s.dial()
	if _, err := s.tryDial("alice", goodKey); err == nil {
		t.Error("a third connection with one key")
	}
	eventually(t, "two connections", func() bool { return s.connections() == 2 })
	third, err := s.tryDial("bob", otherKey)
	if err != nil {
		t.Fatalf("another key: %v", err)
	}
	defer third.Close()
	if _, err := s.tryDial("bob", otherKey); err == nil {
		t.Error("a fourth connection")
	}
	first.Close()
	second.Close()
	eventually(t, "place again", func() bool {
		client, err := s.tryDial("alice", goodKey)
		if err == nil {
			client.Close()
		}
		return err == nil
	})
}

// brokeListener is out of file descriptors until it is closed, but for one connection.
type brokeListener struct {
	net.Listener
	accepts atomic.Int64
	well    atomic.Bool
}

func (l *brokeListener) Accept() (net.Conn, error) {
	l.accepts.Add(1)
	if l.well.Load() {
		return l.Listener.Accept()
	}
	return nil, &net.OpError{Op: "accept", Err: fmt.Errorf("accept4: %w", syscall.EMFILE)}
}

func TestAcceptBacksOff(t *testing.T) {
	s := serve(t, chatty)
	ln := &brokeListener{Listener: mustListen(t)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	time.Sleep(time.Second)
	if n := ln.accepts.Load(); n > 20 {
		t.Errorf("%d accepts in a second without file descriptors", n)
	}
	ln.well.Store(true)
	s.addr = ln.Addr().String()
	if got := run(t, s.dial(), "exit 3"); got.exit != 3 {
		t.Errorf("afterwards: exit %d", got.exit)
	}
	ln.Close()
	if err := within(t, "end of Serve", served); err == nil {
		t.Error("a listener that is closed by somebody else: no error")
	}
}
