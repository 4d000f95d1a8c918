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

// message is one thing said over the border. It is a datagram of JSON, with a descriptor beside it for a session.
type message struct {
	ID   uint32          `json:"id,omitempty"` // of a question and its answer; 0: none is awaited
	Say  string          `json:"say"`
	Err  string          `json:"err,omitempty"` // an answer's, if it is no
	Body json.RawMessage `json:"body,omitempty"`
}

// What is said. The child asks authorize, login, sign and resources' answer; it tells ready and session.
const (
	sayWelcome   = "welcome"   // monitor: the host keys and times to be used
	sayReady     = "ready"     // child: it is confined and about to accept
	sayAuthorize = "authorize" // child: may this key log in?
	sayLogin     = "login"     // child: this key was proved
	saySign      = "sign"      // child: sign this exchange hash
	saySession   = "session"   // child: here is a session's socket
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

// sessionSocket makes a file of a descriptor that came from the other process, which it takes over. (A net.Conn would do too, and costs
// a dozen more system calls.)
func sessionSocket(fd int) (*os.File, error) {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	kind := 0
	if err == nil {
		kind, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	}
	if err == nil && (domain != unix.AF_UNIX || kind != unix.SOCK_STREAM) {
		err = errors.New("it is no unix socket for a stream")
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("take over a socket: %w", err)
	}
	return os.NewFile(uintptr(fd), "session"), nil
}

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

// send says m, and hands over a descriptor if it is not none.
func (b border) send(m message, fd int) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("say %s: %w", m.Say, err)
	}
	if len(text) > maxMessage {
		return fmt.Errorf("say %s: %w", m.Say, errTooLong)
	}
	var rights []byte
	if fd != none {
		rights = unix.UnixRights(fd)
	}
	if _, _, err := b.WriteMsgUnix(text, rights, nil); err != nil {
		return fmt.Errorf("say %s: %w", m.Say, err)
	}
	return nil
}

// receive waits for the next message. A descriptor that came with it is the caller's; else fd is none. The error is io.EOF or a net error
// when the other side is gone, and any other if what it said makes no sense.
func (b border) receive(buf []byte) (m message, fd int, err error) {
	var rights [64]byte // room for more descriptors than one, so that all that come are found and closed
	n, nr, flags, _, err := b.ReadMsgUnix(buf, rights[:])
	if err != nil {
		return m, none, err
	}
	fd, err = received(rights[:nr])
	switch {
	case err != nil:
	case n == 0:
		err = net.ErrClosed
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = errTooLong
	default:
		err = json.Unmarshal(buf[:n], &m)
	}
	if err != nil && fd != none {
		unix.Close(fd)
		fd = none
	}
	return m, fd, err
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
