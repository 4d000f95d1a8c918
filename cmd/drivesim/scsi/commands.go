package scsi

import (
	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/target"
)

// needs is what a command needs the drive to be. Each includes those before it.
type needs int

const (
	nothing  needs = iota
	idle           // no erase is running
	sane           // and none has failed
	valid          // and the medium has a valid format
	spinning       // and the drive is not stopped
)

// action is one command that the drive has.
type action struct {
	target.Supported
	needs           needs
	beforeAttention bool // answered while a unit attention waits: SAM-5
	run             func(*Disk, target.Command) target.Outcome
}

// supported makes the list of commands, from which REPORT SUPPORTED OPERATION CODES is answered too.
func (d *Disk) supported() map[byte][]action {
	op, act := target.Op, target.Act
	list := []action{
		{op(0x00), spinning, false, (*Disk).ready},
		{op(0x03), nothing, true, (*Disk).requestSense},
		{op(0x04), sane, false, (*Disk).formatUnit},
		{op(0x08), spinning, false, (*Disk).access},
		{op(0x0a), spinning, false, (*Disk).access},
		{op(0x12), nothing, true, (*Disk).inquiry},
		{op(0x15), idle, false, (*Disk).modeSelect},
		{op(0x1a), idle, false, (*Disk).modeSense},
		{op(0x1b), idle, false, (*Disk).startStop},
		{op(0x25), idle, false, (*Disk).capacity10},
		{op(0x28), spinning, false, (*Disk).access},
		{op(0x2a), spinning, false, (*Disk).access},
		{op(0x2f), spinning, false, (*Disk).verify},
		{op(0x35), valid, false, (*Disk).ready},
		{op(0x37), idle, false, (*Disk).defects},
		{op(0x4d), nothing, false, (*Disk).logSense},
		{op(0x55), idle, false, (*Disk).modeSelect},
		{op(0x5a), idle, false, (*Disk).modeSense},
		{op(0x88), spinning, false, (*Disk).access},
		{op(0x8a), spinning, false, (*Disk).access},
		{op(0x8f), spinning, false, (*Disk).verify},
		{op(0x91), valid, false, (*Disk).ready},
		{act(0x9e, 0x10), idle, false, (*Disk).capacity16},
		{op(0xa0), nothing, true, (*Disk).reportLUNs},
		{op(0xa8), spinning, false, (*Disk).access},
		{op(0xaa), spinning, false, (*Disk).access},
	}
	for _, way := range []struct {
		name   string
		action byte
	}{{"overwrite", overwrite}, {"block", blockErase}, {"crypto", cryptoErase}} {
		if d.spec.Can(way.name) {
			list = append(list, action{act(0x48, way.action), idle, false, (*Disk).sanitize})
		}
	}
	if len(d.spec.Sanitize) > 0 {
		list = append(list, action{act(0x48, exitFailure), idle, false, (*Disk).sanitize})
	}
	if !d.spec.NoRSOC {
		list = append(list, action{act(0xa3, 0x0c), nothing, false, (*Disk).opcodes})
	}
	byCode := map[byte][]action{}
	for _, a := range list {
		byCode[a.Opcode] = append(byCode[a.Opcode], a)
	}
	return byCode
}

// find is the command of a command block, or why there is none.
func (d *Disk) find(cdb []byte) (action, *target.Sense) {
	candidates := d.commands[cdb[0]]
	if len(candidates) == 0 {
		return action{}, &target.InvalidOpcode
	}
	for _, a := range candidates {
		if !a.Actions || a.Action == cdb[1]&0x1f {
			return a, nil
		}
	}
	return action{}, &target.InvalidField
}

// obstacle is why the drive is not what a command needs; nil: it is.
func (d *Disk) obstacle(n needs) *target.Sense {
	v := d.erase.View()
	switch {
	case n >= idle && v.Phase == erase.Running:
		s := progress(v)
		return &s
	case n >= sane && v.Phase == erase.Failed && v.Run.Kind == erase.Sanitize:
		return &sanitizeFailed
	case n >= valid && d.corrupt != nil:
		return d.corrupt
	case n >= spinning && d.stopped:
		return &target.Stopped
	}
	return nil
}

// progress is the sense data of an erase that is running: SBC-4.
func progress(v erase.View) target.Sense {
	s := target.Sense{Key: target.NotReady, ASC: 0x04, ASCQ: 0x1b, Progress: &v.Progress}
	if (v.Run.Kind == erase.Format) != v.Other {
		s.ASCQ = 0x04
	}
	return s
}

func (d *Disk) opcodes(c target.Command) target.Outcome {
	var list []target.Supported
	for code := range 256 {
		for _, a := range d.commands[byte(code)] {
			list = append(list, a.Supported)
		}
	}
	data, ok := target.Opcodes(c.CDB, list)
	if !ok {
		return d.check(target.InvalidField)
	}
	return target.OK(data)
}

func (d *Disk) ready(target.Command) target.Outcome { return target.OK(nil) }

// requestSense tells what is the matter without any command having failed: SPC-5.
func (d *Disk) requestSense(c target.Command) target.Outcome {
	s := target.NoSense
	switch obstacle := d.obstacle(spinning); {
	case len(d.attention) > 0:
		s, d.attention = d.attention[0], d.attention[1:]
	case obstacle != nil:
		s = *obstacle
	}
	if d.spec.DropSense {
		s = target.NoSense
	}
	b := s.Bytes(c.CDB[1]&1 != 0)
	return target.OK(b[:min(len(b), int(c.CDB[4]))])
}

// startStop is START STOP UNIT: SBC-4. Power conditions other than these two are taken and ignored.
func (d *Disk) startStop(c target.Command) target.Outcome {
	if c.CDB[4]&0xf0 == 0 {
		d.stopped = c.CDB[4]&1 == 0
	}
	return target.OK(nil)
}

func (d *Disk) reportLUNs(target.Command) target.Outcome {
	return target.OK([]byte{0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
}
