package volatile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"
)

// peer is the client's side of NBD, as far as a test needs it.
type peer struct {
	t    testing.TB
	conn net.Conn
	done chan error
}

func connect(t testing.TB, d *Drive) *peer {
	t.Helper()
	ours, theirs := net.Pipe()
	p := &peer{t, ours, make(chan error, 1)}
	go func() { p.done <- d.Serve(theirs) }()
	t.Cleanup(func() { _ = ours.Close() })
	_ = ours.SetDeadline(time.Now().Add(20 * time.Second))
	var hello struct {
		Magic, Option uint64
		Flags         uint16
	}
	p.read(&hello)
	if hello.Magic != magicServer || hello.Option != magicOption || hello.Flags != 3 {
		t.Fatalf("it begins with %+v", hello)
	}
	p.write(uint32(3))
	return p
}

func (p *peer) read(v any) {
	p.t.Helper()
	if err := binary.Read(p.conn, binary.BigEndian, v); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) write(values ...any) {
	p.t.Helper()
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, binary.BigEndian, v); err != nil {
			p.t.Fatal(err)
		}
	}
	if _, err := p.conn.Write(b.Bytes()); err != nil {
		p.t.Fatal(err)
	}
}

// option sends an option and returns the kinds of the replies and their data.
func (p *peer) option(option uint32, data []byte) (kinds []uint32, all []byte) {
	p.t.Helper()
	p.write(uint64(magicOption), option, uint32(len(data)), data)
	for {
		var r struct {
			Magic                uint64
			Option, Kind, Length uint32
		}
		p.read(&r)
		if r.Magic != magicReply || r.Option != option {
			p.t.Fatalf("reply %+v to option %d", r, option)
		}
		part := make([]byte, r.Length)
		if _, err := io.ReadFull(p.conn, part); err != nil {
			p.t.Fatal(err)
		}
		kinds, all = append(kinds, r.Kind), append(all, part...)
		if r.Kind != replyInfo {
			return kinds, all
		}
	}
}

func (p *peer) request(kind, flags uint16, off uint64, length uint32, payload []byte) (code uint32, data []byte) {
	p.t.Helper()
	p.write(uint32(magicRequest), flags, kind, uint64(77), off, length, payload)
	var r struct {
		Magic, Code uint32
		Cookie      uint64
	}
	p.read(&r)
	if r.Magic != magicSimple || r.Cookie != 77 {
		p.t.Fatalf("reply %+v", r)
	}
	if kind == commandRead && r.Code == 0 {
		data = make([]byte, length)
		if _, err := io.ReadFull(p.conn, data); err != nil {
			p.t.Fatal(err)
		}
	}
	return r.Code, data
}

// TestNBD: negotiation as qemu does it, reads, writes, FUA, flush, what is refused, and the end.
func TestNBD(t *testing.T) {
	m, d, medium := rig(t, 1, 1<<20)
	p := connect(t, d)
	if kinds, _ := p.option(8, nil); len(kinds) != 1 || kinds[0] != replyUnsupported { // structured replies
		t.Errorf("an unknown option was answered with %#x", kinds)
	}
	kinds, info := p.option(optionGo, []byte{0, 0, 0, 0, 0, 0})
	if len(kinds) != 3 || kinds[2] != replyAck || binary.BigEndian.Uint64(info[2:]) != testSize ||
		binary.BigEndian.Uint16(info[10:]) != hasFlags|sendFlush|sendFUA {
		t.Fatalf("GO was answered with %#x, %x", kinds, info)
	}
	if code, _ := p.request(commandWrite, 0, 0, 2*Sector, sectors(2, 7)); code != 0 {
		t.Errorf("write: error %d", code)
	}
	if code, data := p.request(commandRead, 0, Sector, Sector, nil); code != 0 || !bytes.Equal(data, sectors(1, 7)) || medium[0] != 0 {
		t.Errorf("read: error %d; the medium holds %d before a flush", code, medium[0])
	}
	if code, _ := p.request(commandWrite, commandFUA, 4*Sector, Sector, sectors(1, 8)); code != 0 || medium[4*Sector] != 8 || medium[0] != 0 {
		t.Errorf("forced write: error %d; the medium holds %d", code, medium[4*Sector])
	}
	if code, _ := p.request(commandFlush, 0, 0, 0, nil); code != 0 || medium[0] != 7 {
		t.Errorf("flush: error %d; the medium holds %d", code, medium[0])
	}
	for kind, off := range map[uint16]uint64{commandRead: testSize, commandWrite: 1 << 63, 4: 0} {
		var payload []byte
		if kind == commandWrite {
			payload = sectors(1, 9)
		}
		if code, _ := p.request(kind, 0, off, Sector, payload); code == 0 {
			t.Errorf("command %d at %d was taken", kind, off)
		}
	}
	if m.Counts.Writes != 2 || m.Counts.Forced != 1 || m.Counts.Flushes != 1 {
		t.Errorf("counted %+v", m.Counts)
	}
	p.write(uint32(magicRequest), uint16(0), uint16(commandDisconnect), uint64(1), uint64(0), uint32(0))
	if err := <-p.done; err != nil {
		t.Errorf("a client that leaves in order: %v", err)
	}
}

// TestNBDPowerOff: a client hears nothing any more, not even an error.
func TestNBDPowerOff(t *testing.T) {
	m, d, _ := rig(t, 1, 1<<20)
	p := connect(t, d)
	p.option(optionGo, []byte{0, 0, 0, 0, 0, 0})
	m.CutAfter(1)
	p.write(uint32(magicRequest), uint16(0), uint16(commandFlush), uint64(1), uint64(0), uint32(0))
	_ = p.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := p.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v came after the power was off", n, err)
	}
	_ = p.conn.Close()
	if err := <-p.done; !errors.Is(err, ErrOff) {
		t.Errorf("the server left for %v", err)
	}
}

// FuzzNBD: whatever a client sends, the server ends with it.
func FuzzNBD(f *testing.F) {
	for _, seed := range [][]byte{
		{0, 0, 0, 3},
		append(binary.BigEndian.AppendUint64([]byte{0, 0, 0, 3}, magicOption), 0, 0, 0, 1, 0, 0, 0, 0, // a write of 512 bytes, cut short
			0x25, 0x60, 0x95, 0x13, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0),
		append(binary.BigEndian.AppendUint64([]byte{0, 0, 0, 0}, magicOption), 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0x25, 0x60, 0x95, 0x13),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		m := NewMachine(rand.New(rand.NewPCG(1, 1)))
		d, err := m.NewDrive(make(memory, testSize), testSize, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- d.Serve(theirs) }()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		_, _ = ours.Write(said)
		_ = ours.Close()
		asked := bytes.Contains(said, binary.BigEndian.AppendUint32(nil, magicRequest)) || bytes.Contains(said, []byte{0, 0, 0, optionAbort})
		if err := <-done; err == nil && !asked {
			t.Errorf("the server takes this for an orderly end: %x", said)
		} else if errors.Is(err, ErrOff) {
			t.Errorf("the power went: %v", err)
		}
	})
}
