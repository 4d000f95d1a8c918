package sg

import (
	"encoding/binary"
	"fmt"
)

// Sense keys of SPC-5 section 4.5.6 that decide anything here.
const (
	NoSense        = 0x0
	Recovered      = 0x1
	NotReady       = 0x2
	MediumError    = 0x3
	HardwareError  = 0x4
	IllegalRequest = 0x5
	UnitAttention  = 0x6
	DataProtect    = 0x7
	Aborted        = 0xb
)

// Sense is sense data of either format (SPC-5 section 4.5).
type Sense struct {
	Present     bool // there was any that could be read
	Fixed       bool // of the fixed format
	Deferred    bool // of an earlier command
	Key         byte
	ASC, ASCQ   byte
	Progress    uint16 // of an operation under way, in 1/65536
	HasProgress bool
	Raw         []byte
}

// ParseSense reads sense data. What is cut short or of an unknown format gives what can be told, and no more.
func ParseSense(b []byte) Sense {
	s := Sense{Raw: append([]byte(nil), b...)}
	if len(b) == 0 {
		return s
	}
	switch b[0] & 0x7f {
	case 0x70, 0x71:
		s.fixed(b)
	case 0x72, 0x73:
		s.descriptors(b)
	}
	return s
}

// fixed reads the fixed format: SPC-5 section 4.5.3.
func (s *Sense) fixed(b []byte) {
	if len(b) < 3 {
		return
	}
	s.Present, s.Fixed, s.Deferred, s.Key = true, true, b[0]&0x7f == 0x71, b[2]&0x0f
	have := len(b)
	if have > 7 {
		have = min(have, 8+int(b[7])) // the additional sense length
	}
	if have >= 14 {
		s.ASC, s.ASCQ = b[12], b[13]
	}
	if have >= 18 && b[15]&0x80 != 0 && (s.Key == NoSense || s.Key == NotReady) {
		s.Progress, s.HasProgress = binary.BigEndian.Uint16(b[16:]), true
	}
}

// descriptors reads the descriptor format: SPC-5 section 4.5.2.
func (s *Sense) descriptors(b []byte) {
	if len(b) < 4 {
		return
	}
	s.Present, s.Deferred, s.Key, s.ASC, s.ASCQ = true, b[0]&0x7f == 0x73, b[1]&0x0f, b[2], b[3]
	if d := s.Descriptor(2); len(d) >= 7 && d[4]&0x80 != 0 && (s.Key == NoSense || s.Key == NotReady) { // sense key specific
		s.Progress, s.HasProgress = binary.BigEndian.Uint16(d[5:]), true
	}
	if d := s.Descriptor(0x0a); !s.HasProgress && len(d) >= 8 && d[3] == s.ASC && d[4] == s.ASCQ { // another progress indication, of the same
		s.Progress, s.HasProgress = binary.BigEndian.Uint16(d[6:]), true
	}
}

// Descriptor is the first descriptor of a kind, with its 2-byte header; nil if there is none, or if it is cut short.
func (s Sense) Descriptor(kind byte) []byte {
	b := s.Raw
	if len(b) < 8 || (b[0]&0x7f != 0x72 && b[0]&0x7f != 0x73) {
		return nil
	}
	for rest := b[8:min(len(b), 8+int(b[7]))]; len(rest) >= 2; {
		n := 2 + int(rest[1])
		if n > len(rest) {
			return nil
		}
		if rest[0] == kind {
			return rest[:n]
		}
		rest = rest[n:]
	}
	return nil
}

// Is tells whether the sense is of this key, additional code and qualifier.
func (s Sense) Is(key, asc, ascq byte) bool {
	return s.Present && s.Key == key && s.ASC == asc && s.ASCQ == ascq
}

// String names the sense as the standards do: key/ASC/ASCQ in hex.
func (s Sense) String() string {
	if !s.Present {
		return "no sense data"
	}
	return fmt.Sprintf("sense %x/%02x/%02x", s.Key, s.ASC, s.ASCQ)
}
