package nvmetcp

import (
	"hash/fnv"
	"time"
)

// Config is a drive as its line says. Parse makes one; its defaults are not zero values.
type Config struct {
	Name                    string // what the line calls it; may be empty
	Serial, Model, Firmware string // as the host gets them: cut to 20, 40 and 8 bytes, or padded with blanks
	NQN                     string // empty: New makes one that no other subsystem has
	Namespaces              []Namespace
	NGUID, EUI64, UUID      Identifier // of the namespaces
	Fill                    string     // what the media hold at first: empty is zeros, or ones, random, or a text

	SaniCap   uint32 // SANICAP; without an action there is no sanitize and no log 81h
	OACS      uint16
	FNA       byte
	Took      time.Duration // of a sanitize
	TookBy    time.Duration // of a Format
	Estimates Estimates     // in log 81h
	After     pattern       // what an erase leaves; nil: what suits the action

	Sanitize       SanitizeMode
	SanitizeErases float64 // the part of each namespace that a sanitize really erases; less than 1 is a lie
	FormatErases   float64 // the same for Format with a secure erase
	StaleWord      uint32  // the SCDW10 that SanitizeStale shows from the start
	Failures       int     // so many sanitizes end in failure; -1: all
	Refuse         status  // how a sanitize or a Format that would begin is refused; 0: it is not
	NeverEnds      float64 // the part at which a sanitize or Format stays; 0: it ends
	Cut            Cut
	CutAt          float64       // the part of a sanitize or Format at which it happens
	Dark           time.Duration // how long after CutPower there is no power

	NoList         bool // the lists of namespaces are refused
	Multipath      bool // it says that it can have several controllers, and shares its namespaces
	Bad            []BadRange
	Worn           byte   // percent of its life that is used
	Critical       byte   // Critical Warning of the SMART log
	Spare          byte   // percent
	Hours          uint64 // powered on
	Celsius        int
	ShortLog       int    // bytes of a log page that arrive at most; 0: all
	RawSanitizeLog []byte // put over log 81h
}

// Estimates are times in seconds; 0xFFFFFFFF is unknown.
type Estimates struct{ Overwrite, Block, Crypto uint32 }

// SanitizeMode is how a drive takes a sanitize.
type SanitizeMode string

// The modes.
const (
	SanitizeHonest      SanitizeMode = ""
	SanitizeForget      SanitizeMode = "forget"        // does nothing; log 81h says that there never was one
	SanitizeForgetRan   SanitizeMode = "forget=erased" // erases; log 81h says so too
	SanitizeForgetAfter SanitizeMode = "forget=after"  // erases; log 81h knows of it while it runs only
	SanitizeOther       SanitizeMode = "other"         // does nothing; log 81h names another command that succeeded
	SanitizeOtherRan    SanitizeMode = "other=erased"  // erases; log 81h names another command all along
	SanitizeStale       SanitizeMode = "stale"         // does nothing; log 81h shows an earlier success of the same command
	SanitizeHang        SanitizeMode = "hang"          // begins; from then on nothing at all is answered
)

// Cut is how a drive gets lost in the middle of a sanitize or Format.
type Cut int

// The ways.
const (
	CutNone   Cut = iota
	CutVanish     // connections dropped, port closed, for good
	CutPower      // connections dropped; a sanitize goes on when there is power again, a Format is lost
)

// BadRange are blocks that cannot be read or written, both ends included.
type BadRange struct {
	Namespace   uint32 // 0: all
	First, Last uint64
	Read, Write bool
}

// fill is what a namespace holds at first.
func (c Config) fill(id uint32) pattern {
	switch c.Fill {
	case "":
		return wordPattern(0)
	case "ones":
		return wordPattern(0xFFFFFFFF)
	case "random":
		h := fnv.New64a()
		h.Write([]byte(c.Serial))
		return noise(h.Sum64() + uint64(id))
	}
	return records(c.Fill)
}
