package ata

import (
	"errors"
	"fmt"
	"time"

	"wiped/engine/drive"
)

// tooSoon is before any drive that began to erase itself can have ended: what it turns down within is a refusal.
const tooSoon = 2 * time.Second

// securityErase takes a drive from no password, or one that is ours, to SECURITY ERASE UNIT and its end.
func (e *errand) securityErase(enhanced bool) error {
	id, err := e.confirmed()
	if err != nil {
		return notSent(err)
	}
	sec := id.security()
	if why, next := sec.blocked(enhanced); why != "" {
		return &drive.RefusedError{Why: why, Next: next, Text: id.word128()}
	}
	take := e.takePassword
	if sec.enabled || sec.locked {
		take = e.unlock
	}
	if refused := take(); refused != nil {
		return refused
	}
	return e.eraseUnit(enhanced, eraseDeadline(id.eraseTime(enhanced)), !sec.enabled && !sec.locked)
}

// send sends an order that is no erase yet; unclear is also that no answer came back. It is not an error where accepted.
func (e *errand) send(t taskfile) (outcome, *drive.RefusedError) {
	a, err := e.order(t, orderTime)
	var refused *drive.RefusedError
	if errors.As(err, &refused) {
		return notTaken, refused
	}
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
func (e *errand) unlock() *drive.RefusedError {
	o, refused := e.send(unlock())
	if o == aborted {
		refused.Why, refused.Next = "it is locked with a password that is not wiped's", askOwner
	}
	if refused != nil {
		return refused
	}
	_, refused = e.look("whether it is still there")
	return refused
}

// unlockOwn is unlock for a drive that is locked, so that it can be read.
func (e *errand) unlockOwn() error {
	id, err := e.confirmed()
	if err != nil {
		return notSent(err)
	}
	sec := id.security()
	if !sec.locked {
		return nil
	}
	if why, next := sec.blocked(false); why != "" {
		return &drive.RefusedError{Why: why, Next: next, Text: id.word128()}
	}
	if refused := e.unlock(); refused != nil {
		return refused
	}
	return nil
}

const askOwner = "remove the password with the help of who set it, or with the master password: hdparm --user-master m --security-disable PASSWORD"

// look asks the drive what it is between two orders.
func (e *errand) look(whether string) (identify, *drive.RefusedError) {
	id, err := e.confirmed()
	var refused *drive.RefusedError
	if err != nil && !errors.As(err, &refused) {
		refused = &drive.RefusedError{Why: "it was not told to erase itself: the look " + whether + " failed", Text: drive.Clean(err.Error())}
	}
	return id, refused
}

// takePassword sets the password, and looks whether the drive has it: something in between could say GOOD for it, and then
// for the erase.
func (e *errand) takePassword() *drive.RefusedError {
	o, refused := e.send(setPassword())
	if o == unclear || refused != nil && e.hasPassword() {
		return e.giveBack(refused)
	}
	if refused != nil {
		return refused
	}
	id, refused := e.look("whether it has the password")
	if refused != nil {
		return e.giveBack(refused)
	}
	if !id.security().enabled {
		return &drive.RefusedError{Why: "it said GOOD to SECURITY SET PASSWORD and has none", Text: id.word128()}
	}
	return nil
}

// hasPassword tells whether the drive is seen to have a password, in spite of its refusal: a reset can have come in between.
func (e *errand) hasPassword() bool {
	id, err := e.confirmed()
	return err == nil && id.security().enabled
}

// eraseUnit sends ERASE PREPARE and ERASE UNIT, with nothing in between, and waits for the end. A drive that did not begin
// is left as it was found, ours being that this call set its password. One that gave up later keeps it, as the mark of an
// erase that was begun and not ended.
func (e *errand) eraseUnit(enhanced bool, deadline time.Duration, ours bool) error {
	asFound := func(r *drive.RefusedError) error {
		if ours {
			return e.giveBack(r)
		}
		return r
	}
	if _, refused := e.send(erasePrepare()); refused != nil {
		return asFound(refused)
	}
	t := eraseUnit(enhanced)
	began := e.now()
	a, err := e.order(t, deadline)
	took := e.now().Sub(began)
	switch o := a.outcome(); {
	case err != nil:
		return fmt.Errorf("%w; unless it ends well, the drive keeps the password %s", err, Password)
	case o == aborted && took < tooSoon && !ours:
		return a.refused("it did not take "+t.name+", perhaps because its password is not wiped's", askOwner)
	case (o == aborted || o == notTaken) && took < tooSoon:
		return asFound(a.refused("it did not take "+t.name, ""))
	case o != accepted:
		return fmt.Errorf("%s: the drive gave up after %s: %v; it keeps the password %s", t.name, took.Round(time.Second), a, Password)
	}
	return e.checkErased()
}

// checkErased looks whether the drive dropped its password. That another one answers is no refusal: the erase was begun.
func (e *errand) checkErased() error {
	id, err := e.identify()
	if err != nil {
		return fmt.Errorf("the look after SECURITY ERASE UNIT, which ended with GOOD: %w", err)
	}
	if r := e.other(&id); r != nil {
		return fmt.Errorf("the look after SECURITY ERASE UNIT, which ended with GOOD: %s", r.Why)
	}
	if e.watch.changed && e.first.Serial == "" {
		return fmt.Errorf("the look after SECURITY ERASE UNIT, which ended with GOOD: %s", mayBeAnother)
	}
	if s := id.security(); !s.supported || s.enabled || s.locked {
		return fmt.Errorf("the drive said GOOD to SECURITY ERASE UNIT and did not drop its password (%s)", id.word128())
	}
	return nil
}

// giveBack takes the password off a drive that did not begin, and says it where that fails. It is an order like the others:
// on another drive with this password, that is the mark of an erase that did not end.
func (e *errand) giveBack(r *drive.RefusedError) *drive.RefusedError {
	why := ""
	if _, err := e.confirmed(); err != nil {
		why = drive.Clean(err.Error())
	} else if _, refused := e.send(disablePassword()); refused != nil {
		why = refused.Text
	}
	if why != "" {
		r.Why += "; taking the password back failed too (" + why + "), so that the drive may be left with the password " + Password
		r.Next = "erase it so again, or hdparm --user-master u --security-disable " + Password
	}
	return r
}
