package sshd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gliderlabs/ssh"
	"golang.org/x/time/rate"
)

// conn is one client's connection, from accept to the end. It is the net.Conn that the SSH libraries read and write,
// and owns what they do not: the login-grace timer, the deadline of a write, and the brakes on what it reads.
type conn struct {
	net.Conn // RemoteAddr stays a *net.TCPAddr: the library's check of source-address needs it
	server   *Server
	id       uint64
	source   netip.Prefix
	since    time.Time
	peer     peer          // for the log
	stall    time.Duration // how long one write may take
	grace    *time.Timer

	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	ssh    ssh.Context // the library's; holds the ServerConn once the handshake is over

	received, sent atomic.Int64
	heard          atomic.Bool // bytes came since keepalive looked last
	lost           atomic.Bool // nothing more can be read

	mu       sync.Mutex
	change   sync.Cond // of the fields below
	phase    phase
	allowed  int    // bytes that may still be read in phase service
	refusing int    // channels being refused now
	sessions int    // open ones
	served   uint64 // sessions so far
	noMore   bool   // the client asked to refuse further sessions
	closed   bool
	reason   string // why the server closed it; empty: it did not

	login login // who logged in; set before phase open, constant from then on
	auth  attempts

	alive    keepalive
	requests *rate.Limiter // global ones
}

// phase is how far a connection has come; what it may send depends on it.
type phase int

const (
	keying  phase = iota // version and first key exchange, in clear
	service              // from there to the answer to its service request
	proving              // user authentication
	open                 // logged in
)

const (
	// maxBeforeLogin bounds the bytes taken from a client before it has logged in. Six large certificates, each
	// offered and then signed with, need a fifth of it.
	maxBeforeLogin = 256 << 10
	// maxServiceRequest bounds the bytes taken between the key exchange and the answer to the service request: see
	// drain.go. The request and its new-keys message need some 80; 16 of the smallest packets more than this.
	maxServiceRequest = 384
	// maxRefusing is how many refusals may be under way before nothing more is read: the library starts a goroutine
	// for each channel opened, and a client that reads no answers could pile them up.
	maxRefusing = 32
)

var errTooMuch = errors.New("client sent too much before logging in")

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{
		Conn: nc, server: s, id: s.nextID.Add(1), since: time.Now(),
		source: sourceOf(nc.RemoteAddr()), peer: peerOf(nc.RemoteAddr()),
		stall: missedKeepalives * s.config.Keepalive,
	}
	c.change.L = &c.mu
	c.requests = rate.NewLimiter(maxGlobalRequests, maxGlobalRequests)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.grace = time.AfterFunc(s.config.LoginGrace, func() { c.closeFor("did not log in within the grace time") })
	return c
}

// Read is net.Conn's, held back while the client may not send more.
func (c *conn) Read(p []byte) (int, error) {
	limit, err := c.turn(len(p))
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p[:limit])
	c.heard.Store(true)
	if err != nil {
		c.lost.Store(true)
		return n, err
	}
	return n, c.took(n)
}

// turn waits until something may be read and returns how much of want.
func (c *conn) turn(want int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && (c.refusing > maxRefusing || c.phase == service && c.allowed <= 0) {
		c.change.Wait()
	}
	if c.closed {
		return 0, net.ErrClosed
	}
	if c.phase == service {
		want = min(want, c.allowed)
	}
	return want, nil
}

func (c *conn) took(n int) error {
	total := c.received.Add(int64(n))
	if c.isOpen() {
		return nil
	}
	acknowledge(c.Conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == service {
		c.allowed -= n
	}
	if c.phase != open && total > maxBeforeLogin {
		return errTooMuch
	}
	return nil
}

// Write is net.Conn's with a deadline of its own. A failed write ends the connection: half a packet may be out, and the
// library would go on reading.
func (c *conn) Write(p []byte) (int, error) {
	if isNewKeys(p) {
		c.enter(service)
	}
	c.Conn.SetWriteDeadline(time.Now().Add(c.stall))
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	if err != nil {
		c.closeFor("cannot write to the client: " + err.Error())
	}
	return n, err
}

// isNewKeys recognizes the server's message that ends the first key exchange, which goes out in clear: a length, a
// padding length and the type. In an encrypted packet the same byte means nothing, but then the phase is past.
func isNewKeys(packet []byte) bool {
	const msgNewKeys = 21
	return len(packet) > 5 && packet[5] == msgNewKeys
}

// enter moves on to a later phase; there is no way back.
func (c *conn) enter(next phase) (entered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.phase >= next {
		return false
	}
	c.phase, c.allowed = next, maxServiceRequest
	c.change.Broadcast()
	return true
}

// isOpen tells whether somebody has logged in, also after the end.
func (c *conn) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == open
}

// The library sets deadlines of its own before each read and write, which would undo the ones of Write.

func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// Close ends the connection and everything that waits for it. It never blocks.
func (c *conn) Close() error { return c.closeFor("") }

// closeFor is Close with the reason for the log; the first one stays.
func (c *conn) closeFor(reason string) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed, c.reason = true, reason
	c.change.Broadcast()
	if c.alive.timer != nil {
		c.alive.timer.Stop()
	}
	c.mu.Unlock()
	c.grace.Stop()
	c.cancel()
	return c.Conn.Close()
}
