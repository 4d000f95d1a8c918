package nvmetcp

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// closer is a connection of which only the end counts.
type closer struct {
	net.Conn
	closed func()
}

func (c closer) Close() error { c.closed(); return nil }

// serve serves a drive on the loopback until the test ends. The channel gets what Serve returned.
func serve(t testing.TB, line string) (*Subsystem, net.Addr, <-chan error) {
	t.Helper()
	config, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); s.Close() })
	return s, l.Addr(), ended
}

// host is the other end of one queue: it writes PDUs by hand, byte for byte as NVMe/TCP 1.0 draws them.
type host struct {
	t   testing.TB
	nc  net.Conn
	cid uint16
}

func dial(t testing.TB, addr net.Addr) *host {
	t.Helper()
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &host{t: t, nc: nc}
}

// icreq is the first PDU of a connection.
func icreq(version uint16, align byte) []byte {
	b := make([]byte, 128)
	b[2], b[4] = 128, 128
	le.PutUint16(b[8:], version)
	b[10] = align
	return b
}

func (h *host) send(b []byte) {
	h.t.Helper()
	if _, err := h.nc.Write(b); err != nil {
		h.t.Fatal(err)
	}
}

// receive reads a PDU: its header and its data.
func (h *host) receive() (header, data []byte, err error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(h.nc, head); err != nil {
		return nil, nil, err
	}
	total := le.Uint32(head[4:])
	if total < 8 || total > 2<<20 {
		return nil, nil, errors.New("a PDU of impossible length")
	}
	b := append(head, make([]byte, total-8)...)
	if _, err := io.ReadFull(h.nc, b[8:]); err != nil {
		return nil, nil, err
	}
	if b[3] != 0 {
		return b[:b[2]], b[b[3]:], nil
	}
	return b[:b[2]], b[b[2]:], nil
}

func (h *host) mustReceive(kind byte) (header, data []byte) {
	h.t.Helper()
	header, data, err := h.receive()
	if err != nil {
		h.t.Fatal(err)
	}
	if header[0] != kind {
		h.t.Fatalf("PDU of type %02Xh: % X; want %02Xh", header[0], header, kind)
	}
	return header, data
}

func (h *host) handshake(align byte) {
	h.t.Helper()
	h.send(icreq(0, align))
	h.mustReceive(1)
}

// submit sends a command capsule. With room the command asks for so many bytes by transport; data go in the capsule.
func (h *host) submit(c sqe, data []byte, room int) {
	h.t.Helper()
	h.cid++
	le.PutUint16(c[2:], h.cid)
	c[1] = 0x40 // SGL
	c[39] = 0x5A
	le.PutUint32(c[32:], uint32(room))
	if len(data) > 0 {
		c[39] = 0x01
		le.PutUint32(c[32:], uint32(len(data)))
	}
	b := make([]byte, 8, 72+len(data))
	b[0], b[2] = 4, 72
	if len(data) > 0 {
		b[3] = 72
	}
	le.PutUint32(b[4:], uint32(72+len(data)))
	h.send(append(append(b, c[:]...), data...))
}

// complete reads the data, if any, and the completion of the last command.
func (h *host) complete() (status, uint64, []byte) {
	h.t.Helper()
	var all []byte
	for {
		header, data, err := h.receive()
		switch {
		case err != nil:
			h.t.Fatal(err)
		case header[0] == 7:
			all = append(all, data...)
		case header[0] == 5 && le.Uint16(header[20:]) == h.cid:
			return status(le.Uint16(header[22:]) >> 1), le.Uint64(header[8:]), all
		default:
			h.t.Fatalf("unexpected PDU % X", header)
		}
	}
}

func (h *host) do(c sqe, data []byte, room int) (status, uint64, []byte) {
	h.t.Helper()
	h.submit(c, data, room)
	return h.complete()
}

// login connects an admin queue and one I/O queue.
func login(t testing.TB, s *Subsystem, addr net.Addr) (admin, io *host) {
	t.Helper()
	data := make([]byte, connectDataLen)
	copy(data[connectSubsystem:], s.NQN())
	copy(data[connectHost:], "nqn.test:host")
	le.PutUint16(data[connectCntlid:], 0xFFFF)
	admin, io = dial(t, addr), dial(t, addr)
	admin.handshake(0)
	st, id, _ := admin.do(connectCommand(0), data, 0)
	if st != success {
		t.Fatalf("connect the admin queue: %04Xh", st)
	}
	if st, _, _ := admin.do(propertySetCommand(propertyCC, 0x460001), nil, 0); st != success {
		t.Fatalf("enable: %04Xh", st)
	}
	io.handshake(0)
	le.PutUint16(data[connectCntlid:], uint16(id))
	if st, _, _ := io.do(connectCommand(1), data, 0); st != success {
		t.Fatalf("connect the I/O queue: %04Xh", st)
	}
	return admin, io
}
