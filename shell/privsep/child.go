package privsep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"wiped/auth"
	"wiped/shell/privsep/sandbox"
)

// The child's descriptors, after the three that every process has.
const (
	borderFD   = 3
	listenerFD = 4
)

// maxKey is the most bytes of a key or certificate that may log in; the longest of real ones have some 10 kB.
const maxKey = 64 << 10

// Child is the end of the process that speaks SSH. Its methods may be called from any goroutine.
type Child struct {
	LoginGrace, Keepalive time.Duration
	Log                   *slog.Logger
	Files                 int // how many may be open at once

	border   border
	listener net.Listener
	keys     []gossh.Signer
	orders   chan message // closed when the monitor is gone

	lull   lull
	spares spares

	mu      sync.Mutex
	last    uint32
	waiting map[uint32]chan reply
}

// reply is an answer of the monitor's, with the descriptor that came along, or none.
type reply struct {
	message
	fd int
}

// Join takes up what the monitor gave this process, and confines it: from here on nothing can be opened. It fails in a process
// that no monitor started.
func Join() (*Child, error) {
	_ = os.WriteFile("/proc/self/comm", []byte("wiped-sshd"), 0)   // for who looks at the list of processes; else it is "exe"
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP) // the monitor says when it is time
	conn, err := unixConn(os.NewFile(borderFD, "border"))
	if err != nil {
		return nil, fmt.Errorf("not started by a monitor: %w", err)
	}
	f := os.NewFile(listenerFD, "listener")
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("take over the listener: %w", err)
	}
	c := &Child{border: border{conn}, listener: ln, orders: make(chan message, 1), waiting: map[uint32]chan reply{}}
	c.Log = slog.New(slog.NewJSONHandler(os.Stderr, nil)) // which the monitor reads
	return c, c.enter()
}

// enter hears the welcome and tells how far the process is confined.
func (c *Child) enter() error {
	buf := make([]byte, maxMessage)
	m, _, err := c.border.receive(buf)
	var w welcome
	if err == nil {
		err = json.Unmarshal(m.Body, &w)
	}
	if err != nil {
		return fmt.Errorf("hear the welcome: %w", err)
	}
	c.LoginGrace, c.Keepalive = w.LoginGrace, w.Keepalive
	for i, blob := range w.HostKeys {
		key, err := gossh.ParsePublicKey(blob)
		if err != nil {
			return fmt.Errorf("read host key: %w", err)
		}
		c.keys = append(c.keys, signer{c, i, key})
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("ask for the limit of open files: %w", err)
	}
	c.Files = int(min(files.Cur, 1<<20))
	c.spares.most = min(maxSpares, c.Files/16)
	p, err := sandbox.Enter(w.User)
	if err != nil {
		return fmt.Errorf("confine this process: %w", err)
	}
	go c.listen(buf)
	return c.tell(sayReady, p)
}

// listen takes what the monitor says to where it is awaited.
func (c *Child) listen(buf []byte) {
	defer close(c.orders)
	for {
		m, fd, err := c.border.receive(buf)
		if err != nil {
			return
		}
		if m.Say != sayAnswer {
			c.orders <- m
			continue
		}
		if answer := c.awaited(m.ID); answer != nil {
			answer <- reply{m, fd}
		}
	}
}

// awaited is where the answer to a question goes; nil: nobody asked.
func (c *Child) awaited(id uint32) chan<- reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := c.waiting[id]
	delete(c.waiting, id)
	return answer
}

// tell says something that awaits no answer.
func (c *Child) tell(say string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("say %s: %w", say, err)
	}
	return c.border.send(message{Say: say, Body: text}, none)
}

// ask says something and reads the answer into answer.
func (c *Child) ask(say string, body, answer any) error {
	m, err := c.exchange(say, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(m.Body, answer)
}

// exchange says something and returns the answer, if that is not no. The monitor answers, or the process ends with it.
func (c *Child) exchange(say string, body any) (reply, error) {
	c.lull.stir()
	text, err := json.Marshal(body)
	if err != nil {
		return reply{}, fmt.Errorf("ask %s: %w", say, err)
	}
	back := make(chan reply, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.waiting[id] = back
	c.mu.Unlock()
	if err := c.border.send(message{ID: id, Say: say, Body: text}, none); err != nil {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		return reply{}, err
	}
	m := <-back
	if m.Err != "" {
		return m, errors.New(m.Err)
	}
	return m, nil
}

// HostKeys sign through the monitor, which has the private halves.
func (c *Child) HostKeys() []gossh.Signer { return c.keys }

// Authorize is what sshd asks of a key: the monitor knows.
func (c *Child) Authorize(meta gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
	o := offer{Login: []byte(meta.User()), Key: key.Marshal(), From: meta.RemoteAddr().String()}
	if len(o.Key) > maxKey {
		return nil, fmt.Errorf("a key of %d bytes, and %d is the most", len(o.Key), maxKey)
	}
	var g grant
	if err := c.ask(sayAuthorize, o, &g); err != nil {
		return nil, err
	}
	p := &gossh.Permissions{CriticalOptions: g.CriticalOptions, Extensions: g.Extensions}
	return auth.WithIdentity(p, auth.Identity{Role: g.Role, NoPTY: g.NoPTY, NotAfter: g.NotAfter, Credential: o.credential()}), nil
}

// LoggedIn tells the monitor, which audits it before this returns.
func (c *Child) LoggedIn(who auth.Identity, _, from string) {
	o := offer{Login: []byte(who.Credential.Login), Key: []byte(who.Credential.Key), From: from, Session: c.spares.wanted()}
	m, err := c.exchange(sayLogin, o)
	if err != nil {
		c.Log.Error("login not taken by the monitor", "err", err.Error())
		return
	}
	if m.fd != none {
		c.spares.put(m.fd)
	}
}

// server is an sshd.Server.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// Run has s serve until the monitor says that it is to end, or is gone itself. It returns the exit code of the process.
func (c *Child) Run(s server) int {
	served := make(chan error, 1)
	go func() { served <- s.Serve(c.listener) }()
	ended := make(chan error, 1)
	for {
		select {
		case m, ok := <-c.orders:
			if !ok {
				return 1
			}
			c.obey(m, func() { ended <- s.Shutdown(context.Background()) })
		case err := <-served:
			if err != nil {
				c.Log.Error("the listener failed", "err", err.Error())
				return 1
			}
			served = nil
		case <-ended:
			return 0
		}
	}
}

func (c *Child) obey(order message, shutdown func()) {
	switch order.Say {
	case sayShutdown:
		go shutdown()
	case sayResources:
		if err := c.tell(sayResources, Resources{runtime.NumGoroutine(), descriptors()}); err != nil {
			c.Log.Error("resources not told", "err", err.Error())
		}
	}
}

// descriptors counts those that are open: without a file system there is no /proc to look into.
func descriptors() (n int) {
	for fd, misses := 0, 0; misses < 1024; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			n, misses = n+1, 0
		} else {
			misses++
		}
	}
	return n
}

// signer has the monitor sign.
type signer struct {
	child *Child
	index int
	key   gossh.PublicKey
}

func (s signer) PublicKey() gossh.PublicKey { return s.key }

func (s signer) Sign(rand io.Reader, data []byte) (*gossh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, s.key.Type())
}

func (s signer) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*gossh.Signature, error) {
	var got signed
	if err := s.child.ask(saySign, toSign{s.index, algorithm, data}, &got); err != nil {
		return nil, fmt.Errorf("sign with the host key: %w", err)
	}
	return &gossh.Signature{Format: got.Format, Blob: got.Blob}, nil
}
