package scsi

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"wiped/engine/drive/internal/sg"
)

// triple is a sense key with its additional codes.
type triple struct{ key, asc, ascq byte }

var (
	noCommand  = triple{sg.IllegalRequest, 0x20, 0}
	badField   = triple{sg.IllegalRequest, 0x24, 0}
	badList    = triple{sg.IllegalRequest, 0x26, 0}
	inSanitize = triple{sg.NotReady, 0x04, 0x1b}
	inFormat   = triple{sg.NotReady, 0x04, 0x04}
	failedOnce = triple{sg.MediumError, 0x31, 0x03}
	badFormat  = triple{sg.MediumError, 0x31, 0x00}
	wasReset   = triple{sg.UnitAttention, 0x29, 0x00}
	newMedium  = triple{sg.UnitAttention, 0x28, 0x00}
)

var errLost = errors.New("no answer (host status 03h, driver status 00h)")

// fake is a SCSI disk that keeps its state, as SBC-4 sections 4.11 and 4.33 describe it. The zero value of each fault is
// an honest drive.
type fake struct {
	mu  sync.Mutex
	log []sg.Command // everything that was sent

	inquiry []byte
	pages   map[byte][]byte // whole, with their headers
	cap10   []byte
	cap16   []byte
	modes   []byte // nil: MODE SENSE is refused
	sector  uint32 // of the medium
	noted   uint32 // for the next format
	support map[[2]byte]byte
	noRSOC  *triple

	descriptors bool            // sense data in descriptor format
	swallow     bool            // the HBA loses the sense data of every CHECK CONDITION
	lose        map[byte]bool   // operation codes whose answers get lost
	status      map[byte]byte   // operation codes that are answered by a status of their own
	refuse      map[byte]triple // operation codes that are refused
	attentions  []triple        // told one by one

	running   triple // key 0: nothing
	looks     int    // how many more looks at it an operation takes
	fails     bool   // every sanitize
	forgets   bool   // every sanitize: after the first look nothing of it is known
	onlyTUR   bool   // the progress shows only in TEST UNIT READY
	failed    bool   // the last sanitize
	corrupted bool
	quietFail bool     // REQUEST SENSE says nothing of a failure
	reports   []triple // what REQUEST SENSE says first
}

func (f *fake) Do(c sg.Command) (sg.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.CDB, c.Out = append([]byte(nil), c.CDB...), append([]byte(nil), c.Out...)
	f.log = append(f.log, c)
	op := c.CDB[0]
	if f.lose[op] {
		f.answer(c)
		return sg.Result{}, errLost
	}
	if s, ok := f.status[op]; ok {
		return sg.Result{Status: s}, nil
	}
	return f.answer(c), nil
}

func (f *fake) answer(c sg.Command) sg.Result {
	op := c.CDB[0]
	if op != 0x12 && op != 0x03 && len(f.attentions) > 0 {
		t := f.attentions[0]
		f.attentions = f.attentions[1:]
		return f.check(t)
	}
	if t, ok := f.refuse[op]; ok {
		return f.check(t)
	}
	switch allowed := op == 0x12 || op == 0x03 || op == 0xa3 || op == 0x25 || op == 0x9e; {
	case allowed && (f.running != inFormat || op == 0x12 || op == 0x03):
	case f.running.key != 0:
		t := f.running
		r := f.check(t)
		if op == 0 {
			f.step()
		}
		return r
	case f.failed && op != 0x48:
		return f.check(failedOnce)
	}
	switch op {
	case 0x00:
		return sg.Result{}
	case 0x03:
		return f.reported(c)
	case 0x12:
		if c.CDB[1]&1 == 0 {
			return f.give(c, f.inquiry)
		}
		page, ok := f.pages[c.CDB[2]]
		if !ok {
			return f.check(badField)
		}
		return f.give(c, page[:min(len(page), int(binary.BigEndian.Uint16(c.CDB[3:])))])
	case 0x25:
		return f.orRefuse(c, f.cap10)
	case 0x9e:
		return f.orRefuse(c, f.cap16)
	case 0x5a:
		return f.orRefuse(c, f.modes)
	case 0xa3:
		return f.opcodes(c)
	case 0x28:
		if f.corrupted {
			return f.check(badFormat)
		}
		return f.give(c, make([]byte, f.sector))
	case 0x55:
		f.noted = binary.BigEndian.Uint32(c.Out[12:])
		binary.BigEndian.PutUint32(f.modes[12:], f.noted)
		return sg.Result{}
	case 0x04:
		f.running, f.looks = inFormat, 3
		return sg.Result{}
	case 0x48:
		f.running, f.looks, f.failed = inSanitize, 3, false
		return sg.Result{}
	}
	return f.check(noCommand)
}

func (f *fake) reported(c sg.Command) sg.Result {
	t := triple{}
	switch {
	case len(f.reports) > 0:
		t, f.reports = f.reports[0], f.reports[1:]
	case len(f.attentions) > 0:
		t, f.attentions = f.attentions[0], f.attentions[1:]
	case f.running.key != 0 && !f.onlyTUR:
		t = f.running
	case f.failed && !f.quietFail:
		t = failedOnce
	}
	r := f.give(c, f.sense(t))
	if t == f.running {
		f.step()
	}
	return r
}

// step is one look's worth of an operation.
func (f *fake) step() {
	if f.running.key == 0 {
		return
	}
	if f.looks--; f.looks > 0 && !f.forgets {
		return
	}
	if f.running == inFormat {
		f.sector, f.corrupted = f.noted, false
		binary.BigEndian.PutUint32(f.cap16[8:], f.sector)
	}
	if f.running == inSanitize {
		f.failed = f.fails && !f.forgets
	}
	f.running = triple{}
}

