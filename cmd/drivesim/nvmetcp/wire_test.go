package nvmetcp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

func TestDataOnTheWire(t *testing.T) {
	s, addr, _ := serve(t, "size=4M sector=4096")
	admin, io := login(t, s, addr)

	st, _, page := admin.do(command(opIdentify, 0, 1), nil, 4096)
	if st != success || len(page) != 4096 || page[77] != 8 {
		t.Fatalf("identify: %04Xh, %d bytes", st, len(page))
	}
	if _, _, page := admin.do(command(opIdentify, 0, 1), nil, 100); len(page) != 100 {
		t.Errorf("identify with room for 100 bytes brings %d", len(page))
	}

	small := bytes.Repeat([]byte{0xA5}, 8192)
	if st, _, _ := io.do(command(opWrite, 1, 1, 0, 1), small, 0); st != success {
		t.Fatalf("write in the capsule: %04Xh", st)
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB, asked for by R2T
	io.submit(command(opWrite, 1, 256, 0, 255), nil, len(large))
	r2t, _ := io.mustReceive(9)
	if cid, offset, length := le.Uint16(r2t[8:]), le.Uint32(r2t[12:]), le.Uint32(r2t[16:]); cid != io.cid || offset != 0 || length != 1<<20 {
		t.Fatalf("R2T for command %d: %d bytes from %d", cid, length, offset)
	}
	for at := 0; at < len(large); at += 300_000 {
		part := large[at:min(at+300_000, len(large))]
		io.send(h2cData(io.cid, le.Uint16(r2t[10:]), uint32(at), part, at+len(part) == len(large)))
	}
	if st, _, _ := io.complete(); st != success {
		t.Fatalf("write by R2T: %04Xh", st)
	}
	if st, _, got := io.do(command(opRead, 1, 256, 0, 255), nil, 1<<20); st != success || !bytes.Equal(got, large) {
		t.Errorf("read: %04Xh, %d bytes, not what was written", st, len(got))
	}
	if st, _, got := io.do(command(opRead, 1, 1, 0, 1), nil, 8192); st != success || !bytes.Equal(got, small) {
		t.Errorf("read: %04Xh, %d bytes, not what was written", st, len(got))
	}
}

func h2cData(cid, tag uint16, offset uint32, data []byte, last bool) []byte {
	b := make([]byte, 24, 24+len(data))
	b[0], b[2], b[3] = 6, 24, 24
	if last {
		b[1] = 4
	}
	le.PutUint32(b[4:], uint32(24+len(data)))
	le.PutUint16(b[8:], cid)
	le.PutUint16(b[10:], tag)
	le.PutUint32(b[12:], offset)
	le.PutUint32(b[16:], uint32(len(data)))
	return append(b, data...)
}

func TestHostAlignment(t *testing.T) {
	s, addr, _ := serve(t, "")
	h := dial(t, addr)
	h.handshake(31) // 128 bytes
	data := make([]byte, connectDataLen)
	copy(data[connectSubsystem:], s.NQN())
	le.PutUint16(data[connectCntlid:], 0xFFFF)
	h.do(connectCommand(0), data, 0)
	h.do(propertySetCommand(propertyCC, 0x460001), nil, 0)
	h.submit(command(opIdentify, 0, 1), nil, 4096)
	header, page := h.mustReceive(7)
	if header[3] != 128 || len(page) != 4096 || !bytes.HasPrefix(page[24:], []byte("DRIVESIM NVME")) {
		t.Errorf("data from %d, %d bytes", header[3], len(page))
	}
}

// TestBreaches: each breach of the transport's rules ends the connection with a C2HTermReq, and harms no other.
func TestBreaches(t *testing.T) {
	s, addr, _ := serve(t, "")
	admin, io := login(t, s, addr)
	waiting := func(tag uint16, offset uint32, length int, last bool) func(h *host) {
		return func(h *host) {
			h.handshake(0)
			h.submit(command(opWrite, 1), nil, 512)
			r2t, _ := h.mustReceive(9)
			h.send(h2cData(h.cid, le.Uint16(r2t[10:])+tag, offset, make([]byte, length), last))
		}
	}
	for name, test := range map[string]struct {
		do   func(h *host)
		want uint16
	}{
		"another version":          {func(h *host) { h.send(icreq(1, 0)) }, fesUnsupported},
		"impossible alignment":     {func(h *host) { h.send(icreq(0, 32)) }, fesHeader},
		"a command first":          {func(h *host) { h.submit(command(opIdentify, 0), nil, 0) }, fesSequence},
		"two handshakes":           {func(h *host) { h.handshake(0); h.send(icreq(0, 0)) }, fesSequence},
		"unknown type":             {func(h *host) { h.send([]byte{0x0A, 0, 24, 0, 24, 0, 0, 0}) }, fesHeader},
		"a controller's PDU":       {func(h *host) { h.send([]byte{5, 0, 24, 0, 24, 0, 0, 0}) }, fesHeader},
		"a digest":                 {func(h *host) { h.send([]byte{0, 1, 128, 0, 128, 0, 0, 0}) }, fesHeader},
		"header length":            {func(h *host) { h.send([]byte{4, 0, 73, 0, 73, 0, 0, 0}) }, fesHeader},
		"4 GiB":                    {func(h *host) { h.send([]byte{4, 0, 72, 72, 0xFF, 0xFF, 0xFF, 0xFF}) }, fesHeader},
		"data nobody asked for":    {func(h *host) { h.handshake(0); h.send(h2cData(1, 7, 0, make([]byte, 8), true)) }, fesHeader},
		"data with another tag":    {waiting(1, 0, 512, true), fesHeader},
		"data from elsewhere":      {waiting(0, 4, 508, true), fesRange},
		"more data than asked for": {waiting(0, 0, 516, true), fesRange},
		"less data, and the last":  {waiting(0, 0, 508, true), fesRange},
		"all data, not the last":   {waiting(0, 0, 512, false), fesRange},
	} {
		t.Run(name, func(t *testing.T) {
			h := dial(t, addr)
			h.t = t
			test.do(h)
			header, about := h.mustReceive(3)
			if got := le.Uint16(header[8:]); got != test.want || len(about) == 0 {
				t.Errorf("fatal error %d about % X, want %d", got, about, test.want)
			}
			if _, _, err := h.receive(); err == nil {
				t.Error("the connection goes on")
			}
		})
	}
	if st, _, _ := io.do(command(opRead, 1), nil, 512); st != success {
		t.Errorf("another connection: %04Xh", st)
	}
	if st, _, _ := admin.do(command(opIdentify, 0, 1), nil, 4096); st != success {
		t.Errorf("another connection: %04Xh", st)
	}
}

func TestAdminQueueTakesTheOthersAlong(t *testing.T) {
	s, addr, _ := serve(t, "")
	admin, io := login(t, s, addr)
	admin.nc.Close()
	if _, _, err := io.receive(); err == nil {
		t.Error("the I/O queue outlives its controller")
	}
}

func TestEventAndFormatAreAnsweredLate(t *testing.T) {
	s, addr, _ := serve(t, "size=1M took=50ms")
	admin, io := login(t, s, addr)
	admin.submit(command(opAsyncEvent, 0), nil, 0)
	event := admin.cid
	if st, _, _ := admin.do(command(opSanitize, 0, 2), nil, 0); st != success {
		t.Fatalf("sanitize: %04Xh", st)
	}
	header, _ := admin.mustReceive(5)
	if cid, result := le.Uint16(header[20:]), le.Uint32(header[8:]); cid != event || result != 0x810106 {
		t.Errorf("event %#x for command %d, want 0x810106 for %d", result, cid, event)
	}
	if st, _, _ := admin.do(command(opFormat, 1, 1<<9|1), nil, 0); st != success {
		t.Errorf("format: %04Xh", st)
	}
	if st, _, got := io.do(command(opRead, 1), nil, 4096); st != success || len(got) != 4096 {
		t.Errorf("read: %04Xh, %d bytes of 4096", st, len(got))
	}
}

func TestVanishOnTheWire(t *testing.T) {
	s, addr, ended := serve(t, "size=1M took=50ms vanish")
	admin, io := login(t, s, addr)
	if st, _, _ := admin.do(command(opSanitize, 0, 2), nil, 0); st != success {
		t.Fatalf("sanitize: %04Xh", st)
	}
	if _, _, err := admin.receive(); err == nil {
		t.Error("the admin queue is still there")
	}
	if _, _, err := io.receive(); err == nil {
		t.Error("the I/O queue is still there")
	}
	if err := <-ended; !errors.Is(err, ErrVanished) {
		t.Errorf("Serve: %v", err)
	}
	if nc, err := net.Dial("tcp", addr.String()); err == nil {
		nc.Close()
		t.Error("the port is still open")
	}
}

func TestPowerLossOnTheWire(t *testing.T) {
	s, addr, _ := serve(t, "size=1M took=200ms power-loss dark=100ms")
	admin, _ := login(t, s, addr)
	admin.do(command(opSanitize, 0, 2), nil, 0)
	if _, _, err := admin.receive(); err == nil {
		t.Fatal("the connection outlives the power")
	}
	for s.isDark() {
		h := dial(t, addr)
		h.nc.Write(icreq(0, 0))
		if _, _, err := h.receive(); err == nil && s.isDark() {
			t.Fatal("a drive without power answers")
		}
	}
	admin, _ = login(t, s, addr)
	var page []byte
	for le.Uint16(append(page, 2, 0, 2, 0)[2:])&7 == 2 {
		_, _, page = admin.do(logCommand(logSanitize, 512), nil, 512)
	}
	if got := le.Uint16(page[2:]) & 7; got != 1 {
		t.Errorf("after the power loss the sanitize ends with %d", got)
	}
}

func TestHangOnTheWire(t *testing.T) {
	s, addr, _ := serve(t, "size=1M hang")
	admin, io := login(t, s, addr)
	if st, _, _ := admin.do(command(opSanitize, 0, 2), nil, 0); st != success {
		t.Fatalf("sanitize: %04Xh", st)
	}
	admin.submit(command(opKeepAlive, 0), nil, 0)
	io.submit(command(opRead, 1), nil, 512)
	newcomer := dial(t, addr)
	newcomer.send(icreq(0, 0))
	for _, h := range []*host{admin, io, newcomer} {
		h.nc.SetDeadline(time.Now().Add(100 * time.Millisecond))
		_, _, err := h.receive()
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v; want a connection that stays open and silent", err)
		}
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	config, err := Parse("")
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
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, l) }()
	login(t, s, l.Addr())
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
