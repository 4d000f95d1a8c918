package ata

import (
	"encoding/binary"

	"wiped/cmd/drivesim/target"
)

// pass is an ATA PASS-THROUGH command as it was read: SAT-4.
type pass struct {
	Taskfile
	transfer  transfer
	length    int  // bytes that are to move
	registers bool // CK_COND: they come back whatever happened
	device    byte
}

// Protocols of the PROTOCOL field.
const (
	protocolNonData = 3
	protocolPIOIn   = 4
	protocolPIOOut  = 5
	protocolDMA     = 6
	protocolUDMAIn  = 10
	protocolUDMAOut = 11
)

// parsePass reads ATA PASS-THROUGH of 12 and 16 bytes. sector is for T_TYPE, have for a length that stands elsewhere.
func parsePass(cdb []byte, sector, have int) (p pass, ok bool) {
	if len(cdb) < 16 || (cdb[0] != 0x85 && cdb[0] != 0xa1) {
		return p, false
	}
	p.registers = cdb[2]&0x20 != 0
	if cdb[0] == 0x85 {
		p.Ext = cdb[1]&1 != 0
		p.Feature, p.Count = uint16(cdb[4]), uint16(cdb[6])
		p.LBA = uint64(cdb[12])<<16 | uint64(cdb[10])<<8 | uint64(cdb[8])
		p.device, p.Command = cdb[13], cdb[14]
		if p.Ext {
			p.Feature, p.Count = p.Feature|uint16(cdb[3])<<8, p.Count|uint16(cdb[5])<<8
			p.LBA |= uint64(cdb[11])<<40 | uint64(cdb[9])<<32 | uint64(cdb[7])<<24
		}
	} else {
		p.Feature, p.Count = uint16(cdb[3]), uint16(cdb[4])
		p.LBA = uint64(cdb[7])<<16 | uint64(cdb[6])<<8 | uint64(cdb[5])
		p.device, p.Command = cdb[8], cdb[9]
	}
	if !p.Ext {
		p.LBA |= uint64(p.device&0x0f) << 24
	}
	p.length = p.bytes(cdb[2], sector, have)
	switch cdb[1] >> 1 & 0x0f {
	case protocolNonData:
		p.transfer = noData
	case protocolPIOIn, protocolUDMAIn:
		p.transfer = fromDrive
	case protocolPIOOut, protocolUDMAOut:
		p.transfer = toDrive
	case protocolDMA:
		if p.transfer = toDrive; cdb[2]&0x08 != 0 {
			p.transfer = fromDrive
		}
	default:
		return p, false
	}
	return p, true
}

// bytes is how much the CDB says that moves: T_LENGTH says where that stands, BYT_BLOK and T_TYPE in which unit.
func (p pass) bytes(flags byte, sector, have int) int {
	n := 0
	switch flags & 0x03 {
	case 1:
		n = int(p.Feature)
	case 2:
		n = int(p.Count)
	case 3:
		return have
	}
	switch {
	case flags&0x04 == 0: // BYT_BLOK
		return n
	case flags&0x10 == 0: // T_TYPE
		return 512 * n
	}
	return sector * n
}

// passThrough is ATA PASS-THROUGH.
func (s *Drive) passThrough(c target.Command) target.Outcome {
	p, ok := parsePass(c.CDB, s.ata.spec.Sector, max(len(c.Out), c.Room))
	known, exists := s.ata.find(p.Taskfile)
	if !ok || exists && known.transfer != p.transfer || p.transfer != noData && p.length == 0 || p.transfer == toDrive && p.length > len(c.Out) {
		return s.check(target.InvalidField)
	}
	return s.answer(p, s.ata.do(p.Taskfile, c.Out))
}

// answer turns the drive's registers into an answer, when there are any.
func (s *Drive) answer(p pass, r Result) target.Outcome {
	if r.Never {
		return target.Outcome{Never: true}
	}
	if r.Then != nil {
		return target.Outcome{Wait: r.Wait, Then: func() target.Outcome { return s.answer(p, r.Then()) }}
	}
	data := r.Data[:min(len(r.Data), p.length)]
	if r.Error == 0 && (!p.registers || s.ata.spec.DropSense) {
		return target.OK(data)
	}
	if s.ata.spec.DropCount {
		r.Count = 0
	}
	out := target.Check(s.registers(p, r))
	out.Data = data
	return out
}

// meaning is the sense that a result has for SCSI: SAT-4.
func (r Result) meaning() target.Sense {
	switch {
	case r.Error&uncorrectable != 0:
		return target.Sense{Key: target.MediumError, ASC: 0x11}
	case r.Error&idNotFound != 0:
		return target.OutOfRange
	case r.Error != 0:
		return target.Sense{Key: target.Aborted}
	}
	return target.Sense{Key: target.Recovered, ASC: 0x00, ASCQ: 0x1d} // ATA PASS THROUGH INFORMATION AVAILABLE
}

// registers is the sense data with the registers in it.
func (s *Drive) registers(p pass, r Result) []byte {
	sense := r.meaning()
	if s.ata.spec.DropSense {
		return target.Sense{Key: sense.Key}.Fixed()
	}
	if !p.Ext { // LBA(27:24) are in the Device register then
		p.device = p.device&^0x0f | byte(r.LBA>>24)&0x0f
		r.LBA &= 0xffffff
		r.Count &= 0xff
	}
	if s.ata.spec.FixedSense {
		return s.fixed(p, r, sense)
	}
	d := make([]byte, 14) // ATA Status Return descriptor: SAT-4
	d[0], d[1], d[3] = 0x09, 12, r.Error
	if p.Ext {
		d[2] = 1
	}
	binary.BigEndian.PutUint16(d[4:], r.Count)
	for i, shift := range []int{24, 0, 32, 8, 40, 16} {
		d[6+i] = byte(r.LBA >> shift)
	}
	d[12], d[13] = p.device, r.status()
	sense.ATA = d
	return sense.Descriptor()
}

// fixed is the fixed format, which has no room for the upper halves and only tells whether they are zero: SAT-4.
func (s *Drive) fixed(p pass, r Result, sense target.Sense) []byte {
	b := sense.Fixed()
	var flags byte
	for bit, set := range map[byte]bool{0x80: p.Ext, 0x40: r.Count>>8 != 0, 0x20: r.LBA>>24 != 0} {
		if set {
			flags |= bit
		}
	}
	first := []byte{r.Error, r.status(), p.device, byte(r.Count)}
	last := []byte{flags, byte(r.LBA), byte(r.LBA >> 8), byte(r.LBA >> 16)}
	if s.ata.spec.OldSense { // as libata laid it out until 2024, in the wrong places
		copy(b[8:], first)
		b = append(b, make([]byte, 2)...)
		copy(b[16:], last)
		return b
	}
	b[0] |= 0x80
	copy(b[3:], first)
	copy(b[8:], last)
	return b
}
