package sshd

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// Server serves sessions over SSH on any number of listeners. It is made by New.
type Server struct {
	config    Config
	sources   sources
	admission admission
	strangers strangers
	nextID    atomic.Uint64

	mu        sync.Mutex
	listeners map[net.Listener]bool
	conns     map[*conn]bool
	handlers  int           // running now
	closing   chan struct{} // closed when Shutdown begins
	quiet     chan struct{} // closed after that, when no handler runs
	empty     chan struct{} // closed after that, when no connection is left
}

// New checks config and returns a server that is ready to Serve.
func New(config Config) (*Server, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: config, listeners: map[net.Listener]bool{}, conns: map[*conn]bool{},
		closing: make(chan struct{}), quiet: make(chan struct{}), empty: make(chan struct{}),
	}
	s.admission.limits, s.admission.sources = config.Limits, &s.sources
	s.strangers.sources, s.strangers.total = &s.sources, rate.NewLimiter(rate.Every(time.Second), 100)
	return s, nil
}

// Serve accepts connections until Shutdown, and then returns nil; else the error that ended the listener. It closes
// the listener.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if !s.listen(ln) {
		return errors.New("serve SSH: the server has been shut down: make a new one")
	}
	defer s.unlisten(ln)
	var pause backoff
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause.reset()
			s.accept(nc)
		case s.isClosing():
			return nil
		case !transient(err):
			return fmt.Errorf("accept connection: %w", err)
		default:
			pause.wait(s, err)
		}
	}
}

// backoff keeps an accept loop that is out of file descriptors or memory from spinning: 5 ms, doubling up to 1 s.
type backoff struct{ next time.Duration }

func (b *backoff) reset() { b.next = 0 }

func (b *backoff) wait(s *Server, err error) {
	if b.next == 0 {
		b.next = 5 * time.Millisecond
		s.config.Log.Error("Cannot accept connections, trying again; raise the limit of open files if this stays", "error", err.Error())
	}
	select {
	case <-s.closing:
	case <-time.After(b.next):
	}
	b.next = min(2*b.next, time.Second)
}

// transient tells whether accepting may work again later.
func transient(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR, syscall.EPROTO, syscall.EPERM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// accept admits a connection and leaves it to a goroutine of its own.
func (s *Server) accept(nc net.Conn) {
	c := newConn(s, nc)
	refusal, instead := s.admission.enter(c)
	if refusal != "" {
		c.Close()
		s.stranger(c.source, fmt.Sprintf("Dropped connection from %s: %s", c.peer, refusal))
		return
	}
	if instead != nil {
		instead.closeFor("too many connections have not logged in, and this one had the longest time")
	}
	if !s.add(c) {
		c.Close()
		s.admission.leave(c, "", false)
		return
	}
	go s.attend(c)
}

// attend sees a connection through, from handshake to end.
func (s *Server) attend(c *conn) {
	defer s.remove(c)
	defer func() { s.admission.leave(c, c.login.key, len(c.auth.failed) > 0) }()
	if wait := min(s.sources.delay(c.source), s.config.LoginGrace/2); wait > 0 {
		select {
		case <-c.ctx.Done():
		case <-time.After(wait):
		}
	}
	survived := c.guard(func() { c.scaffold().HandleConn(c) })
	c.Close()
	drain(c.auth.packets)
	if survived { // else the library may never say how it ended
		c.guard(c.logEnd)
	}
}

// guard runs do and survives its panic, which ends the connection only. It tells whether there was none.
func (c *conn) guard(do func()) bool {
	if c.trap("", do) {
		return true
	}
	c.closeFor("defect in wiped")
	return false
}

// trap runs do, logs its panic, and tells whether there was none.
func (c *conn) trap(session string, do func()) (survived bool) {
	defer func() {
		if r := recover(); r != nil {
			c.server.config.Log.Error("defect: panic", "conn", c.id, "session", session,
				"panic", sentence(fmt.Sprint(r), maxReason), "stack", stack())
		}
	}()
	do()
	return true
}

// stack is the panicking goroutine's, as much of it as a log bears.
func stack() string {
	const enough = 8 << 10
	trace := debug.Stack()
	return string(trace[:min(len(trace), enough)])
}
