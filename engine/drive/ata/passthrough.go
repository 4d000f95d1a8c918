package ata

import (
	"encoding/binary"
	"fmt"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// question is how long a drive may take to answer one question.
const question = 5 * time.Second

const block = 512 // bytes of everything that ATA transfers besides sectors

// taskfile is an ATA command: what its registers hold when it is sent.
type taskfile struct {
	name     string // as the standard calls it
	command  byte
	feature  uint16
	count    uint16
	lba      uint64 // 48 bits; 28 where it is not extended
	device   byte
	extended bool   // a 48-bit command
	reads    bool   // one block comes from the drive
	out      []byte // one block that goes to the drive; nil: none
}

const lbaMode = 0x40 // of the device register: the LBA registers are a block address

// The fields of ATA PASS-THROUGH (16) that are not registers: SAT-4 section 12.2.2.
const (
	passThrough16 = 0x85

	nonData, pioIn, pioOut = 3 << 1, 4 << 1, 5 << 1
	extend                 = 0x01

	checkCondition = 0x20 // CK_COND: the registers come back whatever the end
	fromDrive      = 0x08 // T_DIR
	inBlocks       = 0x04 // BYT_BLOK, and T_TYPE 0: of 512 bytes
	lengthInCount  = 0x02 // T_LENGTH
)

// cdb is ATA PASS-THROUGH (16). Only commands without data ask for their registers: some bridges fail others for it.
func (t taskfile) cdb() []byte {
	c := make([]byte, 16)
	c[0] = passThrough16
	switch {
	case t.reads:
		c[1], c[2] = pioIn, fromDrive|inBlocks|lengthInCount
	case t.out != nil:
		c[1], c[2] = pioOut, inBlocks|lengthInCount
	default:
		c[1], c[2] = nonData, checkCondition
	}
	c[4], c[6] = byte(t.feature), byte(t.count)
	c[8], c[10], c[12] = byte(t.lba), byte(t.lba>>8), byte(t.lba>>16)
	c[13], c[14] = t.device, t.command
	if !t.extended {
		c[13] |= byte(t.lba>>24) & 0x0f
		return c
	}
	c[1] |= extend
	c[3], c[5] = byte(t.feature>>8), byte(t.count>>8)
	c[7], c[9], c[11] = byte(t.lba>>24), byte(t.lba>>32), byte(t.lba>>40)
	return c
}

// registers are what a drive's registers held at the end of a command, as far as it came through. The zero value is
// that nothing did.
type registers struct {
	known         bool // status, fault, device, the low half of count, the low 24 bits of lba
	countKnown    bool // all of count
	lbaKnown      bool // all of lba
	status, fault byte // fault is what the standard calls the error register
	device        byte
	count         uint16
	lba           uint64
}

// Bits of the status and error registers.
const (
	statusReady = 0x40
	statusFault = 0x20
	statusError = 0x01
	faultAbort  = 0x04
)

// readRegisters finds the registers in sense data: in the ATA status return descriptor, or where the fixed format has
// them, which has no room for the upper halves. A status without its ready bit is none that a drive gives.
func readRegisters(s sg.Sense) registers {
	var r registers
	switch d := s.Descriptor(9); {
	case s.Deferred:
	case len(d) == 14:
		r = registers{fault: d[3], status: d[13], device: d[12],
			count: binary.BigEndian.Uint16(d[4:]), countKnown: d[2]&1 != 0, lbaKnown: d[2]&1 != 0}
		for _, at := range []int{10, 8, 6, 11, 9, 7} {
			r.lba = r.lba<<8 | uint64(d[at])
		}
	case s.Fixed:
		r = fixedRegisters(s)
	}
	if r.status&statusReady == 0 {
		return registers{}
	}
	r.known = true
	return r
}

// fixedRegisters reads them from bytes 3..6 and 8..11 (SAT-4 section 12.2.2.7), or from 8..11 and 16..19, where Linux put
// them until 2024. Sense of another kind has an address in these bytes, so that a good status counts only with the
// code that says what it is, and a bad one only where there is an error.
func fixedRegisters(s sg.Sense) registers {
	b := make([]byte, 20)
	copy(b, s.Raw)
	first, second := b[3:7], b[8:12]
	if [4]byte(first) == [4]byte{} {
		first, second = b[8:12], b[16:20]
	}
	r := registers{fault: first[0], status: first[1], device: first[2], count: uint16(first[3]),
		lba: uint64(second[1]) | uint64(second[2])<<8 | uint64(second[3])<<16}
	if bad := r.status&(statusError|statusFault) != 0; bad == s.Is(sg.Recovered, 0, 0x1d) {
		return registers{}
	}
	const extended, countNonzero, lbaNonzero = 0x80, 0x40, 0x20 // of the upper halves
	r.countKnown = second[0]&extended != 0 && second[0]&countNonzero == 0
	r.lbaKnown = second[0]&extended != 0 && second[0]&lbaNonzero == 0
	return r
}

// outcome is what an answer means for the command.
type outcome int

const (
	unclear  outcome = iota // it may have been done, in part or whole, or not
	accepted                // the drive ended it without an error
	aborted                 // the drive did not do it, by its error register
	notTaken                // what is in between turned it down, so that it did not reach the drive
)

// answer is how a command ended. The zero value is that nobody knows.
type answer struct {
	registers
	came   bool // there was one
	result sg.Result
	data   []byte // what came from the drive: one block, or nothing
}

func (a answer) outcome() outcome {
	sense, check := a.result.Sense, a.result.Status == sg.CheckCondition
	switch {
	case !a.came, a.known && a.status&statusFault != 0:
		return unclear
	case a.known && a.status&statusError != 0:
		if a.fault&faultAbort != 0 {
			return aborted
		}
		return unclear
	case a.result.OK():
		return accepted
	case check && sense.Deferred:
		return unclear
	case check && (sense.Key == sg.NoSense || sense.Key == sg.Recovered) && (a.known || sense.ASC == 0 && sense.ASCQ == 0x1d):
		return accepted
	case check && (sense.Key == sg.IllegalRequest || sense.Key == sg.NotReady) && !a.known, attention(a.result) && !a.known:
		return notTaken
	case a.result.Status == sg.Busy, a.result.Status == sg.ReservationConflict, a.result.Status == taskSetFull:
		return notTaken
	}
	return unclear
}

const taskSetFull = 0x28 // SAM-5 section 5.3

// String is the answer in the standard's words.
func (a answer) String() string {
	if !a.known {
		return a.result.String()
	}
	return fmt.Sprintf("ATA status %02xh, error %02xh", a.status, a.fault)
}

// refused is the error for a command that began nothing.
func (a answer) refused(why, next string) *drive.RefusedError {
	switch sense := a.result.Sense; {
	case a.outcome() != notTaken:
	case sense.Key == sg.IllegalRequest:
		why, next = "what stands between it and this machine does not pass the command on", "attach the drive to a SATA port of the mainboard"
	case attention(a.result) && sense.ASC == mediumChange:
		why, next = mayBeAnother, lookAgain
	case attention(a.result):
		why, next = "it reported a reset or another change instead of beginning", lookAgain+", then repeat the command"
	}
	return &drive.RefusedError{Why: why, Next: next, Text: a.String()}
}

// port sends ATA commands.
type port struct{ dev sg.Device }

// do asks a question, again after a unit attention. Nothing that changes a drive is sent by it.
func (p port) do(t taskfile, timeout time.Duration) (answer, error) {
	a, err := p.once(t, timeout)
	if err == nil && attention(a.result) {
		return p.once(t, timeout)
	}
	return a, err
}

// once sends a command; the error says that no answer came back.
func (p port) once(t taskfile, timeout time.Duration) (answer, error) {
	c := sg.Command{CDB: t.cdb(), Out: t.out, Timeout: timeout}
	if t.reads {
		c.In = make([]byte, block)
	}
	r, err := p.dev.Do(c)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", t.name, err)
	}
	a := answer{came: true, registers: readRegisters(r.Sense), result: r}
	if r.Got == block {
		a.data = c.In
	}
	return a, nil
}
