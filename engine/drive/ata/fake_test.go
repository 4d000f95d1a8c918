package ata

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// fake is an ATA drive with what stands between it and this machine. It reads the bytes of commands by itself, after
// SAT-4 and ACS-3, so that it does not share a mistake with what it tests.
type fake struct {
	t testing.TB

	// what it is
	reached, native, factory uint64 // sectors: reads and writes, without the HPA or AMA, without the DCO
	hpa, ama, dco, narrow    bool   // feature sets; narrow: no 48-bit commands
	sanitize                 uint16 // word 59
	security                 bool
	words                    map[int]uint16 // of IDENTIFY, in place of what is computed
	noChecksum               bool

	// its state
	sanitizing         int // looks at its status until it ends; 0: not
	sanitized, failed  bool
	fails              bool // what it begins now
	frozen, antifreeze bool // sanitize
	password           string
	locked, secFrozen  bool
	attempts           int // wrong passwords
	prepared           bool
	overlayFrozen      bool
	setLocked          bool // SET MAX by a password
	oncePerPower       bool // one change of the highest address
	changed            bool
	nativeRead         bool // the command before was READ NATIVE MAX
	erased             []string
	halfErase          bool // SECURITY ERASE UNIT aborts late

	// what stands in between
	sense string // "": descriptors; fixed, old fixed, swallowed, no count, no extend, no lba
	fault func(n int, command byte) (r sg.Result, err error, hit bool)
	slow  func(d time.Duration) // told how long a command takes

	pages map[byte][]byte // of vital product data; nil: the translator has none
	info  drive.Info      // as the system has it

	sent []sg.Command
}

func newFake(t testing.TB) *fake {
	return &fake{t: t, reached: 2000, native: 2000, factory: 2000, security: true, sanitize: 0xf000,
		info: drive.Info{Vendor: "ATA", Transport: "sata", Serial: "FAKE-SERIAL-1", SerialSource: "VPD page 80h", WWN: "0x5000c50012345678"}}
}

// registers of the fake.
type regs struct {
	status, fault, device byte
	count                 uint16
	lba                   uint64
}

var abort = regs{status: 0x51, fault: 0x04}

func (f *fake) Do(c sg.Command) (sg.Result, error) {
	if c.Timeout < time.Millisecond || c.Timeout > 49*24*time.Hour {
		f.t.Errorf("command %x with a timeout of %v; the kernel takes 1 ms to 49 days", c.CDB, c.Timeout)
	}
	if c.CDB[0] == 0x12 {
		page, ok := f.pages[c.CDB[2]]
		if !ok || c.CDB[1] != 1 {
			return sensed(fixedSense(5, 0x24, 0)), nil
		}
		return sg.Result{Got: copy(c.In, page)}, nil
	}
	f.sent = append(f.sent, sg.Command{CDB: slices.Clone(c.CDB), Out: slices.Clone(c.Out), Timeout: c.Timeout})
	if f.fault != nil {
		if r, err, hit := f.fault(len(f.sent)-1, c.CDB[14]); hit {
			return r, err
		}
	}
	if len(c.CDB) != 16 || c.CDB[0] != 0x85 {
		return sg.Result{Status: sg.CheckCondition, Sense: sg.ParseSense(fixedSense(5, 0x20, 0))}, nil
	}
	data, end := f.execute(c)
	return f.answer(c, data, end), nil
}

// execute is the drive itself.
func (f *fake) execute(c sg.Command) (data []byte, end regs) {
	b := c.CDB
	feature, command := uint16(b[3])<<8|uint16(b[4]), b[14]
	count := uint16(b[5])<<8 | uint16(b[6])
	lba := uint64(b[8]) | uint64(b[10])<<8 | uint64(b[12])<<16 | uint64(b[7])<<24 | uint64(b[9])<<32 | uint64(b[11])<<40
	prepared, nativeRead := f.prepared, f.nativeRead
	f.prepared, f.nativeRead = false, false
	ok := regs{status: 0x50}
	if f.sanitizing > 0 && command != 0xec && command != 0xb4 {
		return nil, abort
	}
	switch command {
	case 0xec:
		return f.identify(), ok
	case 0xb4:
		return nil, f.sanitizeDevice(feature, count, lba)
	case 0xf1, 0xf2, 0xf3, 0xf4, 0xf6:
		return nil, f.securityCommand(command, c.Out, prepared)
	case 0x27, 0xf8:
		if !f.hpa || (command == 0x27) == f.narrow {
			return nil, abort
		}
		f.nativeRead = true
		return nil, f.address(f.native-1, command == 0x27)
	case 0x37, 0xf9:
		if !f.hpa || !nativeRead || count != 1 {
			return nil, abort
		}
		if command == 0xf9 {
			lba = lba&0xffffff | uint64(b[13]&0x0f)<<24
		}
		return nil, f.setMax(lba)
	case 0x78:
		switch {
		case !f.ama:
			return nil, abort
		case feature == 0:
			return nil, f.address(f.native-1, true)
		case feature == 1:
			return nil, f.setMax(lba)
		}
	case 0xb1:
		return f.overlay(feature)
	}
	return nil, abort
}

