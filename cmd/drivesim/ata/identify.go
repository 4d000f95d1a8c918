package ata

import (
	"encoding/binary"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/target"
)

// words is a data block in the making.
type words []byte

func (w words) set(i int, v ...uint16) {
	for k, x := range v {
		binary.LittleEndian.PutUint16(w[2*(i+k):], x)
	}
}

// text lays characters as IDENTIFY does, the first of each pair in the upper byte.
func (w words) text(i, n int, s []byte) {
	for k, padded := 0, target.Pad(s, n); k < n; k += 2 {
		w[2*i+k], w[2*i+k+1] = padded[k+1], padded[k]
	}
}

func (d *drive) identify(Taskfile, []byte) Result { return Result{Data: d.identifyData()} }

// identifyData is IDENTIFY DEVICE: ACS-3, and ATA8-ACS for what has become obsolete.
func (d *drive) identifyData() []byte {
	w := make(words, 512)
	w.set(0, 0x0040)
	w.set(1, 16383)
	w.set(3, 16)
	w.set(6, 63)
	w.text(10, 20, d.spec.Serial)
	w.text(23, 8, d.spec.Firmware)
	w.text(27, 40, d.spec.Model)
	w.set(47, 0x8010, 0x4000)
	w.set(49, 0x2f00, 0x4000) // LBA, DMA, IORDY, standby timer
	w.set(53, 0x0006)
	w.set(59, d.sanitizeWord())
	binary.LittleEndian.PutUint32(w[2*60:], uint32(min(d.hidden.current, 1<<28-1)))
	w.set(63, 0x0007, 0x0003, 120, 120, 120, 120)
	w.set(76, 0x0006) // SATA generations 1 and 2
	w.set(80, 0x07f0)
	d.features(w)
	w.set(88, 0x407f) // UDMA 6
	w.set(93, 0)
	binary.LittleEndian.PutUint64(w[2*100:], d.hidden.current)
	d.sectorWords(w)
	for i := range 4 {
		w.set(108+i, uint16(d.spec.WWN>>(48-16*i)))
	}
	d.securityWords(w)
	w.set(217, uint16(d.spec.RPM))
	w.set(222, 0x107f) // SATA, up to 3.1
	return sealed(w)
}

// features are words 82 to 87, and 119 and 120: what there is, and what of it is enabled.
func (d *drive) features(w words) {
	first := 0x0029 | boolBit(d.spec.Security, 1) | boolBit(d.spec.HasHPA, 10) // SMART, power management, write cache
	second := 0x7400 | boolBit(d.spec.HasDCO, 11)                              // flushes, 48-bit addresses
	third := 0x4020 | boolBit(d.spec.WWN != 0, 8)                              // general purpose logging
	w.set(82, first, second, third)
	w.set(85, first&^0x0022|0x0001|boolBit(d.security.enabled, 1), second&^0x4000|0x8000, third)
	w.set(119, 0x4000|boolBit(d.spec.HasAMA, 8), 0x4000|boolBit(d.spec.HasAMA, 8))
}

func (d *drive) sanitizeWord() uint16 {
	if len(d.spec.Sanitize) == 0 {
		return 0x0110
	}
	return 0x0110 | 1<<10 | 1<<12 | boolBit(d.spec.Can("crypto"), 13) | boolBit(d.spec.Can("overwrite"), 14) | boolBit(d.spec.Can("block"), 15)
}

func (d *drive) sectorWords(w words) {
	exponent := target.Exponent(d.spec.Sector, d.spec.Physical)
	w.set(106, 0x4000|boolBit(exponent > 0, 13)|boolBit(d.spec.Sector > 512, 12)|uint16(exponent))
	if d.spec.Sector > 512 {
		binary.LittleEndian.PutUint32(w[2*117:], uint32(d.spec.Sector/2)) // in words
	}
}

func (d *drive) securityWords(w words) {
	if !d.spec.Security {
		return
	}
	took := uint16(d.spec.Behaviour(erase.Security).Took.Minutes()/2) + 1 // in 2 minutes
	w.set(89, min(took, 255), 0)
	if d.spec.Enhanced {
		w.set(90, min(took, 255))
	}
	w.set(92, d.security.masterID)
	w.set(128, d.security.word(true, d.spec.Enhanced))
}
