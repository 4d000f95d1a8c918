// Package target is what every SCSI target has in common: command blocks, sense data, INQUIRY and its pages, mode pages, lists
// of supported commands. It knows bytes and layouts, and nothing of what a command does to a drive.
package target

import (
	"time"

	"wiped/cmd/drivesim/erase"
)

// Status bytes of SAM-5 section 5.3.
const (
	Good           = 0x00
	CheckCondition = 0x02
	TaskAborted    = 0x40
)

// Command is one SCSI command as it arrives.
type Command struct {
	CDB  []byte // 16 bytes, or more for a command of variable length
	Out  []byte // what came with it
	Room int    // bytes that the host can take
}

// Reply is the answer to a command.
type Reply struct {
	Status byte
	Sense  []byte
	Data   []byte
}

// Outcome is a reply, or when there will be one: after Wait, Then is asked. With Never, none comes.
type Outcome struct {
	Reply
	Wait  time.Duration
	Then  func() Outcome
	Never bool
}

// Device is the firmware of a drive. It does not block: what takes time is an Outcome with Then. Its methods may be called from
// any goroutine.
type Device interface {
	Do(c Command) Outcome
	// Tick lets time pass without any command, and returns what has happened to the whole drive.
	Tick() erase.Event
	// PowerCycle is power taken away and given back. Commands under way are lost; their Then is not asked any more.
	PowerCycle()
}

// OK is GOOD with data.
func OK(data []byte) Outcome { return Outcome{Reply: Reply{Data: data}} }

// CDB lengths by the group code in the first byte: SPC-5.
var lengths = [8]int{6, 10, 10, 16, 16, 12, 10, 10}

// Normal gives a command block the 16 bytes that are then looked at; a shorter one is padded with zeros.
func Normal(cdb []byte) []byte {
	return append(make([]byte, 0, 16), append(cdb[:min(len(cdb), 16)], make([]byte, 16-min(len(cdb), 16))...)...)
}

// HasOut tells whether data comes with a command, which the transport below does not say.
func HasOut(cdb []byte) bool {
	if len(cdb) < 16 {
		cdb = Normal(cdb)
	}
	switch cdb[0] {
	case 0x04, 0x0a, 0x15, 0x1d, 0x2a, 0x2e, 0x3b, 0x41, 0x48, 0x55, 0x8a, 0x8e, 0x93, 0xaa, 0xae, 0xb5:
		return true
	case 0x85, 0xa1: // ATA PASS-THROUGH says it itself, in T_DIR
		return cdb[2]&0x08 == 0 && cdb[2]&0x03 != 0
	}
	return false
}
