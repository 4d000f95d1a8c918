// Package bench is a number of simulated drives that run: made from a scenario, plugged into the kernel, and worked by a control
// from outside, past the drives' own commands. It knows every kind of drive and none of its commands.
package bench

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"wiped/cmd/drivesim/ata"
	"wiped/cmd/drivesim/scenario"
	"wiped/cmd/drivesim/scsi"
	"wiped/cmd/drivesim/store"
	"wiped/cmd/drivesim/target"
	"wiped/cmd/drivesim/tcmu"
)

// Firmware is a drive with what is only there because it is simulated.
type Firmware interface {
	target.Device
	Thaw()
	Swap(serial []byte)
	State() string
	Look(f func(*store.Store))
}

// Drive is one drive of a bench.
type Drive struct {
	Spec     scenario.Drive
	firmware Firmware
	medium   *store.Store
	slow     *target.Slow
	unit     *tcmu.Unit
}

// Bench is all of them.
type Bench struct {
	Drives []*Drive
	// Others takes an order to a drive of another kind, if it knows the drive; nil: there are none.
	Others func(words []string) (answer string, data []byte, known bool, err error)
}

// Open makes the drives and plugs them in. It returns when the kernel has seen them all.
func Open(specs []scenario.Drive) (*Bench, error) {
	b := &Bench{}
	for _, spec := range specs {
		d, err := newDrive(spec)
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		b.Drives = append(b.Drives, d)
	}
	if err := b.each((*Drive).plug); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// each does something to all drives at a time: the kernel's scan of one may take long.
func (b *Bench) each(do func(*Drive) error) error {
	errs := make([]error, len(b.Drives))
	var all sync.WaitGroup
	for i, d := range b.Drives {
		all.Go(func() { errs[i] = do(d) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Close takes all drives away.
func (b *Bench) Close() error {
	return b.each(func(d *Drive) error { return errors.Join(d.unit.Close(), d.medium.Close()) })
}

// NewFirmware makes the firmware of a drive on its medium.
func NewFirmware(spec scenario.Drive, medium *store.Store, now func() time.Time) Firmware {
	if spec.Kind == "ata" {
		return ata.New(spec, medium, now)
	}
	return scsi.New(spec, medium, now)
}

func newDrive(spec scenario.Drive) (*Drive, error) {
	medium, err := newMedium(spec)
	if err != nil {
		return nil, err
	}
	d := &Drive{Spec: spec, medium: medium, firmware: NewFirmware(spec, medium, time.Now)}
	device := target.Device(d.firmware)
	if wrong := (target.Amiss{Flips: spec.Flips, Drops: spec.Drops, Hangs: spec.Hangs}); !wrong.None() {
		device = target.Wrong(device, spec.Sector, wrong)
	}
	d.slow = target.NewSlow(device, spec.Rate, time.Now)
	if d.unit, err = tcmu.Open(spec.Name, spec.Size, d.slow); err != nil {
		return nil, err
	}
	return d, nil
}

// newMedium is the medium with its first content. A file that was used before keeps what is on it.
func newMedium(spec scenario.Drive) (*store.Store, error) {
	if spec.File == "" {
		medium := store.Memory(spec.Size)
		medium.Fill(0, spec.Size, store.Repeat{Bytes: spec.Fill})
		return medium, nil
	}
	medium, used, err := store.File(spec.File, spec.Size)
	if err == nil && !used {
		medium.Fill(0, spec.Size, store.Repeat{Bytes: spec.Fill})
	}
	return medium, err
}

// plugDeadline is how long the kernel may take to find a drive.
const plugDeadline = 20 * time.Second

// plug plugs a drive in and waits for its block device.
func (d *Drive) plug() error {
	if err := d.unit.Plug(); err != nil {
		return err
	}
	for end := time.Now().Add(plugDeadline); d.unit.Node() == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("drive %s: the kernel has not found it within %s", d.Spec.Name, plugDeadline)
		}
	}
	return nil
}

// find is the drive with a name, or with a serial that only one has.
func (b *Bench) find(what string) (found *Drive, err error) {
	for _, d := range b.Drives {
		if d.Spec.Name == what {
			return d, nil
		}
		if string(d.Spec.Serial) == what {
			if found != nil {
				return nil, fmt.Errorf("several drives have the serial %q: take a name", what)
			}
			found = d
		}
	}
	if found == nil {
		return nil, fmt.Errorf("there is no drive %q", what)
	}
	return found, nil
}

// Device is where the kernel has the drive, /dev/sdb; empty: nowhere.
func (d *Drive) Device() string {
	if node := d.unit.Node(); node != "" {
		return "/dev/" + node
	}
	return ""
}

// Devices is that of all drives, by name.
func (b *Bench) Devices() map[string]string {
	all := map[string]string{}
	for _, d := range b.Drives {
		all[d.Spec.Name] = d.Device()
	}
	return all
}
