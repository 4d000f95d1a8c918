package ata

import (
	"encoding/binary"
	"time"
)

func (f *fake) sanitizeDevice(feature, count uint16, lba uint64) regs {
	keys := map[uint16]struct {
		bit  int
		word string
	}{0x11: {13, "Cryp"}, 0x12: {15, "BkEr"}, 0x14: {14, "OW"}}
	reason := func(n uint64) regs { return regs{status: 0x51, fault: 4, lba: n} }
	if f.sanitize>>12&1 == 0 {
		return reason(2)
	}
	if feature == 0 {
		if f.failed {
			return reason(1)
		}
		return f.sanitizeStatus()
	}
	key, is := keys[feature]
	var word string
	switch feature {
	case 0x11, 0x12:
		word = string(binary.BigEndian.AppendUint32(nil, uint32(lba)))
	case 0x14:
		word = string(binary.BigEndian.AppendUint16(nil, uint16(lba>>32)))
		if uint32(lba) != 0 || count != 1 {
			return reason(2)
		}
	}
	switch {
	case !is || word != key.word || f.sanitize>>key.bit&1 == 0 || f.locked:
		return reason(2)
	case f.frozen:
		return reason(3)
	case f.sanitizing > 0:
		return reason(0)
	}
	f.sanitizing, f.sanitized, f.failed = 3, false, false
	f.erased = append(f.erased, "begun")
	return regs{status: 0x50, count: 1 << 14}
}

func (f *fake) sanitizeStatus() regs {
	end := regs{status: 0x50, lba: 0xffff}
	if f.sanitizing > 0 {
		end.count, end.lba = 1<<14, uint64(0x10000-0x4000*f.sanitizing)
		if f.sanitizing--; f.sanitizing == 0 {
			f.sanitized, f.failed = !f.fails, f.fails
			f.erased = append(f.erased, "sanitize")
		}
	} else if f.sanitized {
		end.count = 1 << 15
	}
	if f.frozen {
		end.count |= 1 << 13
	}
	if f.antifreeze {
		end.count |= 1 << 12
	}
	return end
}

func (f *fake) securityCommand(command byte, out []byte, prepared bool) regs {
	good := regs{status: 0x50}
	if !f.security || f.secFrozen {
		return abort
	}
	password := ""
	if command != 0xf3 {
		if len(out) != 512 {
			f.t.Errorf("security command %02xh with %d bytes", command, len(out))
		}
		password = string(out[2:34])
	}
	right := f.password == password
	if f.password != "" && !right && command != 0xf3 {
		if f.attempts++; f.attempts >= 5 {
			return abort
		}
	}
	switch command {
	case 0xf1:
		if f.locked || out[0] != 0 || out[1] != 0 {
			return abort
		}
		f.password = password
	case 0xf2:
		if f.password == "" || !right || f.attempts >= 5 {
			return abort
		}
		f.locked = false
	case 0xf3:
		f.prepared = true
	case 0xf4:
		if !prepared || f.password != "" && !right {
			return abort
		}
		if f.halfErase {
			f.took(3 * time.Hour)
			f.erased = append(f.erased, "half")
			return regs{status: 0x51, fault: 0x04}
		}
		f.took(2 * time.Hour)
		f.erased = append(f.erased, map[byte]string{0: "normal", 2: "enhanced"}[out[0]])
		f.password, f.locked = "", false
	case 0xf6:
		if !right || f.locked {
			return abort
		}
		f.password = ""
	}
	return good
}

func (f *fake) took(d time.Duration) {
	if f.slow != nil {
		f.slow(d)
	}
}

// powerOff is a power cycle.
func (f *fake) powerOff() {
	f.locked, f.attempts, f.prepared, f.changed, f.nativeRead = f.password != "", 0, false, false, false
	f.frozen, f.antifreeze, f.secFrozen, f.overlayFrozen = false, false, false, false
}
