package ata

import "encoding/binary"

// smartKey has to be in LBA(23:8) of every SMART command: ACS-3.
const smartKey = 0xc24f

func smart(t Taskfile) bool { return t.LBA>>8&0xffff == smartKey }

// attribute is one of the vendor's attributes that all vendors give.
type attribute struct {
	id, flags, value, threshold byte
	raw                         int
}

func (d *drive) attributes() []attribute {
	worst := byte(100)
	if d.spec.Failing {
		worst = 1
	}
	return []attribute{{5, 0x33, worst, 36, d.spec.Reallocated}, {9, 0x32, 100, 0, d.spec.Hours}, {194, 0x22, 100, 0, d.spec.Celsius},
		{197, 0x32, 100, 0, d.spec.Pending}, {198, 0x30, 100, 0, d.spec.Pending}}
}

func (d *drive) smartData(t Taskfile, _ []byte) Result {
	if !smart(t) {
		return abort()
	}
	b := make([]byte, 512)
	binary.LittleEndian.PutUint16(b, 16)
	for i, a := range d.attributes() {
		at := b[2+12*i:]
		at[0], at[1], at[3], at[4] = a.id, a.flags, a.value, a.value
		binary.LittleEndian.PutUint32(at[5:], uint32(a.raw))
	}
	return Result{Data: summed(b)}
}

func (d *drive) smartThresholds(t Taskfile, _ []byte) Result {
	if !smart(t) {
		return abort()
	}
	b := make([]byte, 512)
	binary.LittleEndian.PutUint16(b, 16)
	for i, a := range d.attributes() {
		b[2+12*i], b[3+12*i] = a.id, a.threshold
	}
	return Result{Data: summed(b)}
}

// smartLog is SMART READ LOG: the directory, and two logs with nothing in them.
func (d *drive) smartLog(t Taskfile, _ []byte) Result {
	address := byte(t.LBA)
	if !smart(t) || t.Count == 0 || t.Count > 16 || (address != 0x00 && address != 0x01 && address != 0x06) {
		return abort()
	}
	b := make([]byte, 512)
	switch b[0] = 1; address {
	case 0x00:
		b[2*0x01], b[2*0x06] = 1, 1
	default:
		summed(b)
	}
	return Result{Data: append(b, make([]byte, 512*(int(t.Count)-1))...)}
}

func (d *drive) smartOrder(t Taskfile, _ []byte) Result {
	if !smart(t) {
		return abort()
	}
	return Result{}
}

// smartStatus is SMART RETURN STATUS: the key comes back as it was, or changed where a threshold was exceeded.
func (d *drive) smartStatus(t Taskfile, _ []byte) Result {
	switch {
	case !smart(t):
		return abort()
	case d.spec.Failing:
		return Result{LBA: 0x2cf4 << 8}
	}
	return Result{LBA: smartKey << 8}
}

// readLog is READ LOG EXT: the directory, and the IDENTIFY DEVICE data log with its list, its copy of IDENTIFY and the security
// page (ACS-3).
func (d *drive) readLog(t Taskfile, _ []byte) Result {
	address, page := byte(t.LBA), uint16(t.LBA>>8)
	if t.Count == 0 || t.Count > 16 {
		return abort()
	}
	var data []byte
	for i := range t.Count {
		b := d.logPage(address, page+i)
		if b == nil {
			return abort()
		}
		data = append(data, b...)
	}
	return Result{Data: data}
}

func (d *drive) logPage(address byte, page uint16) []byte {
	b := make([]byte, 512)
	switch {
	case address == 0x00 && page == 0:
		b[0], b[2*0x30] = 1, 9
	case address == 0x30 && page > 8:
		return nil
	case address == 0x30 && page == 1:
		return d.identifyData()
	case address == 0x30:
		binary.LittleEndian.PutUint64(b, 1<<63|uint64(page)<<16|1)
		switch page {
		case 0:
			b[8] = 3
			copy(b[9:], []byte{0, 1, 6})
		case 6:
			d.securityPage(b)
		default:
			clear(b) // there is no such page
		}
	default:
		return nil
	}
	return b
}

func (d *drive) securityPage(b []byte) {
	state := uint64(d.security.word(d.spec.Security, d.spec.Enhanced))
	binary.LittleEndian.PutUint64(b[8:], 1<<63|uint64(d.security.masterID))
	binary.LittleEndian.PutUint64(b[16:], 1<<63|state)
	binary.LittleEndian.PutUint64(b[48:], 1<<63) // neither does sanitize override security, nor is all encrypted
}
