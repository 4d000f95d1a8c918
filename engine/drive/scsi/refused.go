package scsi

import (
	"fmt"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// every stands for all additional codes.
const every = -1

// refusals are the answers by which a drive says that it did not begin: the first that fits. Medium and hardware errors and
// aborted commands are not among them, for they can come after the beginning.
var refusals = []struct {
	key       byte
	asc, ascq int
	why, next string
}{
	{sg.IllegalRequest, 0x20, every, "it does not have the command", ""},
	{sg.IllegalRequest, 0x24, every, "it does not have the command in this form", ""},
	{sg.IllegalRequest, 0x26, every, "it does not take the parameters of the command", ""},
	{sg.IllegalRequest, every, every, "it does not take the command", ""},
	{sg.DataProtect, 0x27, every, writeProtected, liftProtection},
	{sg.DataProtect, every, every, "its data is protected", "unlock it by what it was locked with"},
	{sg.NotReady, 0x04, 0x01, "it is starting up", "try again in a minute"},
	{sg.NotReady, 0x04, 0x02, "it is stopped", "start it, or unplug it and plug it in again"},
	{sg.NotReady, 0x04, 0x04, "it is formatting itself already", "wait until that has ended"},
	{sg.NotReady, 0x04, 0x09, "it is testing itself", "wait until that has ended"},
	{sg.NotReady, 0x04, 0x1b, "it is sanitizing itself already", "wait until that has ended"},
	{sg.NotReady, 0x04, 0x1e, "it holds a new firmware that is not active yet", "switch it off and on again"},
	{sg.NotReady, 0x04, 0x22, "it has to be switched off and on again", "switch it off and on again"},
	{sg.NotReady, 0x31, every, "its format is not complete", "format it anew"},
	{sg.NotReady, 0x3a, every, "there is no medium in it", "put the medium in"},
	{sg.NotReady, every, every, "it is not ready", ""},
	{sg.UnitAttention, mediumChange, every, "its medium may be another one now", "look at the drive again"},
	{sg.UnitAttention, every, every, "it reported a reset or another change instead of beginning", "look at the drive again, then repeat the command"},
}

// busyStatus are the statuses, other than CHECK CONDITION, of a command that was not begun: SAM-6 section 5.3.
var busyStatus = map[byte]drive.RefusedError{
	sg.Busy:                {Why: "it is busy", Next: "try again"},
	sg.ReservationConflict: {Why: "another machine has reserved it", Next: "end the reservation there"},
	0x28:                   {Why: "its queue of commands is full", Next: "try again"},
	0x30:                   {Why: "it waits for an earlier error to be cleared", Next: "unplug it and plug it in again"},
}

// verdict is what an answer to an order says: nil if the drive accepted it, a *drive.RefusedError if it did not begin, any
// other error if that cannot be told.
func verdict(name string, r sg.Result, err error) error {
	s := r.Sense
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case r.OK():
		return nil
	case r.Status == sg.CheckCondition && s.Present && s.Deferred: // SPC-6 section 4.4.7: the command itself was not begun
		return &drive.RefusedError{Why: "it reported the error of an earlier command instead of beginning", Next: "repeat the command", Text: s.String()}
	case r.Status == sg.CheckCondition && s.Present && s.Key == sg.Recovered:
		return nil
	case r.Status == sg.CheckCondition && s.Present:
		for _, known := range refusals {
			if known.key == s.Key && (known.asc == every || known.asc == int(s.ASC)) && (known.ascq == every || known.ascq == int(s.ASCQ)) {
				return &drive.RefusedError{Why: known.why, Next: known.next, Text: s.String()}
			}
		}
	case r.Status == sg.CheckCondition:
		return fmt.Errorf("%s: CHECK CONDITION with %w", name, refusal{r})
	}
	if said, ok := busyStatus[r.Status]; ok {
		said.Text = r.String()
		return &said
	}
	return fmt.Errorf("%s: %w", name, refusal{r})
}
