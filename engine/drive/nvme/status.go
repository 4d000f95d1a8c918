package nvme

import (
	"errors"
	"fmt"

	"wiped/engine/drive"
)

// status is what a controller answered to a command that it did not carry out, as the kernel returns it: bits 7:0 the
// status code, 10:8 its type, 14 do not retry (NVMe 1.4 section 4.6.1).
type status uint16

// code is status code and type, without the hints on retrying.
func (s status) code() uint16 { return uint16(s) & 0x7ff }

func (s status) text() string { return fmt.Sprintf("status 0x%04x", uint16(s)) }

func (s status) Error() string {
	if r, ok := refusals[s.code()]; ok {
		return r.name + " (" + s.text() + ")"
	}
	return s.text()
}

// refusals are the statuses by which a controller says that it did not begin. No other is taken for that: a Format that was
// begun can end in an internal error or a write fault, and statuses of type 3 come from the path or from the kernel.
var refusals = map[uint16]struct{ name, why, next string }{
	0x001: {"Invalid Command Opcode", "the drive does not know this command", ""},
	0x002: {"Invalid Field in Command", "the drive does not do it in this way", ""},
	0x00b: {"Invalid Namespace or Format", "the drive does not accept the namespace or its format", ""},
	0x00c: {"Command Sequence Error", "the drive is not in a state in which it takes this command", "power it off and on, and try again"},
	0x015: {"Operation Denied", "the drive denies it: it may be locked", "unlock it, or revert it with the PSID on its label"},
	0x01c: {"Sanitize Failed", "an earlier sanitize of the drive failed", "sanitize it again: only a sanitize that succeeds brings the drive back"},
	0x01d: {"Sanitize In Progress", "the drive is sanitizing itself already", "wait until that has ended"},
	0x020: {"Namespace is Write Protected", "a namespace of the drive is write protected", "take the write protection off"},
	0x023: {"Command Prohibited by Command and Feature Lockdown", "this command was locked in the drive", "power the drive off and on"},
	0x024: {"Admin Command Media Not Ready", "the drive's medium is not ready", "try again later"},
	0x082: {"Namespace Not Ready", "the namespace is not ready", "try again later"},
	0x083: {"Reservation Conflict", "another host has reserved the namespace", "release the reservation"},
	0x084: {"Format In Progress", "the drive is formatting itself already", "wait until that has ended"},
	0x10a: {"Invalid Format", "the drive does not accept the format of its own namespace", ""},
	0x10b: {"Firmware Activation Requires Conventional Reset", "a new firmware of the drive waits for a reset", "power the drive off and on"},
	0x110: {"Firmware Activation Requires NVM Subsystem Reset", "a new firmware of the drive waits for a reset", "power the drive off and on"},
	0x111: {"Firmware Activation Requires Controller Level Reset", "a new firmware of the drive waits for a reset",
		"power the drive off and on"},
	0x11d: {"Device Self-test In Progress", "the drive is testing itself", "wait until that has ended"},
	0x123: {"Sanitize Prohibited While Persistent Memory Region is Enabled", "the drive's persistent memory region is in use",
		"power the drive off and on, with nothing that uses that region"},
}

// refused makes a RefusedError of a status that says that the drive did not begin; any other error stays what it is.
func refused(err error) error {
	var s status
	if !errors.As(err, &s) {
		return err
	}
	r, ok := refusals[s.code()]
	if !ok {
		return err
	}
	return &drive.RefusedError{Why: r.why, Next: r.next, Text: s.text()}
}

// unknownThere tells whether a controller answered that it does not have what was asked for: Invalid Command Opcode,
// Invalid Field, Invalid Log Page.
func unknownThere(err error) bool {
	var s status
	return errors.As(err, &s) && (s.code() == 0x001 || s.code() == 0x002 || s.code() == 0x109)
}
