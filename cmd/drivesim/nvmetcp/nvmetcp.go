// Package nvmetcp is an NVMe subsystem of test drives inside this process, served over NVMe/TCP, so that the kernel's own
// driver makes block devices of it. It knows the NVMe base specification 1.4, NVMe/TCP 1.0 and the ways in which drives
// misbehave, and must not know how wiped reads those standards: it is there to disagree with it.
package nvmetcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// ErrVanished is what Serve returns when the drive vanished, as its line asked for.
var ErrVanished = errors.New("the drive has vanished")

// Clock is the time that a subsystem lives by.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once in its own goroutine, or in that of whoever moves the time on. The result takes it back.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// server holds the connections of a subsystem. Its lock and the subsystem's are never held together.
type server struct {
	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]bool
	shut     bool
	running  sync.WaitGroup
}

// Serve answers hosts on l until ctx is done (nil), the drive vanishes (ErrVanished) or l fails. It closes l and every
// connection, and returns when no goroutine of it is left. It is to be called once.
func (s *Subsystem) Serve(ctx context.Context, l net.Listener) error {
	s.server.mu.Lock()
	s.server.listener = l
	s.server.mu.Unlock()
	stop := context.AfterFunc(ctx, s.server.close)
	defer stop()
	defer s.server.running.Wait()
	defer s.server.close()
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			s.server.start(s, nc)
		case s.hasVanished():
			return ErrVanished
		case ctx.Err() != nil:
			return nil
		default:
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		}
	}
}

// start serves one connection, unless the server is closed or the drive has no power.
func (v *server) start(s *Subsystem, nc net.Conn) {
	c := newConn(s, nc)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.shut {
		c.close()
		return
	}
	v.conns[c] = true
	v.running.Go(func() {
		if s.isDark() { // asked only now that drop would find it
			c.close()
		}
		c.serve()
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.conns, c)
	})
}

// drop closes every connection; new ones may come.
func (v *server) drop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for c := range v.conns {
		c.close()
	}
}

// close closes the listener and every connection for good.
func (v *server) close() {
	v.mu.Lock()
	v.shut = true
	if v.listener != nil {
		v.listener.Close()
	}
	v.mu.Unlock()
	v.drop()
}
