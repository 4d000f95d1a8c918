package sshd

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledge has the kernel acknowledge at once what was read. Until it has logged in, the ssh program keeps a small packet back as
// long as an earlier one is not acknowledged (Nagle's algorithm, RFC 896), and Linux delays that by 40 ms, hoping for an answer to send
// it with: each login would wait for that once or twice. It holds for what was read so far only (tcp(7), TCP_QUICKACK); that it fails
// costs time and nothing else.
func acknowledge(nc net.Conn) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
}
