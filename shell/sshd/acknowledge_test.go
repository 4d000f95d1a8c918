package sshd

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What a client sends before it has logged in is acknowledged at once, and not held back for an answer, as the kernel does on its own
// after some questions and answers.
func TestAcknowledgedAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		wrap func(net.Conn) net.Conn
		want int
	}{
		"as it comes":     {func(nc net.Conn) net.Conn { return nc }, 0},
		"before a login":  {func(nc net.Conn) net.Conn { return attended(t, nc, proving) }, 1},
		"after the login": {func(nc net.Conn) net.Conn { return attended(t, nc, open) }, 0},
	} {
		client, server := tcpPair(t)
		wrapped, question := c.wrap(server), make([]byte, 16)
		for range 20 {
			if _, err := wrapped.Write(question); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(client, question); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Write(question); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(wrapped, question); err != nil {
				t.Fatal(err)
			}
		}
		if got := atOnce(t, server); got != c.want {
			t.Errorf("%s: TCP_QUICKACK is %d, want %d", name, got, c.want)
		}
	}
}

func attended(t *testing.T, nc net.Conn, p phase) net.Conn {
	c := newConn(&Server{config: Config{LoginGrace: time.Minute, Keepalive: time.Minute}}, nc)
	t.Cleanup(func() { c.Close() })
	c.enter(p)
	return c
}

func atOnce(t *testing.T, nc net.Conn) (value int) {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { value, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK) })
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}

func tcpPair(t *testing.T) (client, server net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err == nil {
		server, err = ln.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}
