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
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/time/rate"

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

	watch watching // zero: the standard one
}

// Monitor keeps a child running that speaks SSH, and does for it what it cannot do itself. It is made by Start.
type Monitor struct {
	Config
	lull   lull
	said   *rate.Limiter // bytes of log that children cause
	unsaid atomic.Int64  // lines left out since the last one
	logins *rate.Limiter
	rests  *rate.Limiter

	mu       sync.Mutex
	listener *os.File // what each child inherits: Listener's socket
	child    *child   // nil between two
	closing  bool
	sessions int
	ended    chan struct{} // closed when no child runs and none will
}

// Timing of a child's life.
const (
	// readyTime is how long a child may take to start.
	readyTime = 30 * time.Second
	// shortestPause is between the end of a child and the start of the next, for quickRestarts of them and one more each restartTime;
	// after that it is longestPause, so that children who end at once for ever cost little. Both leave a child time to be back
	// within a second.
	shortestPause = 20 * time.Millisecond
	longestPause  = 800 * time.Millisecond
	quickRestarts = 60
	restartTime   = 10 * time.Second
	// watchEvery is how often the child is asked for a sign of life; patience is how long it may owe one: less than sshd's keepalive
	// grants a client, and more than a machine that is out of memory makes anybody wait who still gets on.
	watchEvery = 5 * time.Second
	patience   = 30 * time.Second
)

// watching is how a child is watched.
type watching struct{ every, patience time.Duration }

func (m *Monitor) watching() watching {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watch == (watching{}) {
		return watching{watchEvery, patience}
	}
	return m.watch
}

// maxSessions is the most that run at once or wait to begin: more than two for each connection that sshd allows. Each may hold a thread, in
// a write to STATE say, and Go ends a process that has 10,000 (runtime/debug.SetMaxThreads): three quarters are left to everything else.
const maxSessions = 2500

// Start starts the first child, and returns when that is ready to accept.
func Start(cfg Config) (*Monitor, error) {
	f, err := cfg.Listener.File()
	if err != nil {
		return nil, fmt.Errorf("prepare the listener for the SSH process: %w", err)
	}
	m := newMonitor(cfg)
	m.listener = f
	first := make(chan error, 1)
	go m.keep(first)
	if err := <-first; err != nil {
		return nil, fmt.Errorf("start the SSH process: %w", err)
	}
	return m, nil
}

func newMonitor(cfg Config) *Monitor {
	return &Monitor{Config: cfg, ended: make(chan struct{}),
		said: rate.NewLimiter(logPerSecond, logBurst), logins: rate.NewLimiter(loginsPerSecond, loginBurst),
		rests: rate.NewLimiter(rate.Every(restartTime), quickRestarts)}
}

// keep starts child after child until the monitor is closing. The kernel ends a child with the thread that started it, so
// this goroutine keeps its thread.
func (m *Monitor) keep(first chan<- error) {
	runtime.LockOSThread()
	defer close(m.ended)
	defer m.closeListener()
	for {
		err := m.listenAgain()
		var c *child
		if err == nil {
			c, err = m.startChild()
		}
		if first != nil {
			first <- err
			if err != nil {
				return
			}
			first = nil
		}
		if err != nil {
			m.Log.Error("the SSH process does not start; nobody can log in until it does", "err", err)
		} else {
			if err = m.follow(c); m.isClosing() {
				return
			}
			m.Log.Error("the SSH process ended and is started again; its sessions are lost, jobs go on", "err", err)
		}
		time.Sleep(m.rest(time.Now()))
		if m.isClosing() {
			return
		}
	}
}

// rest is how long to wait before the next child.
func (m *Monitor) rest(now time.Time) time.Duration {
	if m.rests.AllowN(now, 1) {
		return shortestPause
	}
	return longestPause
}

// follow serves the child until it ends, and returns how.
func (m *Monitor) follow(c *child) error {
	m.mu.Lock()
	if m.child = c; m.closing {
		c.say(sayShutdown)
	}
	m.mu.Unlock()
	go c.watch(m)
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
		go c.say(sayShutdown) // which waits for a child that does not listen
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
	return c.cmd.Process.Pid, c.resources(m.watching().every)
}