func (f *fake) address(lba uint64, wide bool) regs {
	if wide {
		return regs{status: 0x50, lba: lba, device: 0x40}
	}
	return regs{status: 0x50, lba: lba & 0xffffff, device: 0x40 | byte(lba>>24)}
}

func (f *fake) setMax(lba uint64) regs {
	if f.setLocked || f.oncePerPower && f.changed || lba >= f.native {
		return abort
	}
	f.reached, f.changed = lba+1, true
	return regs{status: 0x50}
}

func (f *fake) overlay(feature uint16) ([]byte, regs) {
	if !f.dco || f.overlayFrozen {
		return nil, abort
	}
	switch feature {
	case 0xc2:
		b := make([]byte, 512)
		b[0] = 2
		binary.LittleEndian.PutUint64(b[6:], f.factory-1)
		return seal(b), regs{status: 0x50}
	case 0xc0:
		if f.reached != f.native || f.oncePerPower && f.changed {
			return nil, abort
		}
		f.native, f.reached, f.changed = f.factory, f.factory, true
		return nil, regs{status: 0x50}
	}
	return nil, abort
}

// answer is what the translator makes of the drive's end of a command.
func (f *fake) answer(c sg.Command, data []byte, end regs) sg.Result {
	asked, bad, extended := c.CDB[2]&0x20 != 0, end.status&0x21 != 0, c.CDB[1]&1 != 0
	if !bad && (!asked || f.sense == "swallowed") {
		return sg.Result{Status: sg.Good, Got: copy(c.In, data)}
	}
	key, ascq := byte(1), byte(0x1d)
	if bad {
		key, ascq = 0x0b, 0
	}
	var b []byte
	switch f.sense {
	case "swallowed":
		b = fixedSense(key, 0, ascq)
	case "fixed":
		b = fixedSense(key, 0, ascq)
		b[0] |= 0x80
		b[3], b[4], b[5], b[6] = end.fault, end.status, end.device, byte(end.count)
		b[8] = upper(end, extended)
		b[9], b[10], b[11] = byte(end.lba), byte(end.lba>>8), byte(end.lba>>16)
	case "old fixed":
		if !bad { // which Linux has always given as a descriptor
			b = descriptorSense(key, ascq, end, extended)
			break
		}
		b = append(fixedSense(key, 0, ascq), make([]byte, 78)...)
		b[8], b[9], b[10], b[11] = end.fault, end.status, end.device, byte(end.count)
		b[16] = upper(end, extended)
		b[17], b[18], b[19] = byte(end.lba), byte(end.lba>>8), byte(end.lba>>16)
	case "no count":
		end.count = 0
		b = descriptorSense(key, ascq, end, extended)
	case "no extend":
		b = descriptorSense(key, ascq, end, false)
	case "no lba":
		end.lba, end.device = 0, 0
		b = descriptorSense(key, ascq, end, extended)
	default:
		b = descriptorSense(key, ascq, end, extended)
	}
	return sg.Result{Status: sg.CheckCondition, Sense: sg.ParseSense(b)}
}

func upper(end regs, extended bool) (flags byte) {
	if extended {
		flags |= 0x80
	}
	if end.count > 0xff {
		flags |= 0x40
	}
	if end.lba > 0xffffff {
		flags |= 0x20
	}
	return flags
}

func fixedSense(key, asc, ascq byte) []byte {
	return []byte{0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0}
}

func descriptorSense(key, ascq byte, end regs, extended bool) []byte {
	b := []byte{0x72, key, 0, ascq, 0, 0, 0, 14, 0x09, 0x0c, 0, end.fault, 0, byte(end.count), 0, byte(end.lba), 0, byte(end.lba >> 8), 0, byte(end.lba >> 16),
		end.device, end.status}
	if extended {
		b[10], b[12], b[14], b[16], b[18] = 1, byte(end.count>>8), byte(end.lba>>24), byte(end.lba>>32), byte(end.lba>>40)
	}
	return b
}

// commands are the ATA commands that were sent, in order.
func (f *fake) commands() (list []byte) {
	for _, c := range f.sent {
		list = append(list, c.CDB[14])
	}
	return list
}

// orders prepares orders with a clock of the drive's.
func (f *fake) orders() *firmware {
	now := time.Unix(0, 0)
	f.slow = func(d time.Duration) { now = now.Add(d) }
	return &firmware{port: port{f}, info: f.info, now: func() time.Time { return now }}
}

func (f *fake) ask() drive.Answers {
	f.t.Helper()
	a, err := port{f}.ask(drive.Node{Sys: f.t.TempDir(), Info: f.info})
	if err != nil {
		f.t.Fatalf("Ask = %v; want an answer", err)
	}
	return a
}

var errHost = errors.New("no answer (host status 03h, driver status 00h)")

// breaks makes the first so many commands of a kind end in a way.
func breaks(command byte, times int, r sg.Result, err error) func(int, byte) (sg.Result, error, bool) {
	return func(_ int, c byte) (sg.Result, error, bool) {
		if c != command || times == 0 {
			return sg.Result{}, nil, false
		}
		times--
		return r, err, true
	}
}

func sensed(b []byte) sg.Result {
	return sg.Result{Status: sg.CheckCondition, Sense: sg.ParseSense(b)}
}
