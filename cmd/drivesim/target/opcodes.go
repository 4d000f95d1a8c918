package target

import "encoding/binary"

// Supported is one command of a drive.
type Supported struct {
	Opcode  byte
	Action  byte // service action
	Actions bool // it has service actions
	Usage   []byte
}

// Op makes an entry for a command without service action. The usage map marks every bit as looked at.
func Op(opcode byte) Supported { return Supported{Opcode: opcode, Usage: usage(opcode, 0, false)} }

// Act makes an entry for a command with service action.
func Act(opcode, action byte) Supported {
	return Supported{Opcode: opcode, Action: action, Actions: true, Usage: usage(opcode, action, true)}
}

// usage is the CDB usage data of SPC-5: the opcode, then a mask of the bits that are evaluated.
func usage(opcode, action byte, actions bool) []byte {
	b := make([]byte, lengths[opcode>>5])
	b[0] = opcode
	for i := 1; i < len(b)-1; i++ {
		b[i] = 0xff
	}
	if actions {
		b[1] = 0xe0 | action
	}
	return b
}

// Opcodes answers REPORT SUPPORTED OPERATION CODES (SPC-5). ok is false for a request that is not valid.
func Opcodes(cdb []byte, list []Supported) (data []byte, ok bool) {
	room := int(binary.BigEndian.Uint32(cdb[6:]))
	timeouts := cdb[2]&0x80 != 0
	opcode, action := cdb[3], binary.BigEndian.Uint16(cdb[4:])
	switch cdb[2] & 0x07 {
	case 0:
		data = allOpcodes(list, timeouts)
	case 1, 2, 3:
		data, ok = oneOpcode(list, cdb[2]&0x07, opcode, action, timeouts)
		if !ok {
			return nil, false
		}
	default:
		return nil, false
	}
	return data[:min(len(data), room)], true
}

func allOpcodes(list []Supported, timeouts bool) []byte {
	var all []byte
	for _, s := range list {
		d := make([]byte, 8)
		d[0], d[3], d[7] = s.Opcode, s.Action, byte(len(s.Usage))
		if s.Actions {
			d[5] |= 1
		}
		if timeouts {
			d[5] |= 2
			d = append(d, noTimeouts...)
		}
		all = append(all, d...)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(all))), all...)
}

// noTimeouts is a command timeouts descriptor that names none.
var noTimeouts = []byte{0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// oneOpcode follows SPC-5: option 1 is for commands without service actions, 2 for those with, 3 for both.
func oneOpcode(list []Supported, option, opcode byte, action uint16, timeouts bool) ([]byte, bool) {
	b := []byte{0, 1, 0, 0} // not supported
	for _, s := range list {
		if s.Opcode != opcode {
			continue
		}
		if option == 1 && s.Actions || option == 2 && !s.Actions {
			return nil, false
		}
		if s.Actions && uint16(s.Action) != action || !s.Actions && action != 0 && option == 3 {
			continue
		}
		b = append([]byte{0, 3, 0, byte(len(s.Usage))}, s.Usage...)
		if timeouts {
			b[1] |= 0x80
			b = append(b, noTimeouts...)
		}
		break
	}
	return b, true
}
