package target

import "encoding/binary"

// Access is a read or a write of blocks.
type Access struct {
	Write  bool
	LBA    uint64
	Blocks uint64
}

// ParseAccess reads READ and WRITE of 6, 10, 12 and 16 bytes (SBC-4). ok is false for any other command, and for one
// that asks for protection information.
func ParseAccess(cdb []byte) (a Access, ok bool) {
	if len(cdb) < 16 {
		return Access{}, false
	}
	switch cdb[0] {
	case 0x08, 0x0a:
		a = Access{LBA: uint64(binary.BigEndian.Uint32(cdb) & 0x1fffff), Blocks: uint64(cdb[4])}
		if a.Blocks == 0 {
			a.Blocks = 256
		}
	case 0x28, 0x2a:
		a = Access{LBA: uint64(binary.BigEndian.Uint32(cdb[2:])), Blocks: uint64(binary.BigEndian.Uint16(cdb[7:]))}
	case 0xa8, 0xaa:
		a = Access{LBA: uint64(binary.BigEndian.Uint32(cdb[2:])), Blocks: uint64(binary.BigEndian.Uint32(cdb[6:]))}
	case 0x88, 0x8a:
		a = Access{LBA: binary.BigEndian.Uint64(cdb[2:]), Blocks: uint64(binary.BigEndian.Uint32(cdb[10:]))}
	default:
		return Access{}, false
	}
	if cdb[0] > 0x0a && cdb[1]&0xe0 != 0 { // RDPROTECT, WRPROTECT
		return Access{}, false
	}
	a.Write = cdb[0]&0x02 != 0
	return a, true
}

// Within tells whether all of it is on a drive of so many blocks.
func (a Access) Within(blocks uint64) bool { return a.LBA <= blocks && a.Blocks <= blocks-a.LBA }

// Capacity10 is the answer to READ CAPACITY(10): SBC-4.
func Capacity10(blocks uint64, size int) []byte {
	last := uint32(0xffffffff)
	if blocks-1 < uint64(last) {
		last = uint32(blocks - 1)
	}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), uint32(size))
}

// Capacity16 is the answer to READ CAPACITY(16): SBC-4. perPhysical is the power of two of logical blocks in a
// physical one.
func Capacity16(blocks uint64, size int, perPhysical byte) []byte {
	b := make([]byte, 32)
	binary.BigEndian.PutUint64(b, blocks-1)
	binary.BigEndian.PutUint32(b[8:], uint32(size))
	b[13] = perPhysical & 0x0f
	return b
}

// Exponent is the power of two by which a physical sector is larger than a logical one.
func Exponent(logical, physical int) (e byte) {
	for size := logical; size > 0 && size*2 <= physical; size *= 2 {
		e++
	}
	return e
}
