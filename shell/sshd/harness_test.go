package sshd

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
)

// patience is how long a test waits for what must happen; nothing is judged by how fast it does.
const patience = 30 * time.Second

type identityKey struct{}

func identityOf(p *gossh.Permissions) (auth.Identity, bool) {
	if p == nil {
		return auth.Identity{}, false
	}
	who, ok := p.ExtraData[identityKey{}].(auth.Identity)
	return who, ok
}

// station is a server under test. Whoever holds a key in keys may log in.
type station struct {
	*Server
	t    testing.TB
	addr string
	log  *logBuffer

	mu   sync.Mutex
	keys map[string]auth.Identity // by fingerprint
	only map[string]string        // by fingerprint: the one login name
}

func (s *station) authorize(meta gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	print := fingerprint(key)
	who, ok := s.keys[print]
	if !ok {
		return nil, errors.New("key not in authorized_keys")
	}
	if name := s.only[print]; name != "" && name != meta.User() {
		return nil, errors.New("key not for this login name")
	}
	return &gossh.Permissions{ExtraData: map[any]any{identityKey{}: who}}, nil
}

func (s *station) allow(key gossh.Signer, who auth.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who.Fingerprint = fingerprint(key.PublicKey())
	if who.Role == auth.Nobody {
		who.Role = auth.Operator
	}
	s.keys[who.Fingerprint] = who
}

var hostKey, goodKey, otherKey, badKey = newKey(), newKey(), newKey(), newKey()

func newKey() gossh.Signer {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		panic(err)
	}
	return signer
}

type handler = func(context.Context, *shell.Session) int

// serve starts a server on a free port and stops it after the test.
func serve(t testing.TB, handle handler, change ...func(*Config)) *station {
	t.Helper()
	s := &station{t: t, log: &logBuffer{}, keys: map[string]auth.Identity{}, only: map[string]string{}}
	s.allow(goodKey, auth.Identity{Name: "alice"})
	s.allow(otherKey, auth.Identity{Name: "bob"})
	config := Config{
		HostKeys: []gossh.Signer{hostKey}, Authorize: s.authorize, IdentityOf: identityOf, Handler: handle,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, do := range change {
		do(&config)
	}
	var err error
	if s.Server, err = New(config); err != nil {
		t.Fatalf("New: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // cut what is left
		s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", s.log)
		}
	})
	return s
}

func (s *station) tryDial(user string, keys ...gossh.Signer) (*gossh.Client, error) {
	config := &gossh.ClientConfig{User: user, HostKeyCallback: gossh.InsecureIgnoreHostKey(), Timeout: patience}
	if len(keys) > 0 {
		config.Auth = []gossh.AuthMethod{gossh.PublicKeys(keys...)}
	}
	return gossh.Dial("tcp", s.addr, config)
}

func (s *station) dial() *gossh.Client {
	s.t.Helper()
	client, err := s.tryDial("alice", goodKey)
	if err != nil {
		s.t.Fatalf("log in: %v", err)
	}
	s.t.Cleanup(func() { client.Close() })
	return client
}

// open opens a session channel.
func openChannel(t testing.TB, client *gossh.Client) gossh.Channel {
	t.Helper()
	ch, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatalf("open channel: %v", err)
	}
	go gossh.DiscardRequests(requests)
	return ch
}

// request sends a channel request and returns whether it was granted.
func request(t testing.TB, ch gossh.Channel, name string, payload []byte) bool {
	t.Helper()
	ok, err := ch.SendRequest(name, true, payload)
	if err != nil {
		t.Fatalf("request %s: %v", name, err)
	}
	return ok
}

func text(s string) []byte { return gossh.Marshal(struct{ S string }{s}) }

func ptyRequest(term string, columns, rows uint32) []byte {
	return gossh.Marshal(struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}{term, columns, rows, 0, 0, "\x00"})
}

func windowChange(columns, rows uint32) []byte {
	return gossh.Marshal(struct{ Columns, Rows, Width, Height uint32 }{columns, rows, 0, 0})
}

type result struct {
	out, err string
	exit     int // -1: no exit status came
}

// run runs a command on a session of its own.
func run(t testing.TB, client *gossh.Client, command string) result {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatalf("new session: %v", err)
	}
	defer session.Close()
	var out, errs bytes.Buffer
	session.Stdout, session.Stderr = &out, &errs
	err = session.Run(command)
	return result{out.String(), errs.String(), exitOf(err)}
}

func exitOf(err error) int {
	var exit *gossh.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitStatus()
	}
	return -1
}

// eventually waits until is holds.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// within waits for a signal.
func within[T any](t testing.TB, what string, signal <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-signal:
	case <-time.After(patience):
		t.Fatalf("never happened: %s", what)
	}
	return value
}

// usage is how many goroutines and files the process has.
type usage struct{ goroutines, files int }

func used() usage {
	files, _ := os.ReadDir("/proc/self/fd")
	return usage{runtime.NumGoroutine(), len(files)}
}

// backTo waits until the process uses no more than before, and no connection is left.
func (s *station) backTo(t testing.TB, before usage) {
	t.Helper()
	var now usage
	defer func() {
		if t.Failed() {
			buf := make([]byte, 1<<20)
			t.Logf("before %+v, now %+v\n%.20000s", before, now, buf[:runtime.Stack(buf, true)])
		}
	}()
	eventually(t, "goroutines and files back to what they were", func() bool {
		now = used()
		return now.goroutines <= before.goroutines && now.files <= before.files && s.connections() == 0
	})
}

func (s *station) connections() int {
	s.Server.mu.Lock()
	defer s.Server.mu.Unlock()
	return len(s.conns)
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) wants(t testing.TB, part string) {
	t.Helper()
	eventually(t, fmt.Sprintf("log line with %q", part), func() bool { return strings.Contains(l.String(), part) })
}
