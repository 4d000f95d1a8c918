// Package scsi is the firmware of a simulated SCSI disk: what it answers to each command, and what happens to its medium. It is
// written from the standards alone, so that what tests wiped is not wiped's own reading of them; it knows no transport and no clock.
package scsi

import (
	"fmt"
	"sync"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/scenario"
	"wiped/cmd/drivesim/store"
	"wiped/cmd/drivesim/target"
)

// Disk is a drive. It is a target.Device.
type Disk struct {
	mu     sync.Mutex
	spec   scenario.Drive
	medium *store.Store
	erase  *erase.Engine
	id     target.Identity

	events    []erase.Event
	attention []target.Sense // unit attentions that wait to be told
	gone      bool
	stopped   bool
	sector    int               // bytes of a block now
	selected  int               // bytes of a block after the next FORMAT UNIT
	formats   bool              // a format has not come to its end
	corrupt   *target.Sense     // the format of the medium is not valid
	pages     map[byte][]byte   // of MODE SENSE, current
	defaults  map[byte][]byte   // and as they are at power on
	commands  map[byte][]action // by opcode
}

// New makes a drive with its medium.
func New(spec scenario.Drive, medium *store.Store, now func() time.Time) *Disk {
	d := &Disk{spec: spec, medium: medium, erase: erase.New(medium, now), sector: spec.Sector, selected: spec.Sector,
		id: target.Identity{Vendor: spec.Vendor, Product: spec.Model, Revision: spec.Firmware, Serial: spec.Serial, NAA: spec.WWN, RPM: spec.RPM}}
	d.defaults = modePages(spec.DescriptorSense)
	d.commands = d.supported()
	d.powerOn()
	return d
}

// powerOn is the state after power came back: SPC-5.
func (d *Disk) powerOn() {
	d.attention = []target.Sense{target.PowerOn}
	d.stopped, d.gone = false, false
	d.pages = map[byte][]byte{}
	for code, body := range d.defaults {
		d.pages[code] = append([]byte(nil), body...)
	}
}

// blocks is how many there are for the host.
func (d *Disk) blocks() uint64 {
	if d.spec.Claims > 0 {
		return max(uint64(d.spec.Claims)/uint64(d.sector), 1)
	}
	return uint64(d.medium.Size()) / uint64(d.sector)
}

// advance does what time has brought about.
func (d *Disk) advance() {
	switch event := d.erase.Advance(); event {
	case erase.PowerLost:
		d.events = append(d.events, event)
		d.loseErase()
		d.powerOn()
	case erase.Vanished:
		d.events = append(d.events, event)
		d.gone = true
	}
	if d.formats && !d.erase.Busy() {
		d.endFormat()
	}
}

// loseErase is what a loss of power does to an erase: a format that did not end leaves no valid one.
func (d *Disk) loseErase() {
	if d.erase.PowerCycle() && d.formats {
		d.formats, d.corrupt = false, &target.Sense{Key: target.MediumError, ASC: 0x31}
	}
}

// Tick is target.Device.
func (d *Disk) Tick() erase.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance()
	if len(d.events) == 0 {
		return erase.None
	}
	event := d.events[0]
	d.events = d.events[1:]
	return event
}

// PowerCycle is target.Device.
func (d *Disk) PowerCycle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance()
	d.loseErase()
	d.powerOn()
}

// Thaw is for drives that can be frozen.
func (d *Disk) Thaw() {}

// Swap puts another drive in its place, of this serial, without a word to the kernel.
func (d *Disk) Swap(serial []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spec.Serial = serial
}

// State is for people.
func (d *Disk) State() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("%d blocks of %d bytes, erase phase %d, hung %v, gone %v", d.blocks(), d.sector, d.erase.Phase(), d.erase.Hung(), d.gone)
}

// Look calls f with the medium while no command runs.
func (d *Disk) Look(f func(*store.Store)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance()
	f(d.medium)
}

// check is CHECK CONDITION in the format that the control mode page asks for.
func (d *Disk) check(s target.Sense) target.Outcome {
	if d.spec.DropSense {
		s = target.Sense{Key: s.Key}
	}
	return target.Check(s.Bytes(d.pages[controlPage][0]&0x04 != 0))
}

// Do is target.Device.
func (d *Disk) Do(c target.Command) target.Outcome {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.CDB = target.Normal(c.CDB)
	d.advance()
	switch {
	case d.gone:
		return d.check(target.NoSuchUnit)
	case d.erase.Hung():
		return target.Outcome{Never: true}
	}
	a, sense := d.find(c.CDB)
	if sense != nil {
		return d.check(*sense)
	}
	if len(d.attention) > 0 && !a.beforeAttention {
		sense := d.attention[0]
		d.attention = d.attention[1:]
		return d.check(sense)
	}
	if sense := d.obstacle(a.needs); sense != nil {
		return d.check(*sense)
	}
	return a.run(d, c)
}
