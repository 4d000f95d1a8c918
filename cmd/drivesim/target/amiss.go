package target

import (
	"encoding/binary"
	"slices"
)

// Amiss are blocks with which something goes wrong that no status tells.
type Amiss struct {
	Flips []uint64 // one bit of them is wrong when they are read
	Drops []uint64 // what is written to them is acknowledged, and the old content stays
	Hangs []uint64 // a command for them is never answered
}

// None tells whether nothing goes wrong.
func (a Amiss) None() bool { return len(a.Flips)+len(a.Drops)+len(a.Hangs) == 0 }

// amiss is a drive with such blocks.
type amiss struct {
	Device
	sector int
	blocks Amiss
}

// Wrong makes something go wrong with blocks of a drive; sector is the bytes of one.
func Wrong(d Device, sector int, blocks Amiss) Device {
	return &amiss{Device: d, sector: sector, blocks: blocks}
}

// Do is Device.
func (m *amiss) Do(c Command) Outcome {
	a, ok := ParseAccess(Normal(c.CDB))
	switch {
	case !ok:
		return m.Device.Do(c)
	case m.first(a, m.blocks.Hangs) >= 0:
		return Outcome{Never: true}
	case a.Write:
		return m.Device.Do(m.without(c, a))
	}
	o := m.Device.Do(c)
	for _, lba := range m.blocks.Flips {
		if at := m.at(a, lba); at >= 0 && at < len(o.Data) {
			o.Data = slices.Clone(o.Data)
			o.Data[at] ^= 0x10
		}
	}
	return o
}

// without is a write that leaves some blocks as they are.
func (m *amiss) without(c Command, a Access) Command {
	for _, lba := range m.blocks.Drops {
		at := m.at(a, lba)
		if at < 0 || at+m.sector > len(c.Out) {
			continue
		}
		read := make([]byte, 16)
		read[0] = 0x88 // READ(16)
		binary.BigEndian.PutUint64(read[2:], lba)
		binary.BigEndian.PutUint32(read[10:], 1)
		if old := m.Device.Do(Command{CDB: read, Room: m.sector}); len(old.Data) == m.sector {
			c.Out = slices.Clone(c.Out)
			copy(c.Out[at:], old.Data)
		}
	}
	return c
}

// first is where the first of the blocks stands in what is moved; -1: none is.
func (m *amiss) first(a Access, blocks []uint64) int {
	for _, lba := range blocks {
		if at := m.at(a, lba); at >= 0 {
			return at
		}
	}
	return -1
}

// at is where a block stands in what is moved; -1: it does not.
func (m *amiss) at(a Access, lba uint64) int {
	if lba < a.LBA || lba-a.LBA >= a.Blocks {
		return -1
	}
	return int(lba-a.LBA) * m.sector
}
