package nvme

import (
	"encoding/binary"
	"math"
	"time"
)

// Log pages (NVMe 1.4 section 5.14.1); both have 512 bytes.
const (
	logHealth   = 0x02
	logSanitize = 0x81
	logBytes    = 512
	noEstimate  = math.MaxUint32
)

// sanitizeLog is the Sanitize Status log page (81h).
type sanitizeLog struct {
	progress  uint16 // SPROG, in 1/65536
	status    uint16 // SSTAT
	command   uint32 // SCDW10: dword 10 of the command that began the last sanitize
	overwrite uint32 // ETO, seconds for 16 passes
	block     uint32 // ETBE, seconds
	crypto    uint32 // ETCE, seconds
}

// parseSanitize needs the bytes of NVMe 1.3. All zeros is what a drive says that was never sanitized; nothing but FFh is no
// answer.
func parseSanitize(b []byte) (sanitizeLog, error) {
	if err := check(b, 20); err == errShort || (err == errBlank && b[0] == 0xff) {
		return sanitizeLog{}, err
	}
	le := binary.LittleEndian
	return sanitizeLog{
		progress: le.Uint16(b), status: le.Uint16(b[2:]), command: le.Uint32(b[4:]),
		overwrite: le.Uint32(b[8:]), block: le.Uint32(b[12:]), crypto: le.Uint32(b[16:]),
	}, nil
}

// Values of SSTAT bits 2:0. Bits 7:3 count overwrite passes that ended, bit 8 says that nothing was written since.
const (
	neverSanitized = iota
	sanitized
	sanitizing
	sanitizeFailed
	sanitizedDeallocated // it succeeded, but deallocated although it was told not to
)

var stateNames = []string{"never sanitized", "completed", "in progress", "failed", "completed, and deallocated although it should not"}

func (l sanitizeLog) state() int         { return int(l.status & 0b111) }
func (l sanitizeLog) known() bool        { return l.state() < len(stateNames) }
func (l sanitizeLog) nothingSince() bool { return l.status&(1<<8) != 0 }

func (l sanitizeLog) name() string {
	if !l.known() {
		return "unknown state"
	}
	return stateNames[l.state()]
}

// done is the part that is done, 0 to 1, of a sanitize that is under way.
func (l sanitizeLog) done() float64 { return float64(l.progress) / 65536 }

// seconds turns an estimate into a duration; 0: there is none.
func seconds(n uint32) time.Duration {
	if n == noEstimate {
		return 0
	}
	return time.Duration(n) * time.Second
}

// healthLog is the SMART / Health Information log page (02h), as far as it matters here.
type healthLog struct {
	warning        byte   // Critical Warning
	kelvin         uint16 // 0: not given
	spare, least   byte   // percent of the spare blocks that are left, and below which the drive warns
	used           byte   // percent of the rated writes; 255: that or more
	hours          uint64 // powered on
	unsafe, errors uint64 // unsafe shutdowns, media and data integrity errors
}

func parseHealth(b []byte) (healthLog, error) {
	if err := check(b, logBytes); err != nil {
		return healthLog{}, err
	}
	return healthLog{
		warning: b[0], kelvin: binary.LittleEndian.Uint16(b[1:]), spare: b[3], least: b[4], used: b[5],
		hours: wide(b[128:]), unsafe: wide(b[144:]), errors: wide(b[160:]),
	}, nil
}

// wide reads a 16-byte number; the largest that fits stands for all that do not.
func wide(b []byte) uint64 {
	if binary.LittleEndian.Uint64(b[8:]) != 0 {
		return math.MaxUint64
	}
	return binary.LittleEndian.Uint64(b)
}
