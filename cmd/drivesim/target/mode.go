package target

import "encoding/binary"

// Mode answers MODE SENSE of 6 and 10 bytes: SPC-5.
type Mode struct {
	ReadOnly bool
	Blocks   uint64 // of the block descriptor
	Size     int
	Pages    map[byte][]byte // bodies by code, after the two bytes of header
	Change   map[byte][]byte // masks of what MODE SELECT may change
}

// Sense answers; ok is false for a page that is not there.
func (m Mode) Sense(cdb []byte) (data []byte, ok bool) {
	long := cdb[0] == 0x5a
	pages, ok := m.pages(cdb[2]&0x3f, cdb[2]>>6, cdb[3])
	if !ok {
		return nil, false
	}
	var descriptor []byte
	if cdb[1]&0x08 == 0 { // DBD
		descriptor = m.descriptor(long && cdb[1]&0x10 != 0)
	}
	var flags byte
	if m.ReadOnly {
		flags = 0x80
	}
	room := int(cdb[4])
	if long {
		room = int(binary.BigEndian.Uint16(cdb[7:]))
		data = binary.BigEndian.AppendUint16(nil, uint16(6+len(descriptor)+len(pages)))
		data = append(data, 0, flags, byte(len(descriptor)>>4), 0) // LONGLBA where it is 16 bytes
		data = binary.BigEndian.AppendUint16(data, uint16(len(descriptor)))
	} else {
		data = []byte{byte(3 + len(descriptor) + len(pages)), 0, flags, byte(len(descriptor))}
	}
	data = append(append(data, descriptor...), pages...)
	return data[:min(len(data), room)], true
}

// pages are the pages asked for; control is 0 current, 1 changeable, 2 default, 3 saved.
func (m Mode) pages(code, control, sub byte) (out []byte, ok bool) {
	if sub != 0 && sub != 0xff {
		return nil, false
	}
	for c := 0; c < 0x3f; c++ {
		body, known := m.Pages[byte(c)]
		if !known || (code != 0x3f && code != byte(c)) {
			continue
		}
		if control == 1 {
			mask := make([]byte, len(body))
			copy(mask, m.Change[byte(c)])
			body = mask
		}
		out, ok = append(append(out, byte(c), byte(len(body))), body...), true
	}
	return out, ok || code == 0x3f
}

// descriptor is a block descriptor: SBC-4.
func (m Mode) descriptor(long bool) []byte {
	if long {
		b := binary.BigEndian.AppendUint64(nil, m.Blocks)
		return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 0), uint32(m.Size))
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(min(m.Blocks, 0xffffffff)))
	return binary.BigEndian.AppendUint32(b, uint32(m.Size)&0xffffff)
}

// Selection is what MODE SELECT asks for.
type Selection struct {
	Blocks uint64 // of the block descriptor; 0: as it is
	Size   int    // 0: no block descriptor
	Pages  map[byte][]byte
}

// ParseSelection reads the parameter list of MODE SELECT of 6 and 10 bytes: SPC-5. ok is false where it is cut short
// or inconsistent.
func ParseSelection(cdb, list []byte) (s Selection, ok bool) {
	head, length, descriptor := 4, int(cdb[4]), 0
	long := false
	if cdb[0] == 0x55 {
		head, length = 8, int(binary.BigEndian.Uint16(cdb[7:]))
	}
	if length > len(list) {
		return s, false
	}
	if list = list[:length]; length == 0 {
		return s, true
	}
	if len(list) < head {
		return s, false
	}
	if descriptor = int(list[3]); head == 8 {
		descriptor, long = int(binary.BigEndian.Uint16(list[6:])), list[4]&1 != 0
	}
	if list = list[head:]; descriptor > len(list) {
		return s, false
	}
	switch {
	case descriptor == 0:
	case descriptor == 8 && !long:
		s.Blocks, s.Size = uint64(binary.BigEndian.Uint32(list)), int(binary.BigEndian.Uint32(list[4:])&0xffffff)
	case descriptor == 16 && long:
		s.Blocks, s.Size = binary.BigEndian.Uint64(list), int(binary.BigEndian.Uint32(list[12:]))
	default:
		return s, false
	}
	s.Pages = map[byte][]byte{}
	for list = list[descriptor:]; len(list) > 0; {
		if len(list) < 2 || len(list) < 2+int(list[1]) || list[0]&0x40 != 0 {
			return s, false
		}
		s.Pages[list[0]&0x3f] = list[2 : 2+int(list[1])]
		list = list[2+int(list[1]):]
	}
	return s, true
}
