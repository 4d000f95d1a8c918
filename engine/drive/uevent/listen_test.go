package uevent

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestJudge believes the kernel alone, and lets nothing of it get lost without a word.
func TestJudge(t *testing.T) {
	kernel := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}
	good := msg("add@/x", "ACTION=add", "DEVPATH=/x")
	said := Event{Action: "add", DevPath: "/x"}
	for _, test := range []struct {
		what   string
		b      []byte
		flags  int
		sender unix.Sockaddr
		failed error
		want   Event
		ok     bool
		err    error
	}{
		{"the kernel's message", good, 0, kernel, nil, said, true, nil},
		{"a process's message to the group", good, 0, &unix.SockaddrNetlink{Pid: 77, Groups: 1}, nil, Event{}, false, nil},
		{"a process's message to this socket", good, 0, &unix.SockaddrNetlink{Pid: 77}, nil, Event{}, false, nil},
		{"a message to no group", good, 0, &unix.SockaddrNetlink{}, nil, Event{}, false, nil},
		{"udevd's group", good, 0, &unix.SockaddrNetlink{Groups: 2}, nil, Event{}, false, nil},
		{"no sender", good, 0, nil, nil, Event{}, false, nil},
		{"another family", good, 0, &unix.SockaddrUnix{}, nil, Event{}, false, nil},
		{"an overrun", nil, 0, nil, unix.ENOBUFS, Event{Lost: true}, true, nil},
		{"a message cut off", good, unix.MSG_TRUNC, kernel, nil, Event{Lost: true}, true, nil},
		{"the kernel not understood", []byte("what?"), 0, kernel, nil, Event{Lost: true}, true, nil},
		{"a process not understood", []byte("what?"), 0, &unix.SockaddrNetlink{Pid: 77, Groups: 1}, nil, Event{}, false, nil},
		{"a failure", nil, 0, nil, unix.EBADF, Event{}, false, unix.EBADF},
	} {
		e, ok, err := judge(test.b, test.flags, test.sender, test.failed)
		if e != test.want || ok != test.ok || !errors.Is(err, test.err) {
			t.Errorf("judge of %s = %+v, %v, %v; want %+v, %v, %v", test.what, e, ok, err, test.want, test.ok, test.err)
		}
	}
}

// open skips the test where a process may not listen at all.
func open(t *testing.T) *Listener {
	t.Helper()
	l, err := Open()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EAFNOSUPPORT) {
		t.Skipf("this system lets nobody listen: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestRunEnds ends a listener that hears nothing, by its context and by closing it.
func TestRunEnds(t *testing.T) {
	for what, end := range map[string]func(*Listener, context.CancelFunc){
		"its context": func(_ *Listener, cancel context.CancelFunc) { cancel() },
		"Close":       func(l *Listener, _ context.CancelFunc) { _ = l.Close() },
	} {
		l := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx, func(Event) {}) }()
		end(l, cancel)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run ended by %s = %v; want no error", what, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("Run was not ended by %s", what)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = open(t)
	if err := Listen(ctx, func(Event) {}); err != nil {
		t.Errorf("Listen with a context that has ended = %v; want no error", err)
	}
}

// TestForged sends a message that looks like the kernel's straight to the listener's socket, as any process can.
func TestForged(t *testing.T) {
	l := open(t)
	raw, err := l.socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var address unix.Sockaddr
	if err := raw.Control(func(fd uintptr) { address, err = unix.Getsockname(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	forger, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(forger)
	to := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: address.(*unix.SockaddrNetlink).Pid}
	if err := unix.Sendto(forger, msg("remove@/forged", "ACTION=remove", "DEVPATH=/forged"), 0, to); err != nil {
		t.Skipf("this system lets nobody forge: %v", err)
	}
	for {
		e, ok, err := receive(raw, make([]byte, message))
		if err != nil {
			t.Fatal(err)
		}
		if e.DevPath == "/forged" {
			t.Fatalf("a forged message was believed: %+v", e)
		}
		if !ok {
			return
		}
	}
}

// closed is a socket that is none any more.
type closed struct{}

func (closed) Read(func(uintptr) bool) error { return io.ErrClosedPipe }

func TestReceiveFails(t *testing.T) {
	if _, ok, err := receive(closed{}, nil); ok || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("receive = %v, %v; want %v", ok, err, io.ErrClosedPipe)
	}
}
