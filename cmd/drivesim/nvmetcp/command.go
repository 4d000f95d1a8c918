package nvmetcp

// sqe is a submission queue entry (base specification 1.4, 4.2).
type sqe [64]byte

func (q *sqe) opcode() byte    { return q[0] }
func (q *sqe) cid() uint16     { return le.Uint16(q[2:]) }
func (q *sqe) nsid() uint32    { return le.Uint32(q[4:]) }
func (q *sqe) dw(n int) uint32 { return le.Uint32(q[4*n:]) } // command dword n, 0 to 15

// fromHost tells whether a command brings data, by the two lowest bits of its opcode, or of its type for a fabrics command.
func (q *sqe) fromHost() bool {
	if q[0] == opFabrics {
		return q[4]&3 == 1
	}
	return q[0]&3 == 1
}

// sgl is the one SGL descriptor of a command (4.4).
type sgl struct {
	address uint64
	length  uint32
	kind    byte // type and subtype
}

const (
	sglInCapsule byte = 0x01 // data block, the address is an offset in the capsule
	sglTransport byte = 0x5A // transport data block: the data travels in PDUs of its own
)

func (q *sqe) sgl() sgl {
	return sgl{address: le.Uint64(q[24:]), length: le.Uint32(q[32:]), kind: q[39]}
}

// request is a command with the data that came with it.
type request struct {
	sqe
	data   []byte
	finish func(reply) // answers later, for a command whose reply was pending; called at most once, without locks
}

// reply is the answer to a command.
type reply struct {
	status  status
	result  uint64 // dwords 0 and 1 of the completion queue entry
	data    []byte
	pending bool // no answer yet, perhaps never
}

// status is the status field of a completion queue entry without the phase tag: status code 7:0, its type 10:8, do not
// retry 14. The kernel's pass-through ioctl returns the same number (4.6.1).
type status uint16

const doNotRetry status = 0x4000

const (
	success             status = 0
	invalidOpcode       status = 0x001 | doNotRetry
	invalidField        status = 0x002 | doNotRetry
	internalError       status = 0x006 | doNotRetry
	invalidNamespace    status = 0x00B | doNotRetry
	sequenceError       status = 0x00C | doNotRetry
	sglTypeInvalid      status = 0x011 | doNotRetry
	sglOffsetInvalid    status = 0x016 | doNotRetry
	sanitizeFailed      status = 0x01C | doNotRetry
	sanitizeInProgress  status = 0x01D
	writeProtected      status = 0x020 | doNotRetry
	lbaOutOfRange       status = 0x080 | doNotRetry
	formatInProgress    status = 0x084
	tooManyEvents       status = 0x105 | doNotRetry
	invalidLogPage      status = 0x109 | doNotRetry
	invalidFormat       status = 0x10A | doNotRetry
	featureNotSaveable  status = 0x10D | doNotRetry
	connectFormat       status = 0x180 | doNotRetry
	connectInvalidParam status = 0x182 | doNotRetry
	writeFault          status = 0x280 | doNotRetry
	unrecoveredRead     status = 0x281 | doNotRetry
)

func fail(s status) reply { return reply{status: s} }
