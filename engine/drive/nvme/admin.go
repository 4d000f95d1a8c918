package nvme

import (
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// Opcodes of admin commands (NVMe 1.4 section 5).
const (
	opGetLogPage  = 0x02
	opIdentify    = 0x06
	opGetFeatures = 0x0a
	opFormatNVM   = 0x80
	opSanitize    = 0x84
)

// Deadlines. When one passes, the kernel gives the command up and resets a controller on PCI. A sanitize goes on over a
// reset, a Format does not: while one runs, nothing may be asked (drive.Ability.Blocks), of its neighbours neither.
const (
	questionTime = 5 * time.Second
	sanitizeTime = 30 * time.Second // it only begins the sanitize
	formatTime   = 24 * time.Hour   // it ends with the Format, and no drive says how long that takes
)

// command is one admin command. No command here sends data to the drive.
type command struct {
	opcode       byte
	nsid         uint32
	cdw10, cdw11 uint32
	data         []byte // room for what comes from the drive; nil: nothing
	timeout      time.Duration
}

// admin is a controller, seen through one of its namespaces.
type admin interface {
	// NSID is the number of that namespace.
	NSID() (uint32, error)
	// Do sends a command, waits for its end and returns dword 0 of the completion. The error is a status where the
	// controller answered; any other leaves open whether it got the command and what it made of it.
	Do(c command) (result uint32, err error)
}

// device sends commands through a namespace's block device, which may be open for reading only. The kernel passes them on
// to the controller; under native multipath to one that has a path to the namespace.
type device struct{ *os.File }

// ioctls of linux/nvme_ioctl.h.
const (
	ioctlID    = 0x4e40     // NVME_IOCTL_ID
	ioctlAdmin = 0xc0484e41 // NVME_IOCTL_ADMIN_CMD
)

// passthru is struct nvme_passthru_cmd of linux/nvme_ioctl.h: 72 bytes.
type passthru struct {
	opcode, flags  uint8
	_              uint16
	nsid           uint32
	cdw2, cdw3     uint32
	metadata       uint64
	data           uint64
	metadataLength uint32
	dataLength     uint32
	cdw            [6]uint32 // 10 to 15
	timeout        uint32    // milliseconds
	result         uint32
}

// NSID asks the descriptor itself: a name may have gone to another drive.
func (d device) NSID() (uint32, error) {
	nsid, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), ioctlID, 0)
	runtime.KeepAlive(d.File)
	if errno != 0 {
		return 0, fmt.Errorf("ask for the number of the namespace: %w", lost(errno))
	}
	return uint32(nsid), nil
}

func (d device) Do(c command) (uint32, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	p := passthru{opcode: c.opcode, nsid: c.nsid, cdw: [6]uint32{c.cdw10, c.cdw11}, timeout: uint32(c.timeout.Milliseconds())}
	if len(c.data) > 0 {
		pinner.Pin(&c.data[0])
		p.data, p.dataLength = uint64(uintptr(unsafe.Pointer(&c.data[0]))), uint32(len(c.data))
	}
	answer, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), ioctlAdmin, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(d.File)
	switch {
	case errno != 0:
		return 0, fmt.Errorf("send admin command %02xh: %w", c.opcode, lost(errno))
	case answer != 0:
		return 0, fmt.Errorf("send admin command %02xh: %w", c.opcode, status(answer))
	}
	return p.result, nil
}

// lost names the errors of a controller that is not there any more.
func lost(errno unix.Errno) error {
	if errno == unix.ENODEV || errno == unix.ENXIO {
		return fmt.Errorf("%w: %w", drive.ErrGone, errno)
	}
	return errno
}
