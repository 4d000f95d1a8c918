package drive

import (
	"errors"
	"io"
	"os"
)

// CommandSet is a language that drives speak: one of ATA, SCSI and NVMe. It is asked and ordered through descriptors that
// others opened, so that it can neither reach a drive that nobody claimed nor open one for writing.
type CommandSet interface {
	// Name is what Answers.Set calls it, as far as no drive has to be asked for that: ATA, SCSI, NVMe, MMC.
	Name() string
	// Speaks tells by what is known already, without asking the drive anything.
	Speaks(n Node) bool
	// Ask asks the drive, through a descriptor for reading only, and changes nothing. Every command has a deadline of
	// at most 5 s. A drive that answers in part is described in part; the error is for one that does not answer at all, or
	// ErrTranslated.
	Ask(dev *os.File, n Node) (Answers, error)
	// Firmware prepares orders to a claimed drive. Closing it leaves dev open. The error may be ErrTranslated.
	Firmware(dev *os.File, n Node) (Firmware, error)
}

// Node is a block device as the kernel shows it.
type Node struct {
	Sys        string // its folder in sysfs, /sys/block/sdb
	Info       Info
	Translated bool // it said itself that it is an ATA drive, which the kernel does not know
}

// ErrTranslated is the answer of a drive that speaks ATA behind what speaks SCSI for it. Whoever gives it sends nothing more.
var ErrTranslated = errors.New("an ATA drive that a bridge or an HBA speaks for")

// Firmware is a claimed drive that takes orders about itself. Its methods are called one at a time, but for Status,
// which is also called while Erase of an action that does not block has not returned.
type Firmware interface {
	// Erase gives the drive the command of an action. It returns nil when the drive has accepted it; where Ability.Blocks
	// says so, when the drive has ended and said GOOD. A *RefusedError says that the drive did not begin; any other error
	// leaves open what became of the command.
	Erase(a Action) error
	// Status asks the drive how the erase of an action goes, or went. The error is for a drive that does not answer.
	Status(a Action) (Status, error)
	// Unlock opens a drive that is locked with the password of an erase through here which did not come to its end, so that it
	// can be read. It does nothing to one that is not locked. A *RefusedError says that it stays locked.
	Unlock() error
	// Unhide opens every hidden area for good. The drive's size grows; the kernel has to look at it again before it is seen.
	Unhide() error
	// Format begins to bring the drive to sectors of so many bytes, which also ends what is on it, but is no erase. Status
	// of FormatUnit tells how it goes.
	Format(sector int) error
	io.Closer
}

// Apart is Firmware that can send a command which blocks from a process of its own. That one holds the claim with this one, and
// goes on with the command when this one ends, for nothing can end it before the drive answers.
type Apart interface {
	Firmware
	// EraseApart is Erase. It returns an error other than a *RefusedError if that process ended without an answer.
	EraseApart(o Order) error
	// Left is what a command came to that EraseApart sent with the same order, maybe in a process that has ended: as EraseApart
	// would have returned it. ErrNoAnswer is that it is not known.
	Left(o Order) error
}

// Order is a command of one job.
type Order struct {
	Action Action
	Token  string     // unlike that of any other order
	Mark   *os.File   // a file that is kept open until the command has returned, and its lock with it, and that then holds the answer
	Others []Claim    // further drives that it erases
	Held   []*os.File // what holds the claims, as far as those who pass the order on know it: whoever has it open keeps them
}

// ErrNoAnswer says that nobody knows what the drive said to a command.
var ErrNoAnswer = errors.New("no answer to the command is on record")

// Phase is where a drive says that an erase stands.
type Phase int

// The phases. None is also the answer of a drive that has forgotten, or cannot tell.
const (
	None Phase = iota
	Running
	Succeeded
	Failed
)

// Status is what a drive says of an erase.
type Status struct {
	Phase     Phase
	Done      float64 // part that is done, 0 to 1; negative: the drive does not say
	Named     bool    // the status itself names the command that Erase sends for this action
	Other     bool    // the status itself names another command
	Untouched bool    // the status itself says that nothing was written to the drive since it succeeded
	Text      string  // the drive's answer in the standard's words, for the record; escaped
}

// RefusedError is the answer of a drive that did not begin an erase.
type RefusedError struct {
	Why  string // in a sentence for the operator: "the drive is frozen"
	Next string // what would help; may be empty
	Text string // the drive's answer in the standard's words: "sense 5/24/00", "status 4002h"
}

func (e *RefusedError) Error() string {
	text := "the drive refused: " + e.Why
	if e.Text != "" {
		text += " (" + e.Text + ")"
	}
	return text
}

// ErrUnsupported says that a drive's command set has no such order.
var ErrUnsupported = errors.New("the drive has no command for it")
