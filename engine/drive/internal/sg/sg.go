// Package sg sends SCSI commands to a drive by the kernel's SG_IO and reads what the drive answers. It knows command
// blocks and sense data as bytes, and nothing of what any command does.
package sg

import (
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Command is one SCSI command.
type Command struct {
	CDB     []byte        // 6 to 16 bytes
	Out     []byte        // what goes to the drive; nil: nothing
	In      []byte        // room for what comes from it; nil: nothing. Not both
	Timeout time.Duration // after which the kernel aborts it; at least a millisecond, at most 49 days
}

// Result is what the drive answered. That it answered at all says nothing of success: see OK.
type Result struct {
	Status byte // SAM-5 section 5.3: 00h GOOD, 02h CHECK CONDITION, 08h BUSY, 18h RESERVATION CONFLICT
	Sense  Sense
	Got    int // bytes of In that were filled
}

// OK tells whether the drive said GOOD.
func (r Result) OK() bool { return r.Status == Good }

// String names the answer as the standards do.
func (r Result) String() string {
	if r.Status == CheckCondition {
		return r.Sense.String()
	}
	return fmt.Sprintf("status %02xh", r.Status)
}

// Status bytes of SAM-5 section 5.3.
const (
	Good                = 0x00
	CheckCondition      = 0x02
	Busy                = 0x08
	ReservationConflict = 0x18
)

// Device takes SCSI commands. The error says that the command did not reach the drive, or no answer came back.
type Device interface {
	Do(c Command) (Result, error)
}

// File sends commands to an open block device. It may be open for reading only.
type File struct{ *os.File }

// sgIO is SG_IO of scsi/sg.h.
const sgIO = 0x2285

// header is struct sg_io_hdr of scsi/sg.h on 64-bit machines: 88 bytes.
type header struct {
	interfaceID    int32
	direction      int32
	cdbLength      uint8
	senseMax       uint8
	iovecs         uint16
	length         uint32
	data           unsafe.Pointer
	cdb            unsafe.Pointer
	sense          unsafe.Pointer
	timeout        uint32 // milliseconds
	flags          uint32
	packID         int32
	user           unsafe.Pointer
	status         uint8
	maskedStatus   uint8
	messageStatus  uint8
	senseLength    uint8
	hostStatus     uint16
	driverStatus   uint16
	residual       int32
	duration, info uint32
}

const (
	toDrive, fromDrive, noData = -2, -3, -1
	senseBytes                 = 252 // the most that a drive gives: SPC-5 section 4.5
	driverSense                = 0x08
)

// Do sends a command and waits for its answer.
func (f File) Do(c Command) (Result, error) {
	if len(c.CDB) < 6 || len(c.CDB) > 16 || (c.In != nil && c.Out != nil) || c.Timeout < time.Millisecond || c.Timeout > 49*24*time.Hour {
		return Result{}, fmt.Errorf("send %x: not a command", c.CDB)
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	sense := make([]byte, senseBytes)
	h := header{interfaceID: 'S', direction: noData, cdbLength: uint8(len(c.CDB)), senseMax: senseBytes, timeout: uint32(c.Timeout.Milliseconds())}
	point := func(to *unsafe.Pointer, b []byte) {
		pinner.Pin(&b[0])
		*to = unsafe.Pointer(&b[0])
	}
	point(&h.cdb, c.CDB)
	point(&h.sense, sense)
	for _, part := range []struct {
		data      []byte
		direction int32
	}{{c.Out, toDrive}, {c.In, fromDrive}} {
		if len(part.data) > 0 {
			h.direction, h.length = part.direction, uint32(len(part.data))
			point(&h.data, part.data)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), sgIO, uintptr(unsafe.Pointer(&h))); errno != 0 {
		return Result{}, fmt.Errorf("send %02xh: %w", c.CDB[0], errno)
	}
	return h.result(c, sense)
}

// result tells an answer of the drive from a command that got lost on the way there or back.
func (h *header) result(c Command, sense []byte) (Result, error) {
	r := Result{Status: h.status, Sense: ParseSense(sense[:min(int(h.senseLength), len(sense))])}
	if r.Got = len(c.In) - int(h.residual); r.Got < 0 || r.Got > len(c.In) {
		r.Got = 0
	}
	answered := h.hostStatus == 0 && h.driverStatus&^driverSense == 0
	switch {
	case !answered:
		return r, fmt.Errorf("send %02xh: no answer (host status %02xh, driver status %02xh)", c.CDB[0], h.hostStatus, h.driverStatus)
	case r.Status == Good && h.senseLength > 0 && r.Sense.Key > Recovered: // an HBA that hides the status
		r.Status = CheckCondition
	}
	return r, nil
}
