package scsi

import (
	"slices"

	"wiped/cmd/drivesim/target"
)

func (d *Disk) inquiry(c target.Command) target.Outcome {
	name := append(target.Pad(d.spec.Model, 16), d.spec.Serial...)
	pages := map[byte][]byte{0x80: d.spec.Serial, 0x83: d.id.Designators(name), 0xb0: make([]byte, 60), 0xb1: d.id.Characteristics()}
	data, ok := d.id.Inquiry(c.CDB, pages, d.spec.CutPages)
	if !ok {
		return d.check(target.InvalidField)
	}
	return target.OK(data)
}

func (d *Disk) capacity10(target.Command) target.Outcome {
	return target.OK(target.Capacity10(d.blocks(), d.sector))
}

func (d *Disk) capacity16(c target.Command) target.Outcome {
	b := target.Capacity16(d.blocks(), d.sector, target.Exponent(d.sector, d.spec.Physical))
	room := int(c.CDB[12])<<8 | int(c.CDB[13])
	return target.OK(b[:min(len(b), room)])
}

// Mode pages that the drive has: SPC-5, SBC-4.
const (
	recoveryPage  = 0x01
	cachingPage   = 0x08
	controlPage   = 0x0a
	exceptionPage = 0x1c
)

// modePages are the pages at power on. The write cache is off.
func modePages(descriptorSense bool) map[byte][]byte {
	pages := map[byte][]byte{recoveryPage: make([]byte, 10), cachingPage: make([]byte, 18), controlPage: make([]byte, 10),
		exceptionPage: make([]byte, 10)}
	if descriptorSense {
		pages[controlPage][0] = 0x04 // D_SENSE
	}
	return pages
}

// changeable are the bits that MODE SELECT may change.
var changeable = map[byte][]byte{controlPage: {0x04}}

func (d *Disk) mode(control byte) target.Mode {
	m := target.Mode{ReadOnly: d.spec.ReadOnly, Blocks: d.blocks(), Size: d.selected, Pages: d.pages, Change: changeable}
	if control >= 2 {
		m.Pages = d.defaults
	}
	return m
}

func (d *Disk) modeSense(c target.Command) target.Outcome {
	data, ok := d.mode(c.CDB[2] >> 6).Sense(c.CDB)
	if !ok {
		return d.check(target.InvalidField)
	}
	return target.OK(data)
}

// modeSelect takes a new block length, which the next FORMAT UNIT brings about, and the bits that may change.
func (d *Disk) modeSelect(c target.Command) target.Outcome {
	s, ok := target.ParseSelection(c.CDB, c.Out)
	if !ok {
		return d.check(target.ParameterLength)
	}
	for code, body := range s.Pages {
		if !acceptable(d.pages[code], body, changeable[code]) {
			return d.check(target.InvalidParameter)
		}
	}
	if s.Size != 0 {
		if !slices.Contains(sectors, s.Size) {
			return d.check(target.InvalidParameter)
		}
		d.selected = s.Size
	}
	for code, body := range s.Pages {
		d.pages[code] = append([]byte(nil), body...)
	}
	return target.OK(nil)
}

// sectors are the block lengths that the drive can be formatted with.
var sectors = []int{512, 520, 528, 4096}

// acceptable tells whether a page differs from what it is in nothing but bits that may change.
func acceptable(now, new, mask []byte) bool {
	if len(now) == 0 || len(new) != len(now) {
		return false
	}
	for i := range now {
		var may byte
		if i < len(mask) {
			may = mask[i]
		}
		if (now[i]^new[i])&^may != 0 {
			return false
		}
	}
	return true
}
