package sshd

import (
	"context"
	"fmt"
	"net"
	"time"
)

const (
	// farewell is how long clients get to close their sessions after the handlers ended, so that none loses an exit
	// status that is still on the way.
	farewell = 2 * time.Second
	// lastWait is how long Shutdown waits for goroutines whose connections it has closed.
	lastWait = time.Second
)

// Shutdown stops accepting, ends the connections that have not logged in, waits for the handlers of the running
// sessions to return, which is theirs to do, and closes all connections. When ctx is done first it closes them at once
// and returns an error; handlers that are stuck in a write are freed by that.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopAccepting()
	err := wait(ctx, s.quiet)
	if err == nil {
		s.takeLeave(ctx)
	}
	left := s.closeAll(func(*conn) bool { return true })
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
	defer cancel()
	wait(last, s.empty)
	wait(last, s.quiet)
	if err != nil {
		return fmt.Errorf("shut down SSH: sessions still ran, %d connections were cut: %w", left, err)
	}
	return nil
}

// takeLeave closes each connection once the client has closed its sessions, which it does after the exit status.
func (s *Server) takeLeave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	for ctx.Err() == nil {
		s.closeAll(func(c *conn) bool { return !c.inSession() })
		look, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		gone := wait(look, s.empty) == nil
		cancel()
		if gone {
			return
		}
	}
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) stopAccepting() {
	s.mu.Lock()
	if !s.isClosing() {
		close(s.closing)
	}
	for ln := range s.listeners {
		ln.Close()
	}
	s.settle()
	s.mu.Unlock()
	s.closeAll(func(c *conn) bool { return !c.isOpen() })
}

func (s *Server) closeAll(which func(*conn) bool) (closed int) {
	s.mu.Lock()
	var all []*conn
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		if which(c) {
			c.closeFor("the server shuts down")
			closed++
		}
	}
	return closed
}

func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// settle announces what Shutdown waits for. The caller holds mu. Nothing is added once closing is closed, so neither
// count can rise again.
func (s *Server) settle() {
	if !s.isClosing() {
		return
	}
	announce(s.quiet, s.handlers == 0)
	announce(s.empty, len(s.conns) == 0)
}

func announce(signal chan struct{}, when bool) {
	select {
	case <-signal:
	default:
		if when {
			close(signal)
		}
	}
}

func (s *Server) listen(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return false
	}
	s.listeners[ln] = true
	return true
}

func (s *Server) unlisten(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return false
	}
	s.conns[c] = true
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.settle()
}

// begin counts a handler that is about to run, unless the server is shutting down.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return false
	}
	s.handlers++
	return true
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers--
	s.settle()
}
