package privsep

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
	"wiped/shell/sshd"
)

const (
	childName = "privsep-test-child"
	stillborn = "privsep-test-stillborn" // ends before it is ready
)

// TestMain lets the test binary be the child, with the real SSH server in it.
func TestMain(m *testing.M) {
	switch os.Args[0] {
	case childName:
	case stillborn:
		os.Exit(3)
	default:
		os.Exit(m.Run())
	}
	child, err := Join()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server, err := sshd.New(sshd.Config{HostKeys: child.HostKeys(), Authorize: child.Authorize, IdentityOf: auth.IdentityOf,
		LoggedIn: child.LoggedIn, Handler: child.Serve, Log: child.Log, LoginGrace: child.LoginGrace, Keepalive: child.Keepalive})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(child.Run(server))
}

// wait is how long a test waits for what must happen; nothing is judged by how fast it does.
const wait = 30 * time.Second

// station is a monitor with its child, and somebody who may log in.
type station struct {
	*Monitor
	t    *testing.T
	log  *syncBuffer
	key  gossh.Signer
	addr string

	mu      sync.Mutex
	logins  []string
	allowed bool
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newSigner(t *testing.T) gossh.Signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newStation(t *testing.T, handler func(context.Context, *shell.Session) int) *station {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	private, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	s := &station{t: t, log: &syncBuffer{}, key: newSigner(t), addr: ln.Addr().String(), allowed: true}
	s.Monitor, err = Start(Config{
		Program: "/proc/self/exe", Args: []string{childName}, User: 62222, Listener: ln.(*net.TCPListener),
		HostKeys: []gossh.Signer{newSigner(t), rsaKey}, LookUp: s.lookUp, LoggedIn: s.loggedIn, Handler: handler,
		Log: slog.New(slog.NewTextHandler(s.log, nil)), LoginGrace: wait, Keepalive: wait,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(s.log)
		}
	})
	return s
}

func (s *station) lookUp(c auth.Credential, from net.Addr) (*gossh.Permissions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allowed || c.Key != string(s.key.PublicKey().Marshal()) || from.(*net.TCPAddr).IP.String() != "127.0.0.1" {
		return nil, errors.New("no")
	}
	return auth.WithIdentity(&gossh.Permissions{}, auth.Identity{Name: "person", Role: auth.Operator, Credential: c}), nil
}

func (s *station) loggedIn(who auth.Identity, login, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins = append(s.logins, who.Name+" as "+login)
}

func (s *station) forbid() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed = false
}

func (s *station) dial(algorithms ...string) *gossh.Client {
	s.t.Helper()
	c, err := gossh.Dial("tcp", s.addr, &gossh.ClientConfig{User: "an\x01yone", Auth: []gossh.AuthMethod{gossh.PublicKeys(s.key)},
		HostKeyAlgorithms: algorithms, HostKeyCallback: gossh.InsecureIgnoreHostKey(), Timeout: wait})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *station) session(c *gossh.Client) *gossh.Session {
	s.t.Helper()
	session, err := c.NewSession()
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}
