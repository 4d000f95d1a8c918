package method

import (
	"fmt"
	"slices"

	"wiped/engine/drive"
)

// Method is one way to erase a drive. Whoever adds one writes such a literal and a line in catalogue; help, completion,
// certificates and the reference pages are made from it.
type Method struct {
	Name  string // what it is asked for by: lower-case letters, digits and dashes
	Title string // what it does, in a line
	Level Level  // the most that it reaches on any drive
	// OnFlash is what it reaches over ATA and SCSI where the medium is flash, or may be; 0: as much.
	OnFlash Level

	// Legacy methods run only when named. They cost time and wear, and reach no further than one pass does.
	Legacy bool

	// OnlyNamed methods that are not legacy run only when named, too: others serve better.
	OnlyNamed bool
	// Passes in the order they run, except as Pass.AnyOrder says.
	Passes []Pass
	// Action is what the drive is told to do to itself, in place of Passes. Once told, it can be neither cancelled nor
	// resumed: it is followed.
	Action drive.Action

	// Standard is what the method is done by, or for a legacy method the text that its pattern list goes back to.
	Standard string
	// Status says what became of that text, for a legacy method. It goes with Standard wherever that is shown.
	Status string
	// After is set where the sources disagree about the list: the one which this list follows. See Claim.
	After string

	// Proves is what a job of this method, verified in full and without errors, shows; and what it does not.
	Proves string

	// DefaultVerify is how much is read back after the last pass where the operator does not say.
	DefaultVerify Verification
	// MustVerify is set where the text itself demands the verification: without it, it is not this method.
	MustVerify bool
}

// All returns the catalogue: first the methods to choose from, best first, then the legacy ones by name. The slices are
// the caller's.
func All() []Method {
	all := make([]Method, len(catalogue))
	for i, m := range catalogue {
		all[i] = m.clone()
	}
	return all
}

// Find returns the method of that exact name.
func Find(name string) (Method, bool) {
	for _, m := range catalogue {
		if m.Name == name {
			return m.clone(), true
		}
	}
	return Method{}, false
}

// Names returns the names of All, in its order.
func Names() []string {
	names := make([]string, len(catalogue))
	for i, m := range catalogue {
		names[i] = m.Name
	}
	return names
}

// On is the method as it is on a drive of a command set (drive.Answers.Set) whose medium turns or does not; nil: nobody knows.
func (m Method) On(set string, rotational *bool) Method {
	if m.OnFlash != 0 && (set == "ATA" || set == "SCSI") && (rotational == nil || !*rotational) {
		m.Level, m.Standard = m.OnFlash, current
	}
	m.OnFlash = 0
	return m
}

// Levels is the level in words, on a kind of drive where that is known.
func (m Method) Levels() string {
	if m.OnFlash == 0 {
		return m.Level.String()
	}
	return fmt.Sprintf("%s, but %s on flash over ATA or SCSI", m.Level, m.OnFlash)
}

// ByChoice tells whether the method may be chosen where nobody named one.
func (m Method) ByChoice() bool { return !m.Legacy && !m.OnlyNamed }

// PassTitles names the passes in the order they are listed.
func (m Method) PassTitles() []string {
	titles := make([]string, len(m.Passes))
	for i, p := range m.Passes {
		titles[i] = p.Title()
	}
	return titles
}

// Claim is how the method is called on a certificate. A list that its sources tell differently, or whose standard is no
// longer one, claims to be a list of patterns, and never to comply with anything.
func (m Method) Claim() string {
	switch {
	case m.After != "":
		return "pattern list " + m.Name + ", after " + m.After
	case m.Legacy:
		return "pattern list " + m.Name + ", as in " + m.Standard + " (" + m.Status + ")"
	}
	return m.Standard
}

func (m Method) clone() Method {
	m.Passes = slices.Clone(m.Passes)
	for i := range m.Passes {
		m.Passes[i].Bytes = slices.Clone(m.Passes[i].Bytes)
	}
	return m
}
