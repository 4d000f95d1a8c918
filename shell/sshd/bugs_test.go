package sshd

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
	"wiped/shell/sshd/rawtest"
)

// One regression test for each known bug of the SSH libraries, by a letter.

// A: with none of gliderlabs' own handlers set, it lets everybody in without any authentication.
func TestBugA_NoAuthentication(t *testing.T) {
	s := serve(t, func(context.Context, *shell.Session) int { t.Error("a stranger got a session"); return 0 })
	if client, err := s.tryDial("root"); err == nil {
		client.Close()
		t.Error("logged in with no authentication")
	}
	raw := dialRaw(t, s.addr)
	raw.requestService()
	for _, method := range []string{"none", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic"} {
		raw.Send(gossh.Marshal(struct {
			Type                  byte
			User, Service, Method string
		}{rawtest.MsgUserAuthRequest, "root", "ssh-connection", method}))
		var failure struct {
			Methods []string `sshtype:"51"`
			Partial bool
		}
		if err := gossh.Unmarshal(raw.expect(rawtest.MsgUserAuthFailure, rawtest.MsgUserAuthSuccess), &failure); err != nil {
			t.Fatalf("method %s: not refused: %v", method, err)
		}
		if fmt.Sprint(failure.Methods) != "[publickey]" || failure.Partial {
			t.Errorf("method %s: refused with %v; want [publickey]", method, failure.Methods)
		}
	}
}

// B: mallory asks whether her key would do for mallory, and then signs as root; gliderlabs remembers the first name.
func TestBugB_UserSwitch(t *testing.T) {
	seen := make(chan *shell.Session, 1)
	s := serve(t, func(_ context.Context, s *shell.Session) int { seen <- s; return 0 })
	s.only[fingerprint(otherKey.PublicKey())] = "mallory"
	raw := dialRaw(t, s.addr)
	raw.requestService()
	if got := raw.offer("mallory", otherKey.PublicKey()); got != rawtest.MsgUserAuthKeyOK {
		t.Fatalf("offer as mallory: message %d", got)
	}
	if got := raw.sign("root", otherKey); got != rawtest.MsgUserAuthFailure {
		t.Fatalf("signed as root with mallory's key: message %d; want a failure", got)
	}
	raw.offer("carol", goodKey.PublicKey()) // a key that is for everybody
	if got := raw.sign("dave", goodKey); got != rawtest.MsgUserAuthSuccess {
		t.Fatalf("signed as dave: message %d", got)
	}
	raw.exec(0, "x")
	got := within(t, "session", seen)
	if got.Login != "dave" || got.Who.Name != "alice" {
		t.Errorf("session of %s as %s; want alice as dave", got.Who.Name, got.Login)
	}
	s.log.wants(t, "Accepted publickey for dave from ")
}

// The same for keys (CVE-2024-45337): the key offered last is not the one that signed.
func TestBugB_KeySwitch(t *testing.T) {
	seen := make(chan *shell.Session, 1)
	s := serve(t, func(_ context.Context, s *shell.Session) int { seen <- s; return 0 })
	s.allow(otherKey, auth.Identity{Name: "boss", Role: auth.Admin})
	raw := dialRaw(t, s.addr)
	raw.requestService()
	raw.offer("x", goodKey.PublicKey())
	raw.offer("x", otherKey.PublicKey())
	if got := raw.sign("x", goodKey); got != rawtest.MsgUserAuthSuccess {
		t.Fatalf("message %d", got)
	}
	raw.exec(0, "x")
	if got := within(t, "session", seen); got.Who.Name != "alice" || got.Who.Role != auth.Operator {
		t.Errorf("became %+v", got.Who)
	}
}

// C: a length of 0xFFFFFFFE in pty-req overflows in gliderlabs and takes the process down.
func TestBugC_LengthOverflow(t *testing.T) {
	s := serve(t, func(context.Context, *shell.Session) int { return 7 })
	client := s.dial()
	for _, name := range []string{"pty-req", "exec", "signal", "window-change", "env"} {
		payload := make([]byte, 64)
		binary.BigEndian.PutUint32(payload, 0xFFFFFFFE)
		if ch := openChannel(t, client); request(t, ch, name, payload) {
			t.Errorf("%s with a length of 0xFFFFFFFE was granted", name)
		} else {
			ch.Close()
		}
	}
	if got := run(t, client, "x"); got.exit != 7 {
		t.Errorf("afterwards: exit %d; want 7", got.exit)
	}
}

