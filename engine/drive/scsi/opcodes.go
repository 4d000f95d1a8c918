package scsi

import (
	"encoding/binary"
	"errors"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// order is a command by which a drive erases itself.
type order struct {
	action  drive.Action
	name    string
	opcode  byte
	service byte // service action; 0: the command has none
	length  int  // of the command block, bytes
}

// orders are the actions of this command set, as SBC-4 sections 5.4 and 5.30 number them.
var orders = []order{
	{drive.SanitizeBlock, "SANITIZE (block erase)", 0x48, 0x02, 10},
	{drive.SanitizeOverwrite, "SANITIZE (overwrite)", 0x48, 0x01, 10},
	{drive.SanitizeCrypto, "SANITIZE (cryptographic erase)", 0x48, 0x03, 10},
	{drive.FormatUnit, "FORMAT UNIT", 0x04, 0, 6},
}

func find(a drive.Action) (order, bool) {
	for _, o := range orders {
		if o.action == a {
			return o, true
		}
	}
	return order{}, false
}

// What the SUPPORT field of REPORT SUPPORTED OPERATION CODES says: SPC-6 section 6.35.3.
const (
	notNow       = 0 // the drive cannot tell at the moment
	notSupported = 1
	asStandard   = 3
	vendorOnly   = 5
	meaningless  = 0xff // no value of the field: an answer that is none
)

// What the MLU field says of which logical units of a drive a command reaches.
const (
	notSaid       = 0
	someOtherUnit = 2
	allUnits      = 3
)

// support asks what the drive says of one command, and what it reaches.
func (u unit) support(o order) (support, units byte, err error) {
	option := byte(1) // one command that has no service action
	if o.service != 0 {
		option = 2
	}
	b, err := u.ask(room, 0xa3, 0x0c, option, o.opcode, 0, o.service, 0, 0, 0, room, 0, 0)
	if err != nil {
		return meaningless, 0, err
	}
	support, units = parseSupport(b, o)
	return support, units, nil
}

// parseSupport reads the one-command form of the answer. A drive that has the command shows its command block with the
// operation code in it, so that an answer to something else is not taken for a yes.
func parseSupport(b []byte, o order) (support, units byte) {
	if len(b) < 4 {
		return meaningless, 0
	}
	support, units = b[1]&7, b[1]>>5&3
	if n := int(binary.BigEndian.Uint16(b[2:])); support == asStandard && (n != o.length || len(b) < 4+n || b[4] != o.opcode) {
		return meaningless, 0
	}
	return support, units
}

// ability says whether the drive can do an order, by what it says of its commands.
func (o order) ability(support byte, err error) drive.Ability {
	a := drive.Ability{Action: o.action}
	var said refusal
	switch {
	case errors.As(err, &said) && said.Sense.Present && said.Sense.Key == sg.NotReady:
		a.Why, a.Next = "it is not ready to say which commands it has ("+said.String()+")", "wait, then look again"
	case errors.As(err, &said):
		a.Why = "it does not say which commands it has (REPORT SUPPORTED OPERATION CODES refused)"
	case err != nil:
		a.Why = "it did not answer which commands it has"
	case support == asStandard:
	case support == notSupported:
		a.Why = "it does not have the command " + o.name
	case support == vendorOnly:
		a.Why = "its command " + o.name + " is the manufacturer's own, not the standard's"
	case support == notNow:
		a.Why, a.Next = "it cannot say at the moment whether it has the command "+o.name, "wait, then look again"
	default:
		a.Why = "what it says of the command " + o.name + " makes no sense"
	}
	return a
}
