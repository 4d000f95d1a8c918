package target

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// memory is a drive of blocks of four bytes.
type memory struct {
	Device
	bytes []byte
}

func (m *memory) Do(c Command) Outcome {
	a, _ := ParseAccess(Normal(c.CDB))
	part := m.bytes[a.LBA*4 : (a.LBA+a.Blocks)*4]
	if a.Write {
		copy(part, c.Out)
		return OK(nil)
	}
	return OK(part)
}

func access(op byte, lba, blocks int) []byte {
	cdb := make([]byte, 16)
	cdb[0] = op
	binary.BigEndian.PutUint64(cdb[2:], uint64(lba))
	binary.BigEndian.PutUint32(cdb[10:], uint32(blocks))
	return cdb
}

// TestWrong: what is asked to go wrong does, and nothing else.
func TestWrong(t *testing.T) {
	m := &memory{bytes: []byte("aaaabbbbccccdddd")}
	d := Wrong(m, 4, Amiss{Flips: []uint64{0, 9}, Drops: []uint64{2}, Hangs: []uint64{3}})
	if o := d.Do(Command{CDB: access(0x8a, 1, 2), Out: []byte("BBBBCCCC")}); o.Never || string(m.bytes) != "aaaaBBBBccccdddd" {
		t.Errorf("after a write the medium holds %q: %+v", m.bytes, o)
	}
	if o := d.Do(Command{CDB: access(0x88, 0, 2)}); !bytes.Equal(o.Data, []byte("qaaaBBBB")) || m.bytes[0] != 'a' {
		t.Errorf("read %q of %q", o.Data, m.bytes)
	}
	if o := d.Do(Command{CDB: access(0x88, 2, 2)}); !o.Never {
		t.Errorf("answered: %+v", o)
	}
	if !(Amiss{}).None() || (Amiss{Hangs: []uint64{1}}).None() {
		t.Error("None is wrong")
	}
}
