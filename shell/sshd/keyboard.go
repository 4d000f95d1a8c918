package sshd

import (
	"bytes"
	"io"
	"sync"
)

// maxTyped is how much typed input waits for a command that does not read; more is lost, as on a real terminal.
const maxTyped = 64 << 10

// intr is what ^C sends.
const intr = 0x03

// keyboard does for a command with a terminal what a line discipline would: ^C interrupts it. The client passes the key
// on as a byte like any other, and a command that runs does not read.
func (x *channel) keyboard(in io.Reader) io.Reader {
	typed := &typed{}
	typed.more.L = &typed.mu
	go x.conn.guard(func() {
		buf := make([]byte, 4<<10)
		for {
			n, err := in.Read(buf)
			if bytes.IndexByte(buf[:n], intr) >= 0 {
				x.interrupted()
			}
			typed.add(bytes.ReplaceAll(buf[:n], []byte{intr}, nil), err)
			if err != nil {
				return
			}
		}
	})
	return typed
}

// typed is input that waits to be read.
type typed struct {
	mu   sync.Mutex
	more sync.Cond
	buf  bytes.Buffer
	end  error
}

func (t *typed) add(p []byte, end error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxTyped - t.buf.Len(); len(p) > room {
		p = p[:room]
	}
	t.buf.Write(p)
	t.end = end
	t.more.Broadcast()
}

func (t *typed) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.buf.Len() == 0 && t.end == nil {
		t.more.Wait()
	}
	if t.buf.Len() == 0 {
		return 0, t.end
	}
	return t.buf.Read(p)
}
