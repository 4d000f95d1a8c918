package privsep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
)

// Config says what a monitor works with; all but Keepalive and LoginGrace is required.
type Config struct {
	// Program and Args start the child, which calls Join. Args begins with the program's name.
	Program string
	Args    []string
	// User is whom the child becomes if this process is root.
	User int
	// Listener is the child's to accept from; the monitor closes it.
	Listener *net.TCPListener
	// HostKeys sign for the child.
	HostKeys []gossh.Signer
	// LookUp says what a key may do, and LoggedIn hears that it was proved.
	LookUp   func(auth.Credential, net.Addr) (*gossh.Permissions, error)
	LoggedIn func(who auth.Identity, login, from string)
	// Handler runs a session, as sshd.Config.Handler does.
	Handler func(context.Context, *shell.Session) int
	Log     *slog.Logger

	LoginGrace, Keepalive time.Duration
}

// Monitor keeps a child running that speaks SSH, and does for it what it cannot do itself. It is made by Start.
type Monitor struct {
	Config
	listener *os.File // what each child inherits
	lull     lull

	mu       sync.Mutex
	child    *child // nil between two
	closing  bool
	sessions int
	ended    chan struct{} // closed when no child runs and none will
}

// Timing of a child's life.
const (
	// readyTime is how long a child may take to start.
	readyTime = 30 * time.Second
	// shortestPause is between the end of a child and the start of the next; it doubles up to longestPause while children
	// end before they are ready.
	shortestPause = 20 * time.Millisecond
	longestPause  = time.Second
	// watchTime is how often the child is asked for a sign of life; patience is how long it may owe one.
	watchTime = 5 * time.Second
	patience  = 60 * time.Second
)

// maxSessions is the most that run at once: what sshd's own limits allow a child that keeps them.
const maxSessions = 10_000

// Start starts the first child, and returns when that is ready to accept.
func Start(cfg Config) (*Monitor, error) {
	f, err := cfg.Listener.File()
	if err != nil {
		return nil, fmt.Errorf("prepare the listener for the SSH process: %w", err)
	}
	m := &Monitor{Config: cfg, listener: f, ended: make(chan struct{})}
	first := make(chan error, 1)
	go m.keep(first)
	if err := <-first; err != nil {
		return nil, fmt.Errorf("start the SSH process: %w", err)
	}
	return m, nil
}

// keep starts child after child until the monitor is closing. The kernel ends a child with the thread that started it, so
// this goroutine keeps its thread.
func (m *Monitor) keep(first chan<- error) {
	runtime.LockOSThread()
	defer close(m.ended)
	defer m.listener.Close()
	defer m.Listener.Close()
	pause := shortestPause
	for {
		c, err := m.startChild()
		if first != nil {
			first <- err
			if err != nil {
				return
			}
			first = nil
		}
		if err != nil {
			m.Log.Error("the SSH process does not start; nobody can log in until it does", "err", err)
			pause = min(2*pause, longestPause)
		} else {
			pause = shortestPause
			if err = m.follow(c); m.isClosing() {
				return
			}
			m.Log.Error("the SSH process ended and is started again; its sessions are lost, jobs go on", "err", err)
		}
		time.Sleep(pause)
		if m.isClosing() {
			return
		}
	}
}

// follow serves the child until it ends, and returns how.
func (m *Monitor) follow(c *child) error {
	m.mu.Lock()
	if m.child = c; m.closing {
		c.say(sayShutdown)
	}
	m.mu.Unlock()
	go c.watch()
	go c.serve(m) // not here: each time that a goroutine with a thread of its own waits, the scheduler changes threads twice
	<-c.gone
	err := c.wait()
	m.mu.Lock()
	m.child = nil
	m.mu.Unlock()
	return err
}

func (m *Monitor) isClosing() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closing
}

// Failed is closed when the SSH side has ended for good.
func (m *Monitor) Failed() <-chan struct{} { return m.ended }

// Shutdown has the child stop accepting and end when its sessions have; they end when their handlers do. When ctx is done
// first the child is killed, and the error says so.
func (m *Monitor) Shutdown(ctx context.Context) error {
	m.mu.Lock()
	m.closing = true
	c := m.child
	m.mu.Unlock()
	if c != nil {
		c.say(sayShutdown)
	}
	select {
	case <-m.ended:
		return nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	c = m.child
	m.mu.Unlock()
	if c != nil {
		c.kill()
	}
	<-m.ended
	return errors.New("shut down SSH: sessions still ran; their connections were cut")
}

// Child is the process that speaks SSH now, for a look at it from outside; 0: there is none at the moment.
func (m *Monitor) Child() (pid int, held Resources) {
	m.mu.Lock()
	c := m.child
	m.mu.Unlock()
	if c == nil {
		return 0, held
	}
	return c.cmd.Process.Pid, c.resources()
}
