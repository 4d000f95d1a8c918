package ata

import (
	"fmt"
	"strings"

	"wiped/engine/drive"
)

// The way out for what only a power-on resets.
const powerCycle = "unplug the drive's power and plug it in again"

// sanitizes are the subcommands of SANITIZE DEVICE, with their bits in IDENTIFY word 59. Their LBA is a key, against
// mistakes; OVERWRITE has its pattern in the low 32 bits, and the passes in its count: one of zeros. None of them
// asks for a reset of zones to be left out, nor allows the drive to be used again after a failure.
var sanitizes = []struct {
	action  drive.Action
	word    string
	bit     int
	name    string
	feature uint16
	count   uint16
	lba     uint64
}{
	{drive.SanitizeCrypto, "crypto scramble", 13, "CRYPTO SCRAMBLE EXT", 0x0011, 0, 0x43727970},
	{drive.SanitizeBlock, "block erase", 15, "BLOCK ERASE EXT", 0x0012, 0, 0x426b4572},
	{drive.SanitizeOverwrite, "overwrite", 14, "OVERWRITE EXT", 0x0014, 1, 0x4f57_0000_0000},
}

func sanitize(name string, feature, count uint16, lba uint64) taskfile {
	return taskfile{name: name, command: 0xb4, feature: feature, count: count, lba: lba, device: lbaMode, extended: true}
}

// sanitizeState is what SANITIZE STATUS EXT says.
type sanitizeState struct {
	known      bool // the bits below came through
	done       bool // the last one completed without an error
	running    bool
	frozen     bool
	antifreeze bool
	progress   float64 // 0 to 1
	failed     bool    // the last one did not
	text       string
}

// reasons are what an aborted SANITIZE DEVICE gives in LBA(7:0).
var reasons = []string{"no reason given", "the last sanitize failed", "not supported, or not valid", "sanitize is frozen",
	"sanitize antifreeze lock is set"}

func reason(r registers) string {
	if n := int(byte(r.lba)); n < len(reasons) {
		return reasons[n]
	}
	return fmt.Sprintf("reason %02xh", byte(r.lba))
}

// sanitizeStatus asks twice where the registers were lost, which happens to some HBAs now and then.
func (p port) sanitizeStatus() (sanitizeState, error) {
	var a answer
	var err error
	for range 2 {
		if a, err = p.do(sanitize("SANITIZE STATUS EXT", 0, 0, 0), question); err == nil && a.known && a.countKnown {
			break
		}
	}
	if err != nil {
		return sanitizeState{}, err
	}
	return readSanitize(a), nil
}

// readSanitize takes the state out of an answer. That the command itself was aborted is how a drive tells that the last
// sanitize failed, unless it gives another reason.
func readSanitize(a answer) sanitizeState {
	const done, running, frozen, antifreeze = 1 << 15, 1 << 14, 1 << 13, 1 << 12 // of the count register
	const unknown, failed = 0, 1
	name := "SANITIZE STATUS EXT: "
	switch o := a.outcome(); {
	case o == aborted:
		why := byte(a.lba)
		return sanitizeState{failed: why == unknown || why == failed, text: fmt.Sprintf("%saborted, LBA(7:0) %02xh: %s", name, why, reason(a.registers))}
	case o != accepted:
		return sanitizeState{text: name + a.String()}
	case !a.known:
		return sanitizeState{text: name + "the registers were lost: the HBA does not pass the status on"}
	case !a.countKnown:
		return sanitizeState{text: name + "count(15:8) was lost: the HBA does not pass the status on"}
	}
	s := sanitizeState{known: true, done: a.count&done != 0, running: a.count&running != 0, frozen: a.count&frozen != 0, antifreeze: a.count&antifreeze != 0}
	says := "no sanitize was done, or the HBA does not pass the status on"
	switch {
	case s.running:
		s.progress = float64(a.lba&0xffff) / 0x10000
		says = fmt.Sprintf("in progress, %04xh of 10000h", a.lba&0xffff)
	case s.done:
		says = "completed without error"
	}
	s.text = fmt.Sprintf("%scount %04xh: %s", name, a.count, says)
	return s
}

// status is the state as an answer on an erase. It never names the command: ATA does not tell which one it was.
func (s sanitizeState) status() drive.Status {
	st := drive.Status{Done: -1, Text: s.text}
	switch {
	case s.failed:
		st.Phase = drive.Failed
	case s.running:
		st.Phase, st.Done = drive.Running, s.progress
	case s.done:
		st.Phase, st.Done = drive.Succeeded, 1
	}
	return st
}

// words are what the state is worth to a person; empty: nothing.
func (s sanitizeState) words() string {
	var words []string
	for _, w := range []struct {
		is   bool
		word string
	}{
		{s.failed, "the last one failed"},
		{!s.known && !s.failed, "not known: " + s.text},
		{s.running, "in progress"},
		{s.done && !s.running, "the last one completed without error"},
		{s.frozen, "frozen until the drive is switched off"},
		{s.antifreeze, "cannot be frozen until the drive is switched off"},
	} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

// busy is what the drive is doing; empty: nothing, or nobody can tell.
func (s sanitizeState) busy() string {
	if !s.running {
		return ""
	}
	return fmt.Sprintf("sanitizing, %d %% done", int(100*s.progress))
}

// sanitizeBlocked is why a drive cannot do one of the subcommands now; empty: it can.
func sanitizeBlocked(id *identify, state sanitizeState, bit int) (why, next string) {
	switch sec := id.security(); {
	case !id.bit(59, 12) || !id.bit(59, bit):
		return "the drive does not have it", ""
	case state.running:
		return "it is sanitizing already", "wait for its end"
	case state.frozen:
		return "frozen by the BIOS or another program", powerCycle
	case sec.locked:
		return "the drive is locked with a password", "unlock it with its password"
	}
	return "", ""
}

// sanitize sends one of the subcommands.
func (e *errand) sanitize(a drive.Action) error {
	id, err := e.confirmed()
	if err != nil {
		return notSent(err)
	}
	for _, s := range sanitizes {
		if s.action != a {
			continue
		}
		var state sanitizeState
		if id.bit(59, 12) {
			if state, err = e.sanitizeStatus(); err != nil {
				return notSent(err)
			}
		}
		if why, next := sanitizeBlocked(&id, state, s.bit); why != "" {
			return &drive.RefusedError{Why: why, Next: next, Text: state.text}
		}
		return e.begin(sanitize(s.name, s.feature, s.count, s.lba))
	}
	return drive.ErrUnsupported
}

// begin sends a subcommand that the drive is to begin.
func (e *errand) begin(t taskfile) error {
	got, err := e.order(t, orderTime)
	if err != nil {
		return err
	}
	switch got.outcome() {
	case accepted:
		return nil
	case aborted:
		return got.refused("it aborted "+t.name+": "+reason(got.registers), "")
	case notTaken:
		return got.refused(t.name+" was not taken", "")
	}
	return fmt.Errorf("%s: %v", t.name, got)
}
