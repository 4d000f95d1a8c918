package ata

import (
	"encoding/binary"

	"wiped/cmd/drivesim/scenario"
)

// hidden is what of the drive the host does not reach. All numbers are sectors.
type hidden struct {
	factory   uint64
	dco       uint64 // taken from the end by DEVICE CONFIGURATION SET
	cut       uint64 // and then by SET MAX ADDRESS or SET ACCESSIBLE MAX ADDRESS, for good
	current   uint64 // what the host reaches now
	changed   bool   // once between two power cycles
	frozen    bool   // SET MAX, or ACCESSIBLE MAX ADDRESS
	dcoFrozen bool
}

func newHidden(spec scenario.Drive, factory uint64) hidden {
	return hidden{factory: factory, dco: uint64(spec.DCO) / uint64(spec.Sector), cut: uint64(spec.HPA+spec.AMA) / uint64(spec.Sector)}
}

// native is how many sectors SET MAX ADDRESS can give back.
func (h *hidden) native() uint64 { return h.factory - h.dco }

func (h *hidden) powerOn() {
	h.current = h.native() - h.cut
	h.changed, h.frozen, h.dcoFrozen = false, false, false
}

// set makes lba the last address that the host reaches; for good, where it outlives a power cycle, and that once only.
func (h *hidden) set(lba uint64, forGood bool) (wrong byte) {
	switch {
	case h.frozen, forGood && h.changed:
		return aborted
	case lba >= h.native():
		return idNotFound
	}
	if h.current = lba + 1; forGood {
		h.cut, h.changed = h.native()-h.current, true
	}
	return 0
}

func (d *drive) readNativeMax(t Taskfile, _ []byte) Result {
	if !d.spec.HasHPA {
		return abort()
	}
	last := d.hidden.native() - 1
	if t.Command == 0xf8 {
		last = min(last, 1<<28-1)
	}
	return Result{LBA: last}
}

// setMax is SET MAX ADDRESS and its EXT, each only right after its READ NATIVE MAX ADDRESS. Bit 0 of Count makes it last
// (ATA8-ACS, V_V; the manuals of Fujitsu MHW2 and Hitachi 7K3000 say the same).
func (d *drive) setMax(t Taskfile, _ []byte) Result {
	before := map[byte]byte{0xf9: 0xf8, 0x37: 0x27}[t.Command]
	if !d.spec.HasHPA || d.last.Command != before {
		return abort()
	}
	return Result{Error: d.hidden.set(t.LBA, t.Count&1 != 0), LBA: t.LBA}
}

func (d *drive) freezeMax(Taskfile, []byte) Result {
	if !d.spec.HasHPA {
		return abort()
	}
	d.hidden.frozen = true
	return Result{}
}

// accessibleMax is ACCESSIBLE MAX ADDRESS CONFIGURATION: ACS-3.
func (d *drive) accessibleMax(t Taskfile, _ []byte) Result {
	switch {
	case !d.spec.HasAMA:
		return abort()
	case t.Feature == 0:
		return Result{LBA: d.hidden.native() - 1}
	case t.Feature == 1:
		return Result{Error: d.hidden.set(t.LBA, true), LBA: t.LBA}
	}
	d.hidden.frozen = true
	return Result{}
}

// Why DEVICE CONFIGURATION was refused, in the Count register: manual of the Hitachi Travelstar 5K160, figure 27.
const (
	dcoFrozen      = 0x01
	dcoChanged     = 0x03
	dcoHasHPA      = 0x06
	dcoUnsupported = 0x07
)

// configuration is DEVICE CONFIGURATION RESTORE, FREEZE LOCK and IDENTIFY: ATA8-ACS.
func (d *drive) configuration(t Taskfile, _ []byte) Result {
	h := &d.hidden
	refused := func(why uint16) Result { return Result{Error: aborted, Count: why} }
	switch {
	case !d.spec.HasDCO:
		return refused(dcoUnsupported)
	case h.dcoFrozen:
		return refused(dcoFrozen)
	case t.Feature == 0xc1:
		h.dcoFrozen = true
	case t.Feature == 0xc2:
		return Result{Data: d.configurationData()}
	case h.current != h.native():
		return refused(dcoHasHPA)
	case h.changed:
		return refused(dcoChanged)
	default:
		h.dco, h.changed = 0, true
		h.current = h.native()
	}
	return Result{}
}

// configurationData is what the drive could do as it was made: manual of the Hitachi HTC4260, table 7.5.
func (d *drive) configurationData() []byte {
	b := make([]byte, 512)
	word := func(i int, v uint16) { binary.LittleEndian.PutUint16(b[2*i:], v) }
	word(0, 2)
	word(1, 0x0007)
	word(2, 0x007f)
	binary.LittleEndian.PutUint64(b[6:], d.factory()-1)
	word(7, 0x0181|boolBit(d.spec.Security, 3)) // SMART, HPA, 48-bit addresses
	return sealed(b)
}

// sealed gives a data block of 512 bytes its signature and the checksum by which all bytes add up to 0.
func sealed(b []byte) []byte {
	b[510] = 0xa5
	return summed(b)
}

func summed(b []byte) []byte {
	var sum byte
	for _, x := range b[:511] {
		sum += x
	}
	b[511] = -sum
	return b
}

func boolBit(set bool, bit int) uint16 {
	if set {
		return 1 << bit
	}
	return 0
}
