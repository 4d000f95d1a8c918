package scsi

import (
	"encoding/binary"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/store"
	"wiped/cmd/drivesim/target"
)

// formatUnit is FORMAT UNIT without protection information and without defect lists: SBC-4.
func (d *Disk) formatUnit(c target.Command) target.Outcome {
	const fmtpinfo, longlist, fmtdata, ffmt = 0xc0, 0x20, 0x10, 0x03
	behaviour := d.spec.Behaviour(erase.Format)
	run := erase.Run{Kind: erase.Format, End: d.medium.Size(), Behaviour: behaviour, Pattern: erase.Leaves(d.spec.Leaves, d.erase.Count()+1)}
	if c.CDB[1]&fmtpinfo != 0 || c.CDB[4]&ffmt != 0 {
		return d.check(target.InvalidField)
	}
	immed := false
	if c.CDB[1]&fmtdata != 0 {
		list, sense := parseFormat(c.Out, c.CDB[1]&longlist != 0)
		if sense != nil {
			return d.check(*sense)
		}
		if immed = list.immed; len(list.pattern) > 0 {
			run.Pattern = store.Repeat{Bytes: list.pattern, Every: int64(d.selected)}
		}
	}
	switch {
	case d.spec.ReadOnly:
		return d.check(target.WriteProtected)
	case behaviour.Refuse:
		return d.check(target.InvalidOpcode)
	}
	d.formats, d.corrupt = true, nil
	return d.begin(run, immed)
}

// formatList is what the parameter list of FORMAT UNIT says.
type formatList struct {
	immed   bool
	pattern []byte // empty: the drive's own
}

// parseFormat reads the parameter list: SBC-4. Defect lists are not taken.
func parseFormat(b []byte, long bool) (f formatList, sense *target.Sense) {
	const ip, immed = 0x08, 0x02
	head := 4
	if long {
		head = 8
	}
	if len(b) < head {
		return f, &target.ParameterLength
	}
	defects := int(binary.BigEndian.Uint16(b[2:]))
	if long {
		defects = int(binary.BigEndian.Uint32(b[4:]))
	}
	if defects != 0 {
		return f, &target.InvalidParameter
	}
	f.immed = b[1]&immed != 0
	if b[1]&ip == 0 {
		return f, nil
	}
	if b = b[head:]; len(b) < 4 {
		return f, &target.ParameterLength
	}
	kind, n := b[1], int(binary.BigEndian.Uint16(b[2:]))
	if kind > 1 || n > len(b)-4 || kind == 0 && n != 0 {
		return f, &target.InvalidParameter
	}
	f.pattern = append([]byte(nil), b[4:4+n]...)
	return f, nil
}

// endFormat gives the medium its new block length, or none that is valid.
func (d *Disk) endFormat() {
	d.formats = false
	if d.erase.Phase() == erase.Failed {
		d.corrupt = &target.Sense{Key: target.MediumError, ASC: 0x31, ASCQ: 0x01}
		d.erase.Leave()
		return
	}
	d.sector = d.selected
}
