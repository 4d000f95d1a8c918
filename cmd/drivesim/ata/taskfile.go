package ata

import "time"

// Taskfile is one ATA command: the registers as the host wrote them. Those of a 28-bit command are widened.
type Taskfile struct {
	Command        byte
	Feature, Count uint16
	LBA            uint64
	Ext            bool // a 48-bit command
}

// sectors is how many a read or write moves: 0 stands for the most that the register cannot hold.
func (t Taskfile) sectors() uint64 {
	switch {
	case t.Count != 0:
		return uint64(t.Count)
	case t.Ext:
		return 65536
	}
	return 256
}

// Result is how a command ended: the registers as the host reads them, and data.
type Result struct {
	Error byte // 0: it succeeded
	Count uint16
	LBA   uint64
	Data  []byte

	// A command that keeps the drive busy has no result yet: it is asked for by Then after Wait; with Never there is none.
	Wait  time.Duration
	Then  func() Result
	Never bool
}

// Bits of the error register: ACS-3.
const (
	aborted       = 0x04
	idNotFound    = 0x10
	uncorrectable = 0x40
)

// Bits of the status register: ACS-3.
const (
	statusReady = 0x50
	statusError = 0x51
)

func (r Result) status() byte {
	if r.Error != 0 {
		return statusError
	}
	return statusReady
}

func abort() Result { return Result{Error: aborted} }

// transfer is which way the data of a command goes.
type transfer int

const (
	noData transfer = iota
	fromDrive
	toDrive
)
