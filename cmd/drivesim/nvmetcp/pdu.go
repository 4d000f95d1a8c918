package nvmetcp

import (
	"encoding/binary"
	"fmt"
	"io"
)

var le = binary.LittleEndian

// pduType is the first byte of a PDU (NVMe/TCP 1.0, 3.6).
type pduType byte

const (
	pduICReq    pduType = 0x00
	pduICResp   pduType = 0x01
	pduH2CTerm  pduType = 0x02
	pduC2HTerm  pduType = 0x03
	pduCommand  pduType = 0x04
	pduResponse pduType = 0x05
	pduH2CData  pduType = 0x06
	pduC2HData  pduType = 0x07
	pduR2T      pduType = 0x09
)

// Flags of H2CData and C2HData, and of all PDUs.
const (
	flagHeaderDigest = 1 << 0
	flagDataDigest   = 1 << 1
	flagLast         = 1 << 2
)

// Fatal error status of a C2HTermReq (NVMe/TCP 1.0, 3.6.2.4).
const (
	fesHeader      uint16 = 1 // invalid PDU header field; the information is its offset
	fesSequence    uint16 = 2
	fesRange       uint16 = 4 // data transfer out of range
	fesLimit       uint16 = 5 // data transfer limit exceeded
	fesUnsupported uint16 = 6 // unsupported parameter
)

const (
	commonHeader  = 8
	inCapsule     = 8192    // most data in a command capsule, bytes
	maxTransfer   = 1 << 20 // most data of one command, bytes: MDTS 8 of 4096-byte pages
	maxPadding    = 128     // before the data, bytes
	maxTermHeader = 128     // of the PDU that a TermReq complains about, bytes
)

// arriving says how each PDU that a host may send looks: the length of its header, and the most data behind it.
var arriving = map[pduType]struct{ header, data int }{
	pduICReq:   {128, 0},
	pduH2CTerm: {24, maxTermHeader},
	pduCommand: {72, inCapsule},
	pduH2CData: {24, maxTransfer},
}

// pdu is one PDU as it arrived: its header with the common part, and its data without the padding before it.
type pdu struct {
	kind   pduType
	flags  byte
	header []byte
	data   []byte
}

// fatalError is a breach of the transport's rules, which ends the connection with a C2HTermReq.
type fatalError struct {
	status uint16
	info   uint32
	header []byte // of the PDU that is complained about
}

func (e *fatalError) Error() string {
	return fmt.Sprintf("transport error %d, information %#x", e.status, e.info)
}

// readPDU reads one PDU. The error is a *fatalError if the PDU is none that a host may send.
func readPDU(r io.Reader) (pdu, error) {
	var head [commonHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return pdu{}, err
	}
	headerLen, offset, total, err := layout(head)
	if err != nil {
		return pdu{}, err
	}
	b := make([]byte, total)
	copy(b, head[:])
	if _, err := io.ReadFull(r, b[commonHeader:]); err != nil {
		return pdu{}, fmt.Errorf("read the rest of PDU %02xh: %w", head[0], err)
	}
	return pdu{kind: pduType(head[0]), flags: head[1], header: b[:headerLen], data: b[offset:]}, nil
}

// layout judges a common header: the length of the whole header, where the data begins, and where it ends, in bytes.
func layout(head [commonHeader]byte) (header, data, end int, err error) {
	bad := func(offset uint32) (int, int, int, error) {
		return 0, 0, 0, &fatalError{fesHeader, offset, head[:]}
	}
	form, ok := arriving[pduType(head[0])]
	total, offset := int64(le.Uint32(head[4:])), int(head[3])
	switch {
	case !ok:
		return bad(0)
	case head[1]&(flagHeaderDigest|flagDataDigest) != 0: // none was agreed on
		return bad(1)
	case int(head[2]) != form.header:
		return bad(2)
	case total < int64(form.header) || total > int64(form.header+maxPadding+form.data):
		return bad(4)
	case total == int64(form.header): // no data: the offset means nothing
		return form.header, form.header, form.header, nil
	case pduType(head[0]) == pduH2CTerm: // it has no data offset
		return form.header, form.header, int(total), nil
	case offset < form.header || int64(offset) > total || total-int64(offset) > int64(form.data):
		return bad(3)
	}
	return form.header, offset, int(total), nil
}

// compose makes the header of a PDU of headerLen bytes and, if there is data, of the padding that brings it to a
// multiple of align bytes.
func compose(kind pduType, flags byte, headerLen, dataLen, align int) []byte {
	offset := 0
	padded := headerLen
	if dataLen > 0 {
		padded = (headerLen + align - 1) / align * align
		offset = padded
	}
	b := make([]byte, padded)
	b[0], b[1], b[2], b[3] = byte(kind), flags, byte(headerLen), byte(offset)
	le.PutUint32(b[4:], uint32(padded+dataLen))
	return b
}

// composeICResp: version 0, no alignment asked of the host, no digests (NVMe/TCP 1.0, 3.6.2.3).
func composeICResp() []byte {
	b := compose(pduICResp, 0, 128, 0, 1)
	le.PutUint32(b[12:], maxTransfer) // MAXH2CDATA
	return b
}

func composeR2T(cid, tag uint16, length uint32) []byte {
	b := compose(pduR2T, 0, 24, 0, 1)
	le.PutUint16(b[8:], cid)
	le.PutUint16(b[10:], tag)
	le.PutUint32(b[16:], length)
	return b
}

func composeC2HData(cid uint16, dataLen, align int) []byte {
	b := compose(pduC2HData, flagLast, 24, dataLen, align)
	le.PutUint16(b[8:], cid)
	le.PutUint32(b[16:], uint32(dataLen))
	return b
}

func composeResponse(cid, head uint16, r reply) []byte {
	b := compose(pduResponse, 0, 24, 0, 1)
	le.PutUint64(b[8:], r.result)
	le.PutUint16(b[16:], head)
	le.PutUint16(b[20:], cid)
	le.PutUint16(b[22:], uint16(r.status)<<1)
	return b
}

func composeTerm(e *fatalError) []byte {
	about := e.header[:min(len(e.header), maxTermHeader)]
	b := compose(pduC2HTerm, 0, 24, 0, 1)
	le.PutUint16(b[8:], e.status)
	le.PutUint32(b[10:], e.info)
	le.PutUint32(b[4:], uint32(24+len(about)))
	return append(b, about...)
}
