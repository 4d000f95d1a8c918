// Package ata is the firmware of a simulated ATA drive, and the SCSI translation (SAT) behind which the kernel meets it. It is
// written from the standards and the manuals of drives alone, so that what tests wiped is not wiped's own reading of them; it knows
// no transport and no clock.
package ata

import (
	"fmt"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/scenario"
	"wiped/cmd/drivesim/store"
)

// drive is the state machine below the translation. The translation has the lock.
type drive struct {
	spec   scenario.Drive
	medium *store.Store
	erase  *erase.Engine
	lock   func() (unlock func()) // for results that come later

	events         []erase.Event
	attention      bool // power was lost, and the host was not told yet
	gone           bool
	security       security
	hidden         hidden
	sanitizeFrozen bool
	antifreeze     bool
	last           Taskfile // the command before this one, where it succeeded
}

func newDrive(spec scenario.Drive, medium *store.Store, now func() time.Time) *drive {
	d := &drive{spec: spec, medium: medium, erase: erase.New(medium, now)}
	d.security = newSecurity(spec)
	d.hidden = newHidden(spec, d.factory())
	d.powerOn()
	d.security.frozen, d.sanitizeFrozen = spec.Frozen, spec.SanitizeFrozen
	d.security.attempts = spec.Attempts
	d.hidden.frozen, d.hidden.dcoFrozen = spec.FreezeHPA, spec.FreezeDCO
	return d
}

// factory is how many sectors the drive was made with.
func (d *drive) factory() uint64 {
	if d.spec.Claims > 0 {
		return uint64(d.spec.Claims) / uint64(d.spec.Sector)
	}
	return uint64(d.medium.Size()) / uint64(d.spec.Sector)
}

// powerOn is the state after a power-on reset.
func (d *drive) powerOn() {
	d.attention, d.gone, d.last = true, false, Taskfile{}
	d.sanitizeFrozen, d.antifreeze = false, false
	d.security.powerOn()
	d.hidden.powerOn()
}

// advance does what time has brought about.
func (d *drive) advance() {
	switch event := d.erase.Advance(); event {
	case erase.PowerLost:
		d.events = append(d.events, event)
		d.erase.PowerCycle()
		d.powerOn()
	case erase.Vanished:
		d.events = append(d.events, event)
		d.gone = true
	}
}

// busy tells whether the drive is in a command that lets it do nothing else.
func (d *drive) busy() bool { return d.erase.Busy() && d.erase.Kind() == erase.Security }

// command is one ATA command that the drive has.
type command struct {
	transfer transfer
	run      func(*drive, Taskfile, []byte) Result
	// During a sanitize and after one that failed only few commands are processed: manual of the Ultrastar HC580, section 10.20.
	sanitizing bool
	// Which commands a locked drive refuses: ACS-3.
	locked bool // it is refused
}

func done(*drive, Taskfile, []byte) Result { return Result{} }

// find is the command for the registers, where the drive has it.
func (d *drive) find(t Taskfile) (command, bool) {
	if c, ok := commands[t.Command]; ok {
		return c, true
	}
	c, ok := subcommands[subcommand{t.Command, t.Feature}]
	return c, ok
}

// subcommand is a command that is told by its Feature register too.
type subcommand struct {
	command byte
	feature uint16
}

var (
	commands    map[byte]command
	subcommands map[subcommand]command
)

