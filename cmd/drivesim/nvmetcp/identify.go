package nvmetcp

import "slices"

func (s *Subsystem) identify(q *queue, r request) reply {
	id := r.nsid()
	var b []byte
	refusal := success
	switch byte(r.dw(10)) { // CNS (5.15.1)
	case 0x00:
		b, refusal = s.identifyNamespace(id, false)
	case 0x01:
		b = s.identifyController(q.controller)
	case 0x02:
		b, refusal = s.list(id, func(n *namespace) bool { return !n.Detached })
	case 0x03:
		b, refusal = s.descriptors(id)
	case 0x05, 0x06: // of one command set: the NVM command set has nothing to add
		b, refusal = s.commandSet(byte(r.dw(11)>>24), byte(r.dw(10)) == 0x05, id)
	case 0x10:
		b, refusal = s.list(id, func(*namespace) bool { return true })
	case 0x11:
		b, refusal = s.identifyNamespace(id, true)
	default:
		refusal = invalidField
	}
	return reply{status: refusal, data: b}
}

func (s *Subsystem) commandSet(set byte, ofNamespace bool, id uint32) ([]byte, status) {
	switch {
	case set != 0:
		return nil, invalidField
	case ofNamespace && s.attached(id) == nil:
		return nil, invalidNamespace
	}
	return make([]byte, identifyLength), success
}

// list has the numbers above after of the namespaces that are wanted, up to 1024 (5.15.2.3).
func (s *Subsystem) list(after uint32, want func(*namespace) bool) ([]byte, status) {
	if s.config.NoList {
		return nil, invalidField
	}
	if after >= 0xFFFFFFFE {
		return nil, invalidNamespace
	}
	b := make([]byte, identifyLength)
	at := 0
	for _, n := range s.namespaces {
		if n.ID > after && want(n) && at < len(b) {
			le.PutUint32(b[at:], n.ID)
			at += 4
		}
	}
	return b, success
}

// descriptors is the Namespace Identification Descriptor list (5.15.2.4).
func (s *Subsystem) descriptors(id uint32) ([]byte, status) {
	n := s.attached(id)
	if n == nil {
		return nil, invalidNamespace
	}
	var b []byte
	for _, d := range []struct {
		kind  byte
		value []byte
	}{{1, n.eui64}, {2, n.nguid}, {3, n.uuid}} {
		if d.value != nil {
			b = append(append(b, d.kind, byte(len(d.value)), 0, 0), d.value...)
		}
	}
	return append(b, make([]byte, identifyLength-len(b))...), success
}

// identifyNamespace is all zeros for a namespace that exists and is detached, unless allocated ones are asked for (5.15.2.1).
func (s *Subsystem) identifyNamespace(id uint32, allocated bool) ([]byte, status) {
	b := make([]byte, identifyLength)
	if id == allNamespaces && !allocated { // what all namespaces have in common
		putFormats(b)
		return b, success
	}
	n := s.namespace(id)
	switch {
	case id == 0 || id > s.namespaces[len(s.namespaces)-1].ID:
		return nil, invalidNamespace
	case n == nil || n.Detached && !allocated:
		return b, success
	}
	le.PutUint64(b[0:], n.blocks())  // NSZE
	le.PutUint64(b[8:], n.blocks())  // NCAP
	le.PutUint64(b[16:], n.blocks()) // NUSE
	b[26] = byte(n.lbaf)             // FLBAS
	if s.config.Multipath {
		b[30] = 1 // NMIC: may be attached to several controllers
	}
	b[32] = 1 << 7 // FPI: how much of a Format remains is told
	if n.format != nil {
		b[32] |= byte(100 - 100*n.format.progress(s.clock.Now()))
	}
	b[33] = 1 // DLFEAT: deallocated blocks read as zeros
	if n.ReadOnly {
		b[99] = 1 // NSATTR
	}
	copy(b[104:120], n.nguid)
	copy(b[120:128], n.eui64)
	putFormats(b)
	return b, success
}

func putFormats(b []byte) {
	b[25] = byte(len(formats) - 1) // NLBAF
	for at, shift := range formats {
		b[128+4*at+2] = byte(shift)
	}
}

// identifyController is the Identify Controller data structure (5.15.2.2, fabrics fields from NVMe over Fabrics 1.1, 4.1).
func (s *Subsystem) identifyController(c *controller) []byte {
	b := make([]byte, identifyLength)
	put := func(from, to int, text string) {
		copy(b[from:to], slices.Repeat([]byte(" "), to-from))
		copy(b[from:to], text)
	}
	put(4, 24, s.config.Serial)
	put(24, 64, s.config.Model)
	put(64, 72, s.config.Firmware)
	if s.config.Multipath {
		b[76] = 1 << 1 // CMIC: several controllers
	}
	b[77] = 8 // MDTS: 1 MiB
	le.PutUint16(b[78:], c.id)
	le.PutUint32(b[80:], version)
	le.PutUint32(b[96:], 1) // CTRATT: 128-bit host identifiers
	b[111] = 1              // an I/O controller
	le.PutUint16(b[256:], s.config.OACS)
	b[258], b[259] = 3, eventLimit-1 // ACL, AERL
	b[260] = 3                       // FRMW: one slot, read only
	b[261] = 1<<1 | 1<<2             // LPA: log 05h, log pages from an offset
	b[262] = errorEntries - 1        // ELPE
	le.PutUint16(b[266:], 353)       // WCTEMP, kelvin
	le.PutUint16(b[268:], 363)       // CCTEMP
	le.PutUint64(b[280:], s.total()) // TNVMCAP, bytes
	le.PutUint16(b[320:], 10)        // KAS: seconds
	le.PutUint32(b[328:], s.config.SaniCap)
	b[512], b[513] = 0x66, 0x44 // SQES, CQES
	le.PutUint16(b[514:], queueEntries)
	le.PutUint32(b[516:], s.namespaces[len(s.namespaces)-1].ID) // NN
	le.PutUint16(b[520:], 1<<2|1<<3)                            // ONCS: Dataset Management, Write Zeroes
	b[524] = s.config.FNA
	b[525] = 1 | 2<<1               // VWC: there is one; no flush of all namespaces at once
	le.PutUint32(b[536:], 1|1<<20)  // SGLS: supported; offsets in the capsule
	copy(b[768:1023], s.config.NQN) // SUBNQN
	le.PutUint32(b[1792:], (64+inCapsule)/16)
	le.PutUint32(b[1796:], 1)   // IORCSZ
	b[1803] = 1                 // MSDBD
	b[1804] = 1                 // OFCS: Disconnect
	le.PutUint16(b[2048:], 800) // power state 0: 8 W
	return b
}

// total is what all namespaces hold, bytes.
func (s *Subsystem) total() uint64 {
	var sum uint64
	for _, n := range s.namespaces {
		sum += uint64(n.Size)
	}
	return sum
}
