package nvmetcp

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	handshakeTime = 10 * time.Second
	writeTime     = 10 * time.Second // a host that takes no answers for so long has lost its connection
)

// conn is one connection, which is one queue. Only its own goroutine reads; answers come from any.
type conn struct {
	subsystem *Subsystem
	net       net.Conn
	queue     *queue
	align     int           // of the data that the host is sent, bytes
	head      atomic.Uint32 // entries of the submission queue that were taken
	incoming  map[uint16]*transfer
	nextTag   uint16
	write     sync.Mutex
}

// transfer is a command that waits for its data.
type transfer struct {
	sqe  sqe
	data []byte
	got  int // bytes
}

func newConn(s *Subsystem, nc net.Conn) *conn {
	c := &conn{subsystem: s, net: nc, align: 4, incoming: map[uint16]*transfer{}}
	c.queue = &queue{drop: c.close, entries: queueEntries}
	return c
}

func (c *conn) close() { c.net.Close() }

// serve works until the connection ends, for whatever reason; there is nobody to tell but the host.
func (c *conn) serve() {
	defer c.subsystem.leave(c.queue)
	defer c.close()
	r := bufio.NewReaderSize(c.net, 64<<10)
	err := c.handshake(r)
	for err == nil {
		var p pdu
		if p, err = readPDU(r); err == nil {
			err = c.take(p)
		}
	}
	var fatal *fatalError
	if errors.As(err, &fatal) {
		_ = c.send(composeTerm(fatal))
	}
}

// handshake exchanges ICReq and ICResp (NVMe/TCP 1.0, 3.4).
func (c *conn) handshake(r *bufio.Reader) error {
	if err := c.net.SetReadDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	p, err := readPDU(r)
	if err != nil {
		return err
	}
	align, err := judgeICReq(p)
	if err != nil {
		return err
	}
	c.align = align
	if err := c.net.SetReadDeadline(time.Time{}); err != nil || c.subsystem.isSilent() {
		return err
	}
	return c.send(composeICResp())
}

// judgeICReq tells which alignment the host asks for the data that it is sent, in bytes.
func judgeICReq(p pdu) (align int, err error) {
	switch {
	case p.kind != pduICReq:
		return 0, &fatalError{fesSequence, 0, p.header}
	case le.Uint16(p.header[8:]) != 0:
		return 0, &fatalError{fesUnsupported, 8, p.header}
	case p.header[10] > 31:
		return 0, &fatalError{fesHeader, 10, p.header}
	}
	return 4 * (int(p.header[10]) + 1), nil
}

func (c *conn) take(p pdu) error {
	switch p.kind {
	case pduCommand:
		return c.command(p)
	case pduH2CData:
		return c.hostData(p)
	case pduH2CTerm:
		return net.ErrClosed
	}
	return &fatalError{fesSequence, 0, p.header}
}

func (c *conn) command(p pdu) error {
	q := sqe(p.header[commonHeader:72])
	c.head.Add(1)
	g := q.sgl()
	switch {
	case !q.fromHost() || g.length == 0:
		return c.execute(q, nil)
	case g.kind == sglInCapsule:
		if g.address > uint64(len(p.data)) || uint64(g.length) > uint64(len(p.data))-g.address {
			return c.answer(&q, fail(sglOffsetInvalid))
		}
		return c.execute(q, p.data[g.address:][:g.length])
	case g.kind != sglTransport:
		return c.answer(&q, fail(sglTypeInvalid))
	case g.length > maxTransfer:
		return c.answer(&q, fail(invalidField))
	}
	return c.ask(q, int(g.length))
}

// ask makes the host send the data of a command.
func (c *conn) ask(q sqe, length int) error {
	if len(c.incoming) >= queueEntries {
		return &fatalError{fesLimit, 0, q[:]}
	}
	for c.incoming[c.nextTag] != nil {
		c.nextTag++
	}
	tag := c.nextTag
	c.nextTag++
	c.incoming[tag] = &transfer{sqe: q, data: make([]byte, length)}
	return c.send(composeR2T(q.cid(), tag, uint32(length)))
}

func (c *conn) hostData(p pdu) error {
	cid, tag := le.Uint16(p.header[8:]), le.Uint16(p.header[10:])
	t := c.incoming[tag]
	switch {
	case t == nil || t.sqe.cid() != cid:
		return &fatalError{fesHeader, 8, p.header}
	case le.Uint32(p.header[12:]) != uint32(t.got):
		return &fatalError{fesRange, 12, p.header}
	case le.Uint32(p.header[16:]) != uint32(len(p.data)) || len(p.data) > len(t.data)-t.got || len(p.data) == 0:
		return &fatalError{fesRange, 16, p.header}
	}
	t.got += copy(t.data[t.got:], p.data)
	if last := p.flags&flagLast != 0; last != (t.got == len(t.data)) {
		return &fatalError{fesRange, 1, p.header}
	}
	if t.got < len(t.data) {
		return nil
	}
	delete(c.incoming, tag)
	return c.execute(t.sqe, t.data)
}

func (c *conn) execute(q sqe, data []byte) error {
	r := request{sqe: q, data: data, finish: func(r reply) { _ = c.answer(&q, r) }}
	answer, late := c.subsystem.execute(c.queue, r)
	var err error
	if !answer.pending {
		err = c.answer(&q, answer)
	}
	for _, f := range late {
		f()
	}
	return err
}

// answer sends the data of a reply, as far as the host has room for it, and the completion.
func (c *conn) answer(q *sqe, r reply) error {
	head := uint16(c.head.Load() % c.queue.entries)
	response := composeResponse(q.cid(), head, r)
	g := q.sgl()
	data := r.data[:min(len(r.data), int(g.length))]
	if len(data) == 0 || r.status != success {
		return c.send(response)
	}
	if g.kind != sglTransport {
		return c.send(composeResponse(q.cid(), head, fail(sglTypeInvalid)))
	}
	return c.send(composeC2HData(q.cid(), len(data), c.align), data, response)
}

func (c *conn) send(parts ...[]byte) error {
	c.write.Lock()
	defer c.write.Unlock()
	if err := c.net.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	buffers := net.Buffers(parts)
	if _, err := buffers.WriteTo(c.net); err != nil {
		c.close()
		return err
	}
	return nil
}