// The tables are made here because some of what they name looks into them.
func init() {
	commands = map[byte]command{
		0x20: {fromDrive, (*drive).read, false, true}, 0x24: {fromDrive, (*drive).read, false, true},
		0x25: {fromDrive, (*drive).read, false, true}, 0xc8: {fromDrive, (*drive).read, false, true},
		0x30: {toDrive, (*drive).write, false, true}, 0x34: {toDrive, (*drive).write, false, true},
		0x35: {toDrive, (*drive).write, false, true}, 0xca: {toDrive, (*drive).write, false, true},
		0x40: {noData, (*drive).readVerify, false, true}, 0x42: {noData, (*drive).readVerify, false, true},
		0xe7: {noData, done, false, true}, 0xea: {noData, done, false, true}, // FLUSH CACHE
		0xe0: {noData, done, false, false}, 0xe1: {noData, done, true, false}, // STANDBY, IDLE IMMEDIATE
		0xe2: {noData, done, false, false}, 0xe3: {noData, done, false, false}, // STANDBY, IDLE
		0xe5: {noData, (*drive).checkPowerMode, true, false},
		0xec: {fromDrive, (*drive).identify, true, false},
		0xef: {noData, done, false, false}, // SET FEATURES
		0x2f: {fromDrive, (*drive).readLog, true, false}, 0x47: {fromDrive, (*drive).readLog, true, false},

		0xf1: {toDrive, (*drive).setPassword, false, true},
		0xf2: {toDrive, (*drive).unlock, true, false},
		0xf3: {noData, (*drive).erasePrepare, false, false},
		0xf4: {toDrive, (*drive).eraseUnit, false, false},
		0xf5: {noData, (*drive).freezeLock, false, true},
		0xf6: {toDrive, (*drive).disablePassword, false, true},

		0xf8: {noData, (*drive).readNativeMax, false, false}, 0x27: {noData, (*drive).readNativeMax, false, false},
		0x37: {noData, (*drive).setMax, false, true},
	}
	subcommands = map[subcommand]command{
		{0xb0, 0xd0}: {fromDrive, (*drive).smartData, false, false},
		{0xb0, 0xd1}: {fromDrive, (*drive).smartThresholds, false, false},
		{0xb0, 0xd2}: {noData, (*drive).smartOrder, false, false},
		{0xb0, 0xd4}: {noData, (*drive).smartOrder, false, false},
		{0xb0, 0xd5}: {fromDrive, (*drive).smartLog, false, false},
		{0xb0, 0xd8}: {noData, (*drive).smartOrder, false, false},
		{0xb0, 0xda}: {noData, (*drive).smartStatus, true, false},

		{0xf9, 0x00}: {noData, (*drive).setMax, false, true},
		{0xf9, 0x04}: {noData, (*drive).freezeMax, false, true},
		{0x78, 0x00}: {noData, (*drive).accessibleMax, false, false},
		{0x78, 0x01}: {noData, (*drive).accessibleMax, false, true},
		{0x78, 0x02}: {noData, (*drive).accessibleMax, false, true},
		{0xb1, 0xc0}: {noData, (*drive).configuration, false, true},
		{0xb1, 0xc1}: {noData, (*drive).configuration, false, true},
		{0xb1, 0xc2}: {fromDrive, (*drive).configuration, false, true},

		{0xb4, sanitizeStatus}:     {noData, (*drive).sanitizeStatus, true, false},
		{0xb4, cryptoScramble}:     {noData, (*drive).sanitize, true, true},
		{0xb4, blockErase}:         {noData, (*drive).sanitize, true, true},
		{0xb4, overwriteExt}:       {noData, (*drive).sanitize, true, true},
		{0xb4, sanitizeFreeze}:     {noData, (*drive).sanitizeLocks, false, true},
		{0xb4, sanitizeAntifreeze}: {noData, (*drive).sanitizeLocks, true, true},
	}
}

// do is one command from its registers to its result.
func (d *drive) do(t Taskfile, out []byte) Result {
	c, ok := d.find(t)
	if !ok {
		d.last = Taskfile{}
		return d.unknown(t)
	}
	phase := d.sanitizePhase()
	if !c.sanitizing && (phase == erase.Running || phase == erase.Failed) || c.locked && d.security.locked {
		d.last = Taskfile{}
		return abort()
	}
	r := c.run(d, t, out)
	if d.last = t; r.Error != 0 {
		d.last = Taskfile{}
	}
	return r
}

// unknown is the answer to a command that is not there. A SANITIZE DEVICE that is not says why.
func (d *drive) unknown(t Taskfile) Result {
	r := abort()
	if t.Command == 0xb4 && len(d.spec.Sanitize) > 0 {
		r.LBA = reasonUnsupported
	}
	return r
}

func (d *drive) checkPowerMode(Taskfile, []byte) Result { return Result{Count: 0xff} } // active or idle

func (d *drive) state() string {
	return fmt.Sprintf("%d of %d sectors of %d bytes, security %+v, sanitize frozen %v, erase phase %d, hung %v, gone %v", d.hidden.current, d.factory(),
		d.spec.Sector, d.security.text(), d.sanitizeFrozen, d.erase.Phase(), d.erase.Hung(), d.gone)
}
