package nvmetcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// FuzzPDU: whatever arrives, a PDU is read as its header says or not at all, and no more is read than its length.
func FuzzPDU(f *testing.F) {
	f.Add(icreq(0, 0))
	f.Add(h2cData(1, 2, 0, make([]byte, 16), true))
	f.Add([]byte{4, 0, 72, 72, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Add([]byte{2, 0, 24, 0, 32, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		p, err := readPDU(r)
		used := len(b) - r.Len()
		var fatal *fatalError
		switch {
		case errors.As(err, &fatal):
			if used != commonHeader {
				t.Errorf("%d bytes were read of a PDU that is refused", used)
			}
		case err != nil:
		case used != int(le.Uint32(b[4:])) || len(p.header) != int(b[2]) || len(p.data) > used-len(p.header):
			t.Errorf("read %d bytes: header of %d, data of %d", used, len(p.header), len(p.data))
		}
	})
}

// FuzzConnection: bytes on a connection, with or without a handshake before, never make the drive panic or hang.
func FuzzConnection(f *testing.F) {
	f.Add(true, []byte{})
	f.Add(false, icreq(0, 0))
	capsule := append([]byte{4, 0, 72, 0, 72, 0, 0, 0}, make([]byte, 64)...)
	f.Add(true, capsule)
	c := connectCommand(0)
	c[39], c[33] = 1, 4
	f.Add(true, append(append([]byte{4, 0, 72, 72, 72, 4, 0, 0}, c[:]...), make([]byte, 1024)...))
	w := command(opWrite, 1)
	w[39], w[33] = 0x5A, 2
	f.Add(true, append(append(append([]byte{}, capsule[:8]...), w[:]...), h2cData(0, 0, 0, make([]byte, 512), true)...))
	config, err := Parse("size=1M")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, shaken bool, b []byte) {
		s, err := New(config, newHandClock())
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		s.server.start(s, theirs)
		go io.Copy(io.Discard, ours)
		if shaken {
			ours.Write(icreq(0, 0))
		}
		ours.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if _, err := ours.Write(b); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the drive takes no more: %v", err)
		}
		ours.Close()
		s.Close() // waits for the connection's goroutine
	})
}

// FuzzCommand: any three commands to a working drive, over which time goes by, are answered with the data they may have.
func FuzzCommand(f *testing.F) {
	seed := func(line byte, commands ...sqe) {
		var b []byte
		for _, c := range commands {
			b = append(b, c[:]...)
		}
		f.Add(line, b, []byte("data of the host"))
	}
	for i := range fuzzDrives {
		seed(byte(i), command(opSanitize, 0, 2), logCommand(logSanitize, 512), command(opRead, 1))
		seed(byte(i), command(opFormat, 0xFFFFFFFF, 1<<9|1), command(opIdentify, 1), command(opWrite, 1, 5))
		seed(byte(i), command(opIdentify, 0, 2), command(opIdentify, 0, 1), command(opAsyncEvent, 0))
		seed(byte(i), command(opDSM, 1, 0, 4), command(opWriteZeroes, 1, 3, 0, 9), propertySetCommand(propertyCC, 0))
	}
	f.Fuzz(func(t *testing.T, drive byte, commands, data []byte) {
		b := newBench(t, fuzzDrives[int(drive)%len(fuzzDrives)])
		for i := 0; len(commands) >= 64 && i < 3; i++ {
			c := sqe(commands[:64])
			commands = commands[64:]
			for _, q := range []*queue{b.admin, b.io} {
				if r := b.do(q, c, data); r.status != success && (r.pending || len(r.data) > 0) {
					t.Errorf("% X: status %04Xh, pending %v, %d bytes", c, r.status, r.pending, len(r.data))
				} else if len(r.data) > maxTransfer {
					t.Errorf("% X: %d bytes", c, len(r.data))
				}
			}
			b.clock.advance(400 * time.Millisecond)
		}
		b.s.sanitizeLog()
	})
}

var fuzzDrives = []string{
	"size=64K", "size=64K ns=2 sector=4096 detached=2 took=1s fail", "size=1M took=1s power-loss dark=1s", "size=64K took=1s vanish=1 fna=3",
	"size=64K hang", "size=64K took=1s stale read-only fill=OLD", "size=4E took=1s lie-half format-lie-half bad=3",
}

// FuzzParse: a line is a drive that can be made, or an error.
func FuzzParse(f *testing.F) {
	f.Add("nvme serial=N1 size=16M ns=2 sector=512,4096 sanitize=block,crypto,overwrite format=user,crypto took=3s lie")
	f.Add(`model="a \x00 b" serial=hex:00ff nguid=none eui64=0011223344556677 bad=1:3-9,12`)
	f.Add("nvme vanish=30 power-loss dark=1h never-ends=0 fail=always est=unknown log81=00ff refuse=1c")
	f.Add("size=4E,4K nsid=9,1 detached=1 stale=22 other=erased")
	f.Fuzz(func(t *testing.T, line string) {
		c, err := Parse(line)
		if err != nil {
			return
		}
		for i := range c.Namespaces {
			c.Namespaces[i].File = ""
		}
		s, err := New(c, newHandClock())
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		s.Close()
	})
}

// FuzzMemory holds the store that remembers only what was written against plain bytes.
func FuzzMemory(f *testing.F) {
	f.Add([]byte{0, 0, 1, 200, 1, 3, 7, 9, 2, 0, 0, 255, 0, 9, 9, 9, 2, 100, 200, 7})
	f.Fuzz(func(t *testing.T, ops []byte) {
		const chunk, size = 64, 40*64 + 24
		fills := []pattern{wordPattern(0x01020304), noise(7), records("OLD"), wordPattern(0)}
		m, want := newMemory(size, fills[2]), make([]byte, size)
		m.chunk = chunk
		fills[2].fill(want, 0)
		for n := 0; len(ops) >= 4 && n < 16; n++ {
			from := int64(ops[1]) * size / 256
			to := min(from+1+int64(ops[2])*int64(ops[2])*size/65536, size)
			switch p := fills[ops[3]%4]; ops[0] % 3 {
			case 0:
				data := bytes.Repeat([]byte{ops[3]}, int(to-from))
				m.WriteAt(data, from)
				copy(want[from:], data)
			case 1:
				m.wipe(p, from, to)
				p.fill(want[from:to], from)
			case 2:
				m.wipe(p, 0, size)
				p.fill(want, 0)
			}
			ops = ops[4:]
		}
		got := make([]byte, size)
		if m.ReadAt(got, 0); !bytes.Equal(got, want) {
			t.Error("the store differs from plain bytes")
		}
	})
}