// D: resizes that nobody takes block gliderlabs' request loop, with it the connection, and leak it for good.
func TestBugD_ResizeFlood(t *testing.T) {
	before := used()
	started, leave := make(chan *shell.Session, 1), make(chan struct{})
	s := serve(t, func(_ context.Context, s *shell.Session) int {
		if s.Mode == shell.Terminal {
			started <- s
			<-leave
		}
		return 7
	})
	idle := used()
	client, err := s.tryDial("alice", goodKey)
	if err != nil {
		t.Fatal(err)
	}
	ch := openChannel(t, client)
	if !request(t, ch, "pty-req", ptyRequest("xterm", 80, 24)) {
		t.Fatal("no terminal")
	}
	flood := func() {
		for i := range 10000 {
			ch.SendRequest("window-change", false, windowChange(100, uint32(3+i%900)))
			ch.SendRequest("signal", false, text("INT"))
		}
	}
	flood()
	ch.SendRequest("window-change", false, windowChange(111, 22))
	if !request(t, ch, "shell", nil) {
		t.Fatal("no shell")
	}
	session := within(t, "start", started)
	if want := (shell.Size{Columns: 111, Rows: 22}); session.Size != want {
		t.Errorf("size at the start %v; want the newest, %v", session.Size, want)
	}
	flood()
	if !request(t, ch, "window-change", windowChange(222, 33)) {
		t.Error("resize refused")
	}
	if want := (shell.Size{Columns: 222, Rows: 33}); within(t, "resize", session.Resize) != want {
		t.Errorf("resize: not the newest one")
	}
	if ok, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil || !ok {
		t.Errorf("keepalive after the flood: %v, %v", ok, err)
	}
	if got := run(t, client, "x"); got.exit != 7 {
		t.Errorf("other session: exit %d", got.exit)
	}
	client.Close()
	close(leave)
	s.backTo(t, idle)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	eventually(t, "goroutines as before", func() bool { return used().goroutines <= before.goroutines })
}

// E: gliderlabs splits the command and drops the error, and cannot tell an empty command from a shell.
func TestBugE_CommandsArriveAsSent(t *testing.T) {
	seen := make(chan *shell.Session, 1)
	s := serve(t, func(_ context.Context, s *shell.Session) int { seen <- s; return 0 })
	client := s.dial()
	for _, command := range []string{"erase 'sda", "", "   ", "erase sda; rm", "a\x00b", "line\nline", "\xff\xfe", `"\'`, strings.Repeat("x", 200<<10)} {
		ch := openChannel(t, client)
		if !request(t, ch, "exec", text(command)) {
			t.Fatalf("exec of %.20q refused", command)
		}
		if got := within(t, "session", seen); got.Mode != shell.Exec || got.Command != command {
			t.Errorf("mode %v, command %.20q; want exec, %.20q", got.Mode, got.Command, command)
		}
		ch.Close()
	}
	for name, payload := range map[string][]byte{
		"empty payload": {}, "short length": {0, 0}, "truncated": {0, 0, 0, 9, 'e', 'r'}, "left over": append(text("x"), 0),
	} {
		ch := openChannel(t, client)
		if request(t, ch, "exec", payload) {
			t.Errorf("exec with %s was granted", name)
		}
		ch.Close()
	}
}

// F: a signal that nobody takes is sent under the lock that exit needs.
func TestBugF_SignalsNobodyTakes(t *testing.T) {
	signalled := make(chan struct{})
	s := serve(t, func(context.Context, *shell.Session) int { <-signalled; return 7 })
	client := s.dial()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("x"); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		session.Signal(gossh.SIGINT)
	}
	close(signalled)
	if exit := exitOf(session.Wait()); exit != 7 {
		t.Errorf("exit %d; want 7", exit)
	}
}

// G: the library overwrites deadlines, so that who never logs in stays.
func TestBugG_SlowLoris(t *testing.T) {
	stalls := map[string]func(t *testing.T, addr string) net.Conn{
		"silent":       func(t *testing.T, addr string) net.Conn { return dialTCP(t, addr) },
		"half version": func(t *testing.T, addr string) net.Conn { return dialTCP(t, addr, "SSH-2.0-x") },
		"drip": func(t *testing.T, addr string) net.Conn {
			c := dialTCP(t, addr)
			go func() {
				for {
					if _, err := c.Write([]byte("S")); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
			return c
		},
		"half kexinit":  func(t *testing.T, addr string) net.Conn { return dialTCP(t, addr, "SSH-2.0-x\r\n\x00\x00\x01\x00") },
		"after newkeys": func(t *testing.T, addr string) net.Conn { return dialRaw(t, addr) },
		"in userauth": func(t *testing.T, addr string) net.Conn {
			c := dialRaw(t, addr)
			c.requestService()
			c.offer("x", goodKey.PublicKey())
			return c
		},
	}
	s := serve(t, nothing, func(c *Config) { c.LoginGrace = time.Second })
	idle := used()
	t.Run("stalled", func(t *testing.T) {
		for name, stall := range stalls {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := stall(t, s.addr)
				c.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.Copy(io.Discard, c); isTimeout(err) {
					t.Error("still connected long after the grace time")
				}
			})
		}
	})
	s.backTo(t, idle)
	s.log.wants(t, "did not log in within the grace time")

	client := s.dial() // an operator outlives the grace time
	time.Sleep(2 * s.config.LoginGrace)
	if got := run(t, client, "x"); got.exit != 0 {
		t.Errorf("after the grace time: exit %d", got.exit)
	}
}
