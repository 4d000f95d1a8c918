// Package erase is an erase that goes on inside a simulated drive: how far it is, what it does to the medium, and what it says
// of itself, with the ways in which real drives get each of these wrong. It knows no command set and does not wait for anything.
package erase

import (
	"time"

	"wiped/cmd/drivesim/store"
)

// Kind is the family of commands that an erase belongs to.
type Kind int

// The kinds. A sanitize outlives a loss of power, the others do not.
const (
	Sanitize Kind = iota
	Format
	Security
)

// Content is what an erase really does to the medium.
type Content int

// The contents.
const (
	Whole   Content = iota // all of it is erased, as it should be
	Half                   // the first half
	Nothing                // the data stays
)

// Told is what the drive says of the erase.
type Told int

// What is told.
const (
	Truth     Told = iota
	Endless        // in progress, for ever
	Forgotten      // nothing: as if there never had been any
	Other          // the status of another erase, which this drive never did
)

// Behaviour is how a drive erases itself.
type Behaviour struct {
	Took        time.Duration // from the command to the end; 0: it has ended when the command returns
	Content     Content
	Told        Told
	FailAt      int  // percent at which it fails; 0: it does not
	Refuse      bool // the command is not accepted
	Hang        bool // the drive answers nothing more once it has begun
	VanishAt    int  // percent at which the drive is gone; 0: never
	PowerLossAt int  // percent at which it loses power, once in its life; 0: never
}

// Run is one erase.
type Run struct {
	Kind     Kind
	Method   byte          // the command set's code of it
	Pattern  store.Pattern // what it leaves
	At       int64         // first byte of its scope
	End      int64         // first byte after it
	AtOnce   bool          // the whole scope changes with the first moment: a key was replaced
	Exitable bool          // after a failure the host may leave the failed state: SCSI AUSE, ATA FAILURE MODE
	Behaviour
}

// Phase is where an erase stands.
type Phase int

// The phases.
const (
	Idle Phase = iota
	Running
	Done
	Failed
)

// View is what a drive says when it is asked.
type View struct {
	Phase    Phase
	Run      Run
	Progress uint16 // in 1/65536, while Running
	Other    bool   // it is the status of another erase than Run
}

// Event is something that happens to the whole drive on the way.
type Event int

// The events.
const (
	None Event = iota
	PowerLost
	Vanished
)

// Leaves is the content that a drive leaves, by the words that a scenario has for it.
func Leaves(word string, count int) store.Pattern {
	switch word {
	case "ones":
		return store.Repeat{Bytes: []byte{0xff}}
	case "noise":
		return store.Noise(count)
	case "vendor": // as seen of a Seagate ST1000LM035
		return store.Repeat{Bytes: []byte{0x33, 0xcc, 0x55, 0xaa}}
	}
	return store.Zeros
}
