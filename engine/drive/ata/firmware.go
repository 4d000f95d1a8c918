package ata

import (
	"fmt"
	"sync/atomic"
	"time"

	"wiped/engine/drive"
)

// orderTime is how long a drive may take to accept an order that it carries out later, or at once.
const orderTime = time.Minute

// tooSoon is before any drive that began to erase itself can have ended: what it aborts within is a refusal.
const tooSoon = 2 * time.Second

// firmware gives orders.
type firmware struct {
	port
	now func() time.Time
	// undone is that the last security erase through here did not come to its end, or not to a good one. A drive without
	// a password proves nothing then.
	undone atomic.Bool
}

// Erase of a security erase returns nil only where the drive was seen to take the password, ended the command with GOOD,
// and was seen to have dropped the password, which it does at the end of an erase.
func (f *firmware) Erase(a drive.Action) error {
	switch a {
	case drive.SanitizeBlock, drive.SanitizeCrypto, drive.SanitizeOverwrite:
		return f.startSanitize(a)
	case drive.SecurityErase, drive.SecurityEraseEnhanced:
		f.undone.Store(true)
		err := f.securityErase(a == drive.SecurityEraseEnhanced)
		f.undone.Store(err != nil)
		return err
	}
	return drive.ErrUnsupported
}

// Status of a sanitize action is what SANITIZE STATUS EXT says, of a security erase what IDENTIFY DEVICE says. Neither
// names the command that it speaks of.
func (f *firmware) Status(a drive.Action) (drive.Status, error) {
	switch a {
	case drive.SanitizeBlock, drive.SanitizeCrypto, drive.SanitizeOverwrite:
		s, err := f.sanitizeStatus()
		return s.status(), err
	case drive.SecurityErase, drive.SecurityEraseEnhanced:
		id, err := f.identify()
		if err != nil {
			return drive.Status{Done: -1}, err
		}
		st := id.securityStatus()
		if st.Phase == drive.Succeeded && f.undone.Load() {
			st.Phase, st.Done, st.Text = drive.None, -1, st.Text+", and none ended well"
		}
		return st, nil
	}
	return drive.Status{Done: -1}, drive.ErrUnsupported
}

func (f *firmware) Unhide() error { return f.unhide() }

// Format is not in ATA as far as it is spoken here.
func (f *firmware) Format(int) error { return drive.ErrUnsupported }

// Close has nothing to close: the descriptor belongs to who opened it.
func (f *firmware) Close() error { return nil }

// securityErase takes a drive from no password, or one that is ours, to SECURITY ERASE UNIT and its end.
func (f *firmware) securityErase(enhanced bool) error {
	id, err := f.identify()
	if err != nil {
		return notSent(err)
	}
	sec := id.security()
	if why, next := sec.blocked(enhanced); why != "" {
		return &drive.RefusedError{Why: why, Next: next, Text: id.word128()}
	}
	take := f.takePassword
	if sec.enabled || sec.locked {
		take = f.unlock
	}
	if refused := take(); refused != nil {
		return refused
	}
	return f.eraseUnit(enhanced, eraseDeadline(id.eraseTime(enhanced)), !sec.enabled && !sec.locked)
}

// send sends an order that is no erase yet; unclear is also that no answer came back. It is not an error where accepted.
func (f *firmware) send(t taskfile) (outcome, *drive.RefusedError) {
	a, err := f.do(t, orderTime)
	if err != nil {
		return unclear, &drive.RefusedError{Why: "it was not told to erase itself: the answer to " + t.name + " was lost", Text: drive.Clean(err.Error())}
	}
	o := a.outcome()
	if o == accepted {
		return o, nil
	}
	return o, a.refused("it did not take "+t.name, "")
}

// unlock opens a drive that an interrupted erase left with a password; somebody else's it cannot know.
func (f *firmware) unlock() *drive.RefusedError {
	o, refused := f.send(unlock())
	if o == aborted {
		refused.Why, refused.Next = "it is locked with a password that is not wiped's", askOwner
	}
	return refused
}

const askOwner = "remove the password with the help of who set it, or with the master password: hdparm --user-master m --security-disable PASSWORD"

// takePassword sets the password, and looks whether the drive has it: something in between could say GOOD for it, and then
// for the erase.
func (f *firmware) takePassword() *drive.RefusedError {
	o, refused := f.send(setPassword())
	if o == unclear {
		return f.giveBack(refused)
	}
	if refused != nil {
		return refused
	}
	id, err := f.identify()
	if err != nil {
		return f.giveBack(&drive.RefusedError{Why: "it was not told to erase itself: the look whether it has the password failed",
			Text: drive.Clean(err.Error())})
	}
	if !id.security().enabled {
		return &drive.RefusedError{Why: "it said GOOD to SECURITY SET PASSWORD and has none", Text: id.word128()}
	}
	return nil
}

// eraseUnit sends ERASE PREPARE and ERASE UNIT, with nothing in between, and waits for the end. A drive that did not begin
// is left as it was found, ours being that this call set its password. One that gave up later keeps it, as the mark of an
// erase that was begun and not ended.
func (f *firmware) eraseUnit(enhanced bool, deadline time.Duration, ours bool) error {
	asFound := func(r *drive.RefusedError) error {
		if ours {
			return f.giveBack(r)
		}
		return r
	}
	if _, refused := f.send(erasePrepare()); refused != nil {
		return asFound(refused)
	}
	t := eraseUnit(enhanced)
	began := f.now()
	a, err := f.do(t, deadline)
	took := f.now().Sub(began)
	switch o := a.outcome(); {
	case err != nil:
		return fmt.Errorf("%w; unless it ends well, the drive keeps the password %s", err, Password)
	case o == aborted && took < tooSoon && !ours:
		return a.refused("it did not take "+t.name+", perhaps because its password is not wiped's", askOwner)
	case o == aborted && took < tooSoon, o == notTaken:
		return asFound(a.refused("it did not take "+t.name, ""))
	case o != accepted:
		return fmt.Errorf("%s: the drive gave up after %s: %v; it keeps the password %s", t.name, took.Round(time.Second), a, Password)
	}
	return f.checkErased()
}

// checkErased looks whether the drive dropped its password.
func (f *firmware) checkErased() error {
	id, err := f.identify()
	if err != nil {
		return fmt.Errorf("the look after SECURITY ERASE UNIT, which ended with GOOD: %w", err)
	}
	if s := id.security(); !s.supported || s.enabled || s.locked {
		return fmt.Errorf("the drive said GOOD to SECURITY ERASE UNIT and did not drop its password (%s)", id.word128())
	}
	return nil
}

// giveBack takes the password off a drive that did not begin, and says it where that fails.
func (f *firmware) giveBack(r *drive.RefusedError) *drive.RefusedError {
	if _, refused := f.send(disablePassword()); refused != nil {
		r.Why += "; taking the password back failed too (" + refused.Text + "), so that the drive may be left with the password " + Password
		r.Next = "erase it so again, or hdparm --user-master u --security-disable " + Password
	}
	return r
}
