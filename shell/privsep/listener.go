package privsep

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// The listening socket is one open file in both processes. What the child does to it stays when the child is gone, so it is looked at
// before each new one.

// listens tells whether connections can still come.
func (m *Monitor) listens() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, err := m.Listener.SyscallConn()
	if err != nil {
		return false
	}
	listens := 0
	err2 := raw.Control(func(fd uintptr) { listens, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN) })
	return err == nil && err2 == nil && listens == 1
}

// listenAgain makes a new listener at the same address if a child has ended the listening of this one.
func (m *Monitor) listenAgain() error {
	if m.listens() {
		return nil
	}
	m.closeListener()
	at := m.Listener.Addr().String()
	ln, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("listen again: %w", err)
	}
	tcp := ln.(*net.TCPListener)
	f, err := tcp.File()
	if err != nil {
		ln.Close()
		return fmt.Errorf("prepare the listener for the SSH process: %w", err)
	}
	m.mu.Lock()
	m.Listener, m.listener = tcp, f
	m.mu.Unlock()
	m.Log.Warn("the SSH process had ended the listening: there is a new listener", "address", at)
	return nil
}

func (m *Monitor) closeListener() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Listener.Close()
	m.listener.Close()
}
