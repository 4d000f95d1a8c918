package target

import "encoding/binary"

// Sense keys of SPC-5 section 4.5.6.
const (
	Recovered      = 0x1
	NotReady       = 0x2
	MediumError    = 0x3
	IllegalRequest = 0x5
	UnitAttention  = 0x6
	DataProtect    = 0x7
	Aborted        = 0xb
)

// Sense is the reason of a CHECK CONDITION, or the answer to REQUEST SENSE.
type Sense struct {
	Key, ASC, ASCQ byte
	Progress       *uint16 // in 1/65536
	Block          *uint64 // the address where it went wrong
	ATA            []byte  // an ATA Status Return descriptor with its header: SAT-4
}

// What is answered in many places.
var (
	NoSense          = Sense{}
	InvalidOpcode    = Sense{Key: IllegalRequest, ASC: 0x20}
	OutOfRange       = Sense{Key: IllegalRequest, ASC: 0x21}
	InvalidField     = Sense{Key: IllegalRequest, ASC: 0x24}
	NoSuchUnit       = Sense{Key: IllegalRequest, ASC: 0x25}
	InvalidParameter = Sense{Key: IllegalRequest, ASC: 0x26}
	ParameterLength  = Sense{Key: IllegalRequest, ASC: 0x1a}
	WriteProtected   = Sense{Key: DataProtect, ASC: 0x27}
	PowerOn          = Sense{Key: UnitAttention, ASC: 0x29}
	Stopped          = Sense{Key: NotReady, ASC: 0x04, ASCQ: 0x02}
)

// Fixed is the fixed format: SPC-5 section 4.5.3.
func (s Sense) Fixed() []byte {
	b := make([]byte, 18)
	b[0], b[2], b[7], b[12], b[13] = 0x70, s.Key, 10, s.ASC, s.ASCQ
	if s.Block != nil && *s.Block <= 0xffffffff {
		b[0] |= 0x80
		binary.BigEndian.PutUint32(b[3:], uint32(*s.Block))
	}
	if s.Progress != nil {
		b[15] = 0x80
		binary.BigEndian.PutUint16(b[16:], *s.Progress)
	}
	return b
}

// Descriptor is the descriptor format: SPC-5 section 4.5.2.
func (s Sense) Descriptor() []byte {
	b := []byte{0x72, s.Key, s.ASC, s.ASCQ, 0, 0, 0, 0}
	if s.Block != nil {
		b = append(b, 0x00, 0x0a, 0x80, 0)
		b = binary.BigEndian.AppendUint64(b, *s.Block)
	}
	if s.Progress != nil {
		b = append(b, 0x02, 0x06, 0, 0, 0x80)
		b = append(binary.BigEndian.AppendUint16(b, *s.Progress), 0)
	}
	b = append(b, s.ATA...)
	b[7] = byte(len(b) - 8)
	return b
}

// Bytes is either format.
func (s Sense) Bytes(descriptor bool) []byte {
	if descriptor {
		return s.Descriptor()
	}
	return s.Fixed()
}

// Check is CHECK CONDITION.
func Check(sense []byte) Outcome { return Outcome{Reply: Reply{Status: CheckCondition, Sense: sense}} }
