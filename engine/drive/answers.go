package drive

import (
	"slices"
	"time"
)

// Action is one way in which a drive erases itself, whatever its command set calls it.
type Action string

// The actions. What each is sent as stands in the package of the command set.
const (
	SanitizeBlock         Action = "sanitize-block"          // ATA, SCSI, NVMe: every block erased, spare ones too
	SanitizeOverwrite     Action = "sanitize-overwrite"      // ATA, SCSI, NVMe: overwritten with zeros, spare areas too
	SanitizeCrypto        Action = "sanitize-crypto"         // ATA, SCSI, NVMe: the media key replaced
	SecurityErase         Action = "security-erase"          // ATA SECURITY ERASE UNIT, normal mode
	SecurityEraseEnhanced Action = "security-erase-enhanced" // ATA SECURITY ERASE UNIT, enhanced mode
	FormatCrypto          Action = "format-crypto"           // NVMe Format NVM, SES 2
	FormatUserData        Action = "format-user-data"        // NVMe Format NVM, SES 1
	FormatUnit            Action = "format-unit"             // SCSI FORMAT UNIT
)

// Answers is what a drive said when it was asked in its own language. All text is escaped, as in Info.
type Answers struct {
	Set         string    // ATA, SCSI, NVMe, eMMC, SD, MMC; empty: nobody here speaks its language
	Problem     string    // why it was not understood, in a sentence; empty: it was
	Another     string    // why it is not the drive that the system has there, by its names or its size, in a sentence: nothing may be written; empty: nothing says so
	Identity    Identity  // what it calls itself, where that is more than the kernel knows
	Bridge      string    // what stands between it and this machine: "USB bridge JMicron", "SAS HBA mpt3sas"; empty: nothing known
	Facts       []Fact    // everything else worth showing
	Abilities   []Ability // the actions that its command set has, each possible or not and why
	Hidden      []Hidden  // areas that reads and writes do not reach
	HiddenWhy   string    // why it could not be told whether there are hidden areas; empty: it could
	Kept        []string  // parts of the drive that no action here reaches: "boot partition mmcblk0boot0", "RPMB"
	Rotational  *bool     // whether its medium turns, as the drive itself says; nil: it does not
	Sector      int       // bytes of a sector, as the drive itself says; 0: it does not
	Unformatted string    // why nothing of it can be used until it is formatted anew: "its format is not complete (sense 3/31/00)"; empty: it can
	Locked      string    // why it takes neither reads nor writes: "locked with a password"; empty: it takes them, as far as is known
	Unlock      string    // what would help; may be empty
	Busy        string    // what the drive is doing to itself right now, "sanitizing, 43 % done"; empty: nothing
}

// Identity is what a drive calls itself. Empty is unknown.
type Identity struct{ Vendor, Model, Firmware, Serial, WWN string }

// Ability is one action of a drive's command set, and whether this drive can do it now.
type Ability struct {
	Action  Action
	Why     string        // why not: "frozen by the BIOS"; empty: it can
	Next    string        // what would help: "unplug it and plug it in again, or suspend"; may be empty
	Warn    string        // what is to be known before, "its sectors cannot be read afterwards"; may be empty
	Takes   time.Duration // the drive's own estimate; 0: it gives none
	Blocks  bool          // the command returns only when the drive has ended, and nothing can be asked meanwhile
	Reaches []Reach       // what else it would erase
}

// Reach is something that an action erases besides the drive it is sent to.
type Reach struct {
	Name string // the kernel's name of a block device, "nvme0n2"; empty: this machine has none for it
	What string // "namespace 2"
}

// Hidden is an area that reads and writes do not reach, but erasing it is expected.
type Hidden struct {
	Kind  string // HPA, AMA, DCO
	Bytes int64  // more than 0
	Why   string // why it cannot be opened, "the drive's configuration is frozen"; empty: it can
	Next  string
}

// Ability finds what the drive says of an action; ok is false if its command set has no such action.
func (a Answers) Ability(action Action) (ability Ability, ok bool) {
	at := slices.IndexFunc(a.Abilities, func(x Ability) bool { return x.Action == action })
	if at < 0 {
		return Ability{}, false
	}
	return a.Abilities[at], true
}

// Can tells whether the drive can do an action now.
func (a Answers) Can(action Action) bool {
	ability, ok := a.Ability(action)
	return ok && ability.Why == ""
}

// Health is what a drive says of its own condition. A nil number is unknown.
type Health struct {
	Word        string // good, worn, failing, unknown
	Reasons     []string
	Celsius     *int64
	Hours       *int64 // powered on
	Reallocated *int64 // sectors that the drive replaced
	Pending     *int64 // sectors that it could not read and has not replaced yet
	Wear        *int64 // percent of its rated writes that are used; over 100 is possible
	Source      string // what said so: "smartctl 7.3"; empty: nothing did
}
