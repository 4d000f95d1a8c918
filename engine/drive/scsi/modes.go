package scsi

import "encoding/binary"

// modes are the header and the block descriptor of the mode parameters: SPC-6 section 7.5, SBC-4 section 6.5.2.
type modes struct {
	protected bool // against writing
	sector    int  // bytes that the next format will give a logical block; 0: not said
}

// modes asks for all pages, which every drive has, and takes the beginning.
func (u unit) modes() (modes, error) {
	b, err := u.ask(room, 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, room, 0)
	if err != nil {
		return modes{}, err
	}
	return parseModes(b), nil
}

func parseModes(b []byte) modes {
	if len(b) < 8 {
		return modes{}
	}
	m := modes{protected: b[3]&0x80 != 0}
	switch n := binary.BigEndian.Uint16(b[6:]); {
	case b[4]&1 == 0 && n >= 8 && len(b) >= 16: // short LBA
		m.sector = sectorOf(binary.BigEndian.Uint32(b[12:]) & 0xffffff)
	case b[4]&1 == 1 && n >= 16 && len(b) >= 24: // long LBA
		m.sector = sectorOf(binary.BigEndian.Uint32(b[20:]))
	}
	return m
}

// modeSelect is the command and the parameters that give the next format another sector. 0 blocks mean as many as there is
// room for, if the sector is another one than now (SBC-4 section 6.5.2.2).
func modeSelect(sector int) (cdb, out []byte) {
	out = make([]byte, 16)
	out[7] = 8 // block descriptor length
	binary.BigEndian.PutUint32(out[12:], uint32(sector))
	return []byte{0x55, 0x10, 0, 0, 0, 0, 0, 0, byte(len(out)), 0}, out
}
