package nvme

import (
	"fmt"
	"time"

	"wiped/engine/drive"
)

// sanitizes are the sanitize actions as the standard numbers them (SANACT, NVMe 1.4 section 5.24), and the bit of SANICAP
// that says that a drive has one.
var sanitizes = map[drive.Action]struct {
	name   string
	sanact uint32
	bit    int
}{
	drive.SanitizeBlock:     {"block erase", 2, 1},
	drive.SanitizeOverwrite: {"overwrite", 3, 2},
	drive.SanitizeCrypto:    {"crypto erase", 4, 0},
}

// sanicap is the field SANICAP of Identify Controller.
type sanicap uint32

func (s sanicap) has(a drive.Action) bool {
	order, ok := sanitizes[a]
	return ok && s>>order.bit&1 != 0
}

// inhibited says that the drive takes no order to leave blocks allocated (NDI).
func (s sanicap) inhibited() bool { return s&(1<<29) != 0 }

// unmodified says that such an order makes the drive write nothing more to its media (NODMMAS 01b).
func (s sanicap) unmodified() bool { return s>>30 == 0b01 }

// Bits of dword 10. AUSE (bit 3) stays 0: the drive is not to come out of a failed sanitize as if nothing had happened. OIPBP
// (bit 8) and EMVS (bit 10) stay 0 too. The pattern in dword 11 is zeros.
const (
	onePass   = 1 << 4 // OWPASS; 0 would be 16
	keepsLBAs = 1 << 9 // NDAS
)

// leavesAllocated decides on NDAS, by what lets the drive be read afterwards, and by SANICAP alone, so that a restart makes
// the same command of it. After an overwrite of a drive that writes nothing more, blocks that stay allocated are read from
// the medium, which is better evidence than a block that the drive knows to be empty. After a block or crypto erase the raw
// medium fails its own integrity checks (annex A.3 of the base specification), unless the drive writes it once more from end to end, which
// wears it: there, and where NDI inhibits it, the drive may deallocate, and says what such blocks are read as.
func (s sanicap) leavesAllocated(a drive.Action) bool {
	return a == drive.SanitizeOverwrite && !s.inhibited() && s.unmodified()
}

// sanitizeCommand is the Sanitize of an action. It goes to the subsystem, not to a namespace.
func sanitizeCommand(a drive.Action, s sanicap) command {
	c := command{opcode: opSanitize, cdw10: sanitizes[a].sanact, timeout: sanitizeTime}
	if a == drive.SanitizeOverwrite {
		c.cdw10 |= onePass
	}
	if s.leavesAllocated(a) {
		c.cdw10 |= keepsLBAs
	}
	return c
}

// takes is the drive's own estimate; 0: there is none. That of an overwrite is for 16 passes.
func (l sanitizeLog) takes(a drive.Action) time.Duration {
	switch a {
	case drive.SanitizeBlock:
		return seconds(l.block)
	case drive.SanitizeCrypto:
		return seconds(l.crypto)
	case drive.SanitizeOverwrite:
		return seconds(l.overwrite) / 16
	}
	return 0
}

// report says what the log says of the sanitize that a command began. The standard promises that the log outlives resets
// and power cycles; it does not tell one sanitize from an earlier one by the same command.
func (l sanitizeLog) report(sent uint32) drive.Status {
	s := drive.Status{Done: -1, Text: fmt.Sprintf("sanitize %s: SSTAT 0x%04x, SPROG 0x%04x, SCDW10 0x%08x", l.name(), l.status, l.progress, l.command)}
	switch l.state() {
	case sanitizing:
		s.Phase, s.Done = drive.Running, l.done()
	case sanitized, sanitizedDeallocated:
		s.Phase, s.Done, s.Untouched = drive.Succeeded, 1, l.nothingSince()
	case sanitizeFailed:
		s.Phase = drive.Failed
	default:
		return s
	}
	s.Named = l.command == sent
	s.Other = !s.Named && beginsSanitize(l.command)
	return s
}

// beginsSanitize tells whether dword 10 is that of a command that begins a sanitize; any other names no command at all.
func beginsSanitize(cdw10 uint32) bool {
	sanact := cdw10 & 0b111
	return sanact >= 2 && sanact <= 4
}
