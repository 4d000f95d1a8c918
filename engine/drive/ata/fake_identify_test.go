package ata

import (
	"encoding/binary"
	"fmt"
)

func (f *fake) identify() []byte {
	b := make([]byte, 512)
	put := func(n int, v uint16) { binary.LittleEndian.PutUint16(b[2*n:], v) }
	text := func(n, length int, s string) {
		s = fmt.Sprintf("%-*s", length, s)
		for at := 0; at < length; at += 2 {
			put(n+at/2, uint16(s[at])<<8|uint16(s[at+1]))
		}
	}
	text(10, 20, "  FAKE-SERIAL-1")
	text(23, 8, "FW 1.2")
	text(27, 40, "FAKE MODEL WITH A NAME LONGER THAN SCSI'S")
	put(48, 0x4001)
	put(59, f.sanitize)
	put(60, uint16(f.reached))
	put(61, uint16(f.reached>>16))
	put(76, 0x000e)
	put(77, 0x0004)
	put(80, 0x0ff0)
	w82, w83, w85, w86 := uint16(0), uint16(0x4000), uint16(0), uint16(0)
	if !f.narrow {
		w83 |= 1 << 10
		binary.LittleEndian.PutUint64(b[200:], f.reached)
	}
	if f.hpa {
		w82, w85 = w82|1<<10, w85|1<<10
	}
	if f.dco {
		w83 |= 1 << 11
	}
	if f.ama {
		w86 |= 1 << 15
		put(119, 0x4100)
	}
	if f.security {
		w82 |= 2
		w128 := uint16(0x21)
		for _, x := range []struct {
			is  bool
			bit int
		}{{f.password != "", 1}, {f.locked, 2}, {f.secFrozen, 3}, {f.attempts >= 5, 4}} {
			if x.is {
				w128 |= 1 << x.bit
			}
		}
		if f.password != "" {
			w85 |= 2
		}
		put(128, w128)
		put(89, 60)
		put(90, 0x8000|300)
	}
	put(82, w82)
	put(83, w83)
	put(84, 0x4000)
	put(85, w85)
	put(86, w86)
	put(87, 0x4100)
	for n, w := range []uint16{0x5000, 0xc500, 0x1234, 0x5678} {
		put(108+n, w)
	}
	put(169, 1)
	put(217, 7200)
	for n, w := range f.words {
		put(n, w)
	}
	if f.noChecksum {
		return b
	}
	return seal(b)
}

// seal ends a block with its signature and checksum.
func seal(b []byte) []byte {
	b[510], b[511] = 0xa5, 0
	var sum byte
	for _, x := range b {
		sum += x
	}
	b[511] = -sum
	return b
}
