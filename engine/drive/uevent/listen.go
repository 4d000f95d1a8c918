package uevent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Sizes: of the queue, room for a rack's worth of drives that turn up at once, and of a message, of which the kernel's
// fields take 2 KiB at most.
const (
	queue   = 8 << 20
	message = 64 << 10
)

// group is the multicast group on which the kernel itself speaks; udevd's is the next.
const group = 1

// Listener hears everything from the moment it was opened, so that what is looked at after that misses nothing.
type Listener struct {
	socket *os.File
	closed atomic.Bool
}

// Open begins to listen.
func Open() (*Listener, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("listen for devices: %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queue) != nil { // not root
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queue)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: group}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen for devices: %w", err)
	}
	return &Listener{socket: os.NewFile(uintptr(fd), "uevent")}, nil
}

// Close ends Run, if it runs.
func (l *Listener) Close() error {
	l.closed.Store(true)
	return l.socket.Close()
}

// Run calls hand with every event, one after the other, until ctx ends or the listener is closed,
// which is no error. hand must be quick: while it
// works the queue fills, and when that is full an event with Lost is what comes of the rest.
func (l *Listener) Run(ctx context.Context, hand func(Event)) error {
	defer context.AfterFunc(ctx, func() { _ = l.socket.SetReadDeadline(time.Unix(1, 0)) })()
	raw, err := l.socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("listen for devices: %w", err)
	}
	b := make([]byte, message)
	for {
		e, ok, err := receive(raw, b)
		switch {
		case ctx.Err() != nil || l.closed.Load():
			return nil
		case err != nil:
			return fmt.Errorf("listen for devices: %w", err)
		case ok:
			hand(e)
		}
	}
}

// Listen opens a listener and runs it until ctx ends.
func Listen(ctx context.Context, hand func(Event)) error {
	l, err := Open()
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Run(ctx, hand)
}

// waiter calls f again whenever there may be something to read, until f says that it is done; as syscall.RawConn does.
type waiter interface {
	Read(f func(fd uintptr) (done bool)) error
}

// receive waits for one message. ok is false for one that is not the kernel's.
func receive(from waiter, b []byte) (e Event, ok bool, err error) {
	var n, flags int
	var sender unix.Sockaddr
	var failed error
	if err := from.Read(func(fd uintptr) bool {
		for failed = unix.EINTR; errors.Is(failed, unix.EINTR); {
			n, _, flags, sender, failed = unix.Recvmsg(int(fd), b, nil, 0)
		}
		return !errors.Is(failed, unix.EAGAIN)
	}); err != nil {
		return Event{}, false, err
	}
	return judge(b[:max(n, 0)], flags, sender, failed)
}

// judge decides what a message is worth. One that is the kernel's but is cut off or not understood counts as lost.
func judge(b []byte, flags int, sender unix.Sockaddr, failed error) (e Event, ok bool, err error) {
	switch {
	case errors.Is(failed, unix.ENOBUFS):
		return Event{Lost: true}, true, nil
	case failed != nil:
		return Event{}, false, failed
	case !fromKernel(sender):
		return Event{}, false, nil
	}
	e, err = Parse(b)
	if err != nil || flags&unix.MSG_TRUNC != 0 {
		return Event{Lost: true}, true, nil
	}
	return e, true, nil
}

// fromKernel tells the kernel's messages from those that any process may send to this socket or, with the right, to its
// group: only the kernel has port 0.
func fromKernel(sender unix.Sockaddr) bool {
	netlink, ok := sender.(*unix.SockaddrNetlink)
	return ok && netlink.Pid == 0 && netlink.Groups == group
}