func (f *fake) give(c sg.Command, b []byte) sg.Result { return sg.Result{Got: copy(c.In, b)} }

func (f *fake) orRefuse(c sg.Command, b []byte) sg.Result {
	if b == nil {
		return f.check(noCommand)
	}
	return f.give(c, b)
}

func (f *fake) opcodes(c sg.Command) sg.Result {
	if f.noRSOC != nil {
		return f.check(*f.noRSOC)
	}
	b := []byte{0, f.support[[2]byte{c.CDB[3], c.CDB[5]}], 0, 0}
	if b[1]&7 == asStandard || b[1]&7 == vendorOnly {
		n := map[byte]int{0x48: 10, 0x04: 6}[c.CDB[3]]
		b[3] = byte(n)
		b = append(append(b, c.CDB[3]), make([]byte, n-1)...)
	}
	return f.give(c, b)
}

func (f *fake) check(t triple) sg.Result {
	r := sg.Result{Status: sg.CheckCondition}
	if !f.swallow {
		r.Sense = sg.ParseSense(f.sense(t))
	}
	return r
}

// sense builds sense data in the drive's format; with progress if something runs.
func (f *fake) sense(t triple) []byte {
	progress := uint16(65536 * (3 - f.looks) / 4)
	running := t.key == sg.NotReady && t.asc == 0x04 && (t.ascq == 0x1b || t.ascq == 0x04)
	if f.descriptors {
		b := []byte{0x72, t.key, t.asc, t.ascq, 0, 0, 0, 0}
		if running {
			b[7] = 8
			b = append(b, 2, 6, 0, 0, 0x80, byte(progress>>8), byte(progress), 0)
		}
		return b
	}
	b := make([]byte, 18)
	b[0], b[2], b[7], b[12], b[13] = 0x70, t.key, 10, t.asc, t.ascq
	if running {
		b[15] = 0x80
		binary.BigEndian.PutUint16(b[16:], progress)
	}
	return b
}

// sent counts the commands with an operation code.
func (f *fake) sent(op byte) (list []sg.Command) {
	for _, c := range f.log {
		if c.CDB[0] == op {
			list = append(list, c)
		}
	}
	return list
}

// changed are the commands that change something.
func (f *fake) changed() (list []sg.Command) {
	for _, c := range f.log {
		switch c.CDB[0] {
		case 0x00, 0x03, 0x12, 0x25, 0x28, 0x5a, 0x9e, 0xa3:
		default:
			list = append(list, c)
		}
	}
	return list
}

func vpd(code byte, body ...byte) []byte {
	return append([]byte{0, code, byte(len(body) >> 8), byte(len(body))}, body...)
}

func standard(kind, version byte, protect bool, vendor, product, revision string) []byte {
	b := make([]byte, 36)
	b[0], b[2], b[3], b[4] = kind, version, 2, 31
	if protect {
		b[5] = 1
	}
	copy(b[8:], "                            ")
	copy(b[8:16], vendor)
	copy(b[16:32], product)
	copy(b[32:], revision)
	return b
}

func size16(blocks uint64, sector uint32, rest ...byte) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, blocks-1), sector)
	return append(append(b, rest...), make([]byte, 20-len(rest))...)
}

var all = map[[2]byte]byte{{0x48, 1}: asStandard, {0x48, 2}: asStandard, {0x48, 3}: asStandard, {0x04, 0}: asStandard}

// sasDisk is an honest SAS disk of 4 TB in 512-byte sectors on 4096-byte ones, with type 1 protection.
func sasDisk() *fake {
	identification := []byte{
		1, 3, 0, 8, 0x50, 0x00, 0xc5, 0x00, 0xa1, 0xb2, 0xc3, 0xd4, // NAA of the logical unit
		1, 0x93, 0, 8, 0x50, 0x00, 0xc5, 0x00, 0xa1, 0xb2, 0xc3, 0xd5, // of the target port
		1, 0xa3, 0, 8, 0x50, 0x00, 0xc5, 0x00, 0xa1, 0xb2, 0xc3, 0xd6, // of the device
	}
	return &fake{
		inquiry: standard(0, 6, true, "SEAGATE", "ST4000NM0025", "N003"),
		pages: map[byte][]byte{
			0x00: vpd(0x00, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2),
			0x80: vpd(0x80, []byte("ZC18ABCD0000C1234567")...),
			0x83: vpd(0x83, identification...),
			0xb0: vpd(0xb0, append([]byte{0, 0, 0, 1, 0, 0, 0x40, 0}, make([]byte, 52)...)...),
			0xb1: vpd(0xb1, append([]byte{0x1c, 0x20, 0, 0x02}, make([]byte, 56)...)...),
			0xb2: vpd(0xb2, 0, 0, 0, 0),
		},
		cap16:   size16(7814037168, 512, 0x01, 0x03),
		modes:   []byte{0, 14, 0, 0, 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0},
		sector:  512,
		noted:   512,
		support: all,
	}
}

func checkLog(t *testing.T, got []sg.Command, want ...[]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d commands that change something were sent, %x; want %d", len(got), got, len(want))
	}
	for n, c := range got {
		if string(c.CDB) != string(want[n]) {
			t.Errorf("command %d = % x; want % x", n, c.CDB, want[n])
		}
	}
}
