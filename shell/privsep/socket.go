package privsep

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// maxMessage is the most bytes of one message; the kernel takes some 200 kB at once. A larger one ends the child.
const maxMessage = 128 << 10

// message is one thing said over the border. It is a datagram of JSON; beside an answer to the child there may be a descriptor.
type message struct {
	ID   uint32          `json:"id,omitempty"` // of a question and its answer; 0: none is awaited
	Say  string          `json:"say"`
	Err  string          `json:"err,omitempty"` // an answer's, if it is no
	Body json.RawMessage `json:"body,omitempty"`
}

// What is said. The child asks authorize, login, sign and session; it tells ready, and resources when asked.
const (
	sayWelcome   = "welcome"   // monitor: the host keys and times to be used
	sayReady     = "ready"     // child: it is confined and about to accept
	sayAuthorize = "authorize" // child: may this key log in?
	sayLogin     = "login"     // child: this key was proved; and a socket for a session, please
	saySign      = "sign"      // child: sign this exchange hash
	saySession   = "session"   // child: a socket for a session, please
	sayShutdown  = "shutdown"  // monitor: accept nobody, end when the sessions have
	sayResources = "resources" // monitor: how much do you hold? child: this
	sayAnswer    = "answer"    // monitor
)

// border is one end of the socket between the two processes. Its methods may be called from any goroutine.
type border struct{ *net.UnixConn }

var errTooLong = errors.New("message too long")

// pair makes the two ends of a socket, for descriptors that do not block and are closed in programs that are run.
func pair(kind int) (ours, theirs int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return none, none, fmt.Errorf("make a pair of sockets: %w", err)
	}
	return fds[0], fds[1], nil
}

// none is no descriptor.
const none = -1

// unixConn makes a connection of f, which it closes.
func unixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("take over a socket: %w", err)
	}
	u, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, errors.New("take over a socket: it is not a unix socket")
	}
	return u, nil
}

// send says m, and hands over a descriptor if it is not none. The child never has one to hand over, and may not: without one nothing but
// write is called.
func (b border) send(m message, fd int) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("say %s: %w", m.Say, err)
	}
	if len(text) > maxMessage {
		return fmt.Errorf("say %s: %w", m.Say, errTooLong)
	}
	if fd == none {
		_, err = b.Write(text)
	} else {
		_, _, err = b.WriteMsgUnix(text, unix.UnixRights(fd), nil)
	}
	if err != nil {
		return fmt.Errorf("say %s: %w", m.Say, err)
	}
	return nil
}

// hear waits for the next message of the child. It takes no descriptors: with no room for any the kernel closes those that come, before
// this process has had them. The error is a net error when the child is gone, and any other if what it said makes no sense.
func (b border) hear(buf []byte) (m message, err error) {
	n, _, flags, _, err := b.ReadMsgUnix(buf, nil)
	if err != nil {
		return m, err
	}
	if flags&unix.MSG_CTRUNC != 0 {
		return m, errors.New("it handed over a descriptor, and has none to hand over")
	}
	return m, m.read(buf[:n], flags)
}

// receive is hear for the child, which is given descriptors: the one that came with the message is the caller's, else fd is none. One that
// this process has no room for is lost, and the message is not.
func (b border) receive(buf []byte) (m message, fd int, err error) {
	var rights [64]byte // room for more descriptors than one, so that all that come are found and closed
	n, nr, flags, _, err := b.ReadMsgUnix(buf, rights[:])
	if err != nil {
		return m, none, err
	}
	fd, err = received(rights[:nr])
	if err == nil {
		err = m.read(buf[:n], flags)
	}
	if err != nil && fd != none {
		unix.Close(fd)
		fd = none
	}
	return m, fd, err
}

// read makes a message of what came.
func (m *message) read(text []byte, flags int) error {
	switch {
	case len(text) == 0:
		return net.ErrClosed
	case flags&unix.MSG_TRUNC != 0:
		return errTooLong
	}
	return json.Unmarshal(text, m)
}

// received takes the one descriptor out of a control message; surplus ones are closed. All of them are closed in programs that are run:
// package net asks for that.
func received(rights []byte) (int, error) {
	if len(rights) == 0 {
		return none, nil
	}
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return none, fmt.Errorf("read what came along: %w", err)
	}
	var all []int
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err == nil {
			all = append(all, fds...)
		}
	}
	if len(all) == 0 {
		return none, nil
	}
	for _, fd := range all[1:] {
		unix.Close(fd)
	}
	return all[0], nil
}
