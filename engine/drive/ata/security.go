package ata

import (
	"fmt"
	"strings"
	"time"

	"wiped/engine/drive"
)

// Password is the user password that is set for the time of a security erase, which a drive cannot do without one. It is
// fixed and public on purpose: a drive that lost power during the erase stays locked with it, and anybody can open it
// again, here by erasing it once more, elsewhere with `hdparm --user-master u --security-disable wiped`.
const Password = "wiped"

// security is IDENTIFY word 128.
type security struct {
	supported, enabled, locked, frozen, expired, enhanced, maximum bool
}

func (id *identify) security() security {
	const feature = 1 // of words 82 and 85
	return security{
		supported: id.bit(128, 0) && (!id.says(83) || id.bit(82, feature)),
		enabled:   id.bit(128, 1) || id.enabled(85, feature), locked: id.bit(128, 2), frozen: id.bit(128, 3), expired: id.bit(128, 4),
		enhanced: id.bit(128, 5), maximum: id.bit(128, 8),
	}
}

func (s security) String() string {
	if !s.supported {
		return ""
	}
	words := []string{"no password set"}
	if s.enabled {
		words = []string{"password set"}
	}
	for _, w := range []struct {
		is   bool
		word string
	}{{s.locked, "locked"}, {s.frozen, "frozen"}, {s.expired, "password attempts used up"}, {s.enabled && s.maximum, "level maximum"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

// word128 is the word itself, for the record.
func (id *identify) word128() string { return fmt.Sprintf("IDENTIFY word 128: %04xh", id[128]) }

// blocked is why the drive cannot do a security erase now; empty: it can be tried.
func (s security) blocked(enhanced bool) (why, next string) {
	switch {
	case !s.supported || enhanced && !s.enhanced:
		return "the drive does not have it", ""
	case s.frozen:
		return "frozen by the BIOS", powerCycle + ", or suspend"
	case s.expired:
		return "too many wrong passwords were tried", powerCycle
	case s.enabled, s.locked:
		return "", "it has a password: it can only be erased so if that is wiped's own, which an interrupted erase leaves behind"
	}
	return "", ""
}

const lockedWhy = "it is locked with a password, and takes neither reads nor writes"

// wayOut is what helps with a locked drive.
func (s security) wayOut(name string) string {
	next := "unlock it with its password: hdparm --user-master u --security-unlock PASSWORD /dev/" + name
	if why, _ := s.blocked(false); why == "" {
		next = "if an interrupted erase of wiped left it so, erase " + name + " --method security-erase; else " + next
	}
	return next
}

// eraseTime is the drive's estimate, of word 89 for the normal and 90 for the enhanced mode: twice as many minutes as the
// low byte says, or, with bit 15, as bits 14:0 say. The greatest value of each stands for more; 0: it gives none.
func (id *identify) eraseTime(enhanced bool) time.Duration {
	w := id[89]
	if enhanced {
		w = id[90]
	}
	minutes := 2 * time.Duration(w&0xff)
	if w&0x8000 != 0 {
		minutes = 2 * time.Duration(w&0x7fff)
	}
	return minutes * time.Minute
}

// How long SECURITY ERASE UNIT is waited for: drives take longer than they say, and the kernel takes 49 days at most.
const (
	leastErase = 12 * time.Hour
	mostErase  = 49 * 24 * time.Hour
)

func eraseDeadline(estimate time.Duration) time.Duration {
	return min(max(2*estimate, leastErase), mostErase)
}

// securityBlock is what goes with SET PASSWORD, UNLOCK, ERASE UNIT and DISABLE PASSWORD: the user password, security level
// high, both by zeros in word 0, of which bit 1 asks ERASE UNIT for the enhanced mode.
func securityBlock(enhanced bool) []byte {
	b := make([]byte, block)
	if enhanced {
		b[0] = 1 << 1
	}
	copy(b[2:34], Password)
	return b
}

func setPassword() taskfile {
	return taskfile{name: "SECURITY SET PASSWORD", command: 0xf1, count: 1, out: securityBlock(false)}
}

func unlock() taskfile {
	return taskfile{name: "SECURITY UNLOCK", command: 0xf2, count: 1, out: securityBlock(false)}
}

func erasePrepare() taskfile { return taskfile{name: "SECURITY ERASE PREPARE", command: 0xf3} }

func eraseUnit(enhanced bool) taskfile {
	return taskfile{name: "SECURITY ERASE UNIT", command: 0xf4, count: 1, out: securityBlock(enhanced)}
}

func disablePassword() taskfile {
	return taskfile{name: "SECURITY DISABLE PASSWORD", command: 0xf6, count: 1, out: securityBlock(false)}
}

// securityStatus reads from word 128 how a security erase went. A drive that was erased has dropped its password, and one
// that was interrupted keeps it.
//
// That there is no password proves the end of an erase only where the password was seen set by the same job: a drive that
// never got the order looks the same, and so does one that refused it and had the password taken back. The status does
// not name the command for that reason.
func (id *identify) securityStatus() drive.Status {
	st := drive.Status{Done: -1}
	switch s := id.security(); {
	case s.enabled, s.locked:
		st.Phase = drive.Failed
		st.Text = id.word128() + ", " + s.String() + ": the erase did not come to its end; the drive keeps a password: \"" +
			Password + "\", unless somebody else set one"
	case s.supported:
		st.Phase, st.Done = drive.Succeeded, 1
		st.Text = id.word128() + ", " + s.String() + ": no erase is unfinished"
	default:
		st.Text = id.word128() + ": security is not supported"
	}
	return st
}
