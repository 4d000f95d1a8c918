package target

import "encoding/binary"

// Pad makes a field of n bytes, left aligned, filled up with blanks.
func Pad(text []byte, n int) []byte {
	b := make([]byte, n)
	for i := copy(b, text); i < n; i++ {
		b[i] = ' '
	}
	return b
}

// Identity is what a target calls itself.
type Identity struct {
	Vendor, Product, Revision []byte
	Serial                    []byte
	NAA                       uint64 // 0: none
	RPM                       int    // 1: it does not rotate
}

// Standard is the answer to INQUIRY without a page: SPC-5.
func (id Identity) Standard() []byte {
	b := make([]byte, 96)
	b[2], b[3], b[4], b[7] = 6, 2, 91, 2 // SPC-4, this format, additional length, command queuing
	copy(b[8:], Pad(id.Vendor, 8))
	copy(b[16:], Pad(id.Product, 16))
	copy(b[32:], Pad(id.Revision, 4))
	for i, version := range []uint16{0x00a0, 0x0460, 0x04c0} { // SAM-5, SPC-4, SBC-3
		binary.BigEndian.PutUint16(b[58+2*i:], version)
	}
	return b
}

// Page frames a vital product data page: SPC-5.
func Page(code byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0, code}, uint16(len(body))), body...)
}

// Designators is the body of page 83h: SPC-5. name follows the vendor in the T10 vendor identification.
func (id Identity) Designators(name []byte) (body []byte) {
	if id.NAA != 0 {
		body = binary.BigEndian.AppendUint64([]byte{0x01, 0x03, 0, 8}, id.NAA)
	}
	t10 := append(Pad(id.Vendor, 8), name...)
	return append(append(body, 0x02, 0x01, 0, byte(len(t10))), t10...)
}

// Characteristics is the body of page B1h: SBC-4.
func (id Identity) Characteristics() []byte {
	b := make([]byte, 60)
	binary.BigEndian.PutUint16(b, uint16(id.RPM))
	b[3] = 3 // 2.5 inch
	return b
}

// Inquiry answers INQUIRY. pages are the bodies by code; cut makes every page end early, as some bridges do. ok is false for a
// page that is not there.
func (id Identity) Inquiry(cdb []byte, pages map[byte][]byte, cut bool) (data []byte, ok bool) {
	room := int(binary.BigEndian.Uint16(cdb[3:]))
	switch body, known := pages[cdb[2]]; {
	case cdb[1]&1 == 0 && cdb[2] != 0:
		return nil, false
	case cdb[1]&1 == 0:
		data = id.Standard()
	case cdb[2] == 0:
		data = Page(0, codes(pages))
	case !known:
		return nil, false
	default:
		data = Page(cdb[2], body)
	}
	if cut && cdb[1]&1 == 1 {
		data = data[:len(data)/2]
	}
	return data[:min(len(data), room)], true
}

// codes lists the pages in their order, page 00h itself first.
func codes(pages map[byte][]byte) []byte {
	list := []byte{0}
	for code := 1; code < 256; code++ {
		if _, ok := pages[byte(code)]; ok {
			list = append(list, byte(code))
		}
	}
	return list
}
