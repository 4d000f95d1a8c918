package ata

import (
	"encoding/binary"
	"fmt"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/scenario"
)

// security is the state of the security feature set: ACS-3.
type security struct {
	enabled, locked, frozen bool
	maximum                 bool // level of the master password capability
	user, master            [32]byte
	hasMaster               bool
	masterID                uint16
	attempts                int
}

// allAttempts is how many wrong passwords a drive takes before it wants a power cycle.
const allAttempts = 5

func newSecurity(spec scenario.Drive) (s security) {
	s.masterID, s.hasMaster = 0xfffe, spec.Master != nil // FFFEh: as from the factory
	copy(s.master[:], spec.Master)
	if s.enabled = spec.Locked != nil; s.enabled {
		copy(s.user[:], spec.Locked)
		s.maximum = spec.Maximum
	}
	return s
}

func (s *security) powerOn() {
	s.locked, s.frozen, s.attempts = s.enabled, false, allAttempts
}

func (s *security) text() string {
	return fmt.Sprintf("enabled %v, locked %v, frozen %v, %d attempts", s.enabled, s.locked, s.frozen, s.attempts)
}

// word is word 128 of IDENTIFY DEVICE: ACS-3.
func (s *security) word(supported, enhanced bool) (w uint16) {
	for bit, set := range []bool{supported, s.enabled, s.locked, s.frozen, s.attempts == 0, enhanced, false, false, s.enabled && s.maximum} {
		if set {
			w |= 1 << bit
		}
	}
	return w
}

// request is the data block that the commands with a password bring: ACS-3.
type request struct {
	master, enhanced, maximum bool
	password                  [32]byte
	id                        uint16
}

func parseRequest(out []byte) (r request, ok bool) {
	if len(out) < 512 {
		return r, false
	}
	control := binary.LittleEndian.Uint16(out)
	r.master, r.enhanced, r.maximum = control&1 != 0, control&2 != 0, control&0x100 != 0
	copy(r.password[:], out[2:34])
	r.id = binary.LittleEndian.Uint16(out[34:])
	return r, true
}

// matches compares a password with the one that it claims to be.
func (s *security) matches(r request) bool {
	if r.master {
		return s.hasMaster && r.password == s.master
	}
	return r.password == s.user
}

// secured reads the request of a command with a password, which a frozen drive does not take.
func (d *drive) secured(out []byte) (r request, ok bool) {
	r, ok = parseRequest(out)
	return r, ok && d.spec.Security && !d.security.frozen
}

func (d *drive) setPassword(_ Taskfile, out []byte) Result {
	s := &d.security
	r, ok := d.secured(out)
	switch {
	case !ok:
		return abort()
	case r.master:
		s.master, s.hasMaster = r.password, true
		if r.id != 0 && r.id != 0xffff {
			s.masterID = r.id
		}
	default: // it is locked at the next power on
		s.user, s.enabled, s.maximum = r.password, true, r.maximum
	}
	return Result{}
}

func (d *drive) unlock(_ Taskfile, out []byte) Result {
	s := &d.security
	r, ok := d.secured(out)
	switch {
	case !ok, s.attempts == 0, s.locked && s.maximum && r.master:
		return abort()
	case !s.locked:
		return Result{}
	case !s.matches(r):
		s.attempts--
		return abort()
	}
	s.locked = false
	return Result{}
}

func (d *drive) disablePassword(_ Taskfile, out []byte) Result {
	s := &d.security
	r, ok := d.secured(out)
	if !ok || s.enabled && (!s.matches(r) || s.maximum && r.master) {
		return abort()
	}
	s.enabled, s.maximum = false, false
	return Result{}
}

func (d *drive) freezeLock(Taskfile, []byte) Result {
	if !d.spec.Security {
		return abort()
	}
	d.security.frozen = true
	return Result{}
}

func (d *drive) erasePrepare(Taskfile, []byte) Result {
	if !d.spec.Security || d.security.frozen {
		return abort()
	}
	return Result{}
}

// eraseUnit is SECURITY ERASE UNIT: ACS-3. It keeps the drive busy to its end.
func (d *drive) eraseUnit(_ Taskfile, out []byte) Result {
	s, behaviour := &d.security, d.spec.Behaviour(erase.Security)
	r, ok := d.secured(out)
	switch {
	case !ok, behaviour.Refuse, d.last.Command != 0xf3, r.enhanced && !d.spec.Enhanced, s.attempts == 0, s.enabled && !s.matches(r):
		return abort()
	}
	run := erase.Run{Kind: erase.Security, Pattern: erase.Leaves(d.spec.Leaves, d.erase.Count()+1), Behaviour: behaviour}
	if run.End = int64(d.hidden.native()) * int64(d.spec.Sector); r.enhanced { // also what DCO hides
		run.End = d.medium.Size()
	}
	d.erase.Start(run)
	return d.awaitErase()
}

// awaitErase is the result that comes at the end of a SECURITY ERASE UNIT.
func (d *drive) awaitErase() Result {
	return Result{Never: d.erase.Hung(), Wait: max(d.erase.Left(), time.Millisecond), Then: func() Result {
		defer d.lock()()
		d.advance()
		switch phase := d.erase.Phase(); {
		case phase == erase.Running:
			return d.awaitErase()
		case phase != erase.Done: // it failed, or power was lost on the way
			d.erase.Leave()
			return abort()
		}
		if d.erase.View().Phase == erase.Done { // else it has forgotten
			d.security.enabled, d.security.locked, d.security.maximum = false, false, false
		}
		d.erase.Leave()
		return Result{}
	}}
}
