package scsi

import (
	"encoding/binary"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/store"
	"wiped/cmd/drivesim/target"
)

// Service actions of SANITIZE: SBC-4; Seagate's SCSI Commands Reference Manual (100293068, Rev. J), table 170.
const (
	overwrite   = 0x01
	blockErase  = 0x02
	cryptoErase = 0x03
	exitFailure = 0x1f
)

var sanitizeFailed = target.Sense{Key: target.MediumError, ASC: 0x31, ASCQ: 0x03}

// sanitize is SANITIZE.
func (d *Disk) sanitize(c target.Command) target.Outcome {
	action, length := c.CDB[1]&0x1f, int(binary.BigEndian.Uint16(c.CDB[7:]))
	if action == exitFailure {
		return d.exitFailure(length)
	}
	if action != overwrite && length != 0 || action == overwrite && (length <= 4 || length >= d.sector+5) {
		return d.check(target.InvalidField)
	}
	behaviour := d.spec.Behaviour(erase.Sanitize)
	run := erase.Run{Kind: erase.Sanitize, Method: action, End: d.medium.Size(), Exitable: c.CDB[1]&0x20 != 0, Behaviour: behaviour}
	switch action {
	case overwrite:
		pattern, sense := d.overwritePattern(c.Out, length)
		if sense != nil {
			return d.check(*sense)
		}
		run.Pattern = pattern
	case cryptoErase:
		run.Pattern, run.AtOnce = store.Noise(d.erase.Count()+1), true
	default:
		run.Pattern = erase.Leaves(d.spec.Leaves, d.erase.Count()+1)
	}
	switch {
	case d.spec.ReadOnly:
		return d.check(target.WriteProtected)
	case behaviour.Refuse:
		return d.check(target.InvalidOpcode)
	}
	d.corrupt = nil
	return d.begin(run, c.CDB[1]&0x80 != 0)
}

// overwritePattern reads the parameter list of the service action OVERWRITE: the same manual, table 171. With INVERT an even count begins
// with the inverted pattern, so that the last pass is always the pattern as given.
func (d *Disk) overwritePattern(list []byte, length int) (store.Pattern, *target.Sense) {
	if len(list) < length {
		return nil, &target.ParameterLength
	}
	list = list[:length]
	n := int(binary.BigEndian.Uint16(list[2:]))
	test, count := list[0]>>5&3, list[0]&0x1f
	if test != 0 || count == 0 || n == 0 || n > d.sector || n > len(list)-4 {
		return nil, &target.InvalidParameter
	}
	return store.Repeat{Bytes: append([]byte(nil), list[4:4+n]...), Every: int64(d.sector)}, nil
}

// exitFailure leaves the state of a failed sanitize, where that one allowed it by AUSE.
func (d *Disk) exitFailure(length int) target.Outcome {
	v := d.erase.View()
	failed := v.Phase == erase.Failed && v.Run.Kind == erase.Sanitize
	if length != 0 || failed && !v.Run.Exitable {
		return d.check(target.InvalidField)
	}
	if failed {
		d.erase.Leave()
	}
	return target.OK(nil)
}

// begin starts an erase. Without immed the answer comes at its end.
func (d *Disk) begin(run erase.Run, immed bool) target.Outcome {
	d.erase.Start(run)
	if immed {
		d.advance()
		return target.OK(nil)
	}
	return d.await()
}

// await is the answer that comes when the erase has ended.
func (d *Disk) await() target.Outcome {
	return target.Outcome{Never: d.erase.Hung(), Wait: max(d.erase.Left(), time.Millisecond), Then: func() target.Outcome {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.advance()
		switch v := d.erase.View(); {
		case d.gone:
			return d.check(target.NoSuchUnit)
		case d.erase.Busy():
			return d.await()
		case d.corrupt != nil:
			return d.check(*d.corrupt)
		case v.Phase == erase.Failed:
			return d.check(sanitizeFailed)
		}
		return target.OK(nil)
	}}
}
