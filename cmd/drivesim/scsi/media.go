package scsi

import (
	"wiped/cmd/drivesim/target"
)

// access is READ and WRITE.
func (d *Disk) access(c target.Command) target.Outcome {
	a, ok := target.ParseAccess(c.CDB)
	switch {
	case !ok:
		return d.check(target.InvalidField)
	case !a.Within(d.blocks()):
		return d.check(target.OutOfRange)
	case a.Write && d.spec.ReadOnly:
		return d.check(target.WriteProtected)
	}
	want := int64(a.Blocks) * int64(d.sector)
	if a.Write && int64(len(c.Out)) < want || want > maxTransfer {
		return d.check(target.InvalidField)
	}
	good, sense := d.good(a)
	at, length := int64(a.LBA)*int64(d.sector), int64(good)*int64(d.sector)
	data := make([]byte, length)
	if a.Write {
		if _, err := d.medium.WriteAt(c.Out[:length], at); err != nil {
			sense = &target.Sense{Key: target.MediumError, ASC: 0x0c}
		}
		data = nil
	} else if _, err := d.medium.ReadAt(data, at); err != nil {
		sense = &target.Sense{Key: target.MediumError, ASC: 0x11}
	}
	if sense != nil {
		return d.check(*sense)
	}
	return target.OK(data)
}

// maxTransfer is what one command may move, in bytes. The driver splits at less.
const maxTransfer = 64 << 20

// good is how many blocks there are before the first that can be neither read nor written, and the sense data of that.
func (d *Disk) good(a target.Access) (blocks uint64, sense *target.Sense) {
	blocks = a.Blocks
	for _, bad := range d.spec.Bad {
		if bad >= a.LBA && bad-a.LBA < blocks {
			blocks = bad - a.LBA
			sense = &target.Sense{Key: target.MediumError, ASC: 0x11, Block: &bad}
		}
	}
	return blocks, sense
}

// verify is VERIFY without comparing: SBC-4.
func (d *Disk) verify(c target.Command) target.Outcome {
	cdb := target.Normal(c.CDB)
	cdb[0] -= 0x07 // READ of the same layout
	a, _ := target.ParseAccess(cdb)
	switch _, sense := d.good(a); {
	case c.CDB[1]&0xe6 != 0:
		return d.check(target.InvalidField)
	case !a.Within(d.blocks()):
		return d.check(target.OutOfRange)
	case sense != nil:
		return d.check(*sense)
	}
	return target.OK(nil)
}
