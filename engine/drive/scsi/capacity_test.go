package scsi

import (
	"testing"
)

func TestCapacity(t *testing.T) {
	const last = ^uint64(0)
	for _, test := range []struct {
		b    []byte
		want capacity // blocks 0: no answer
	}{
		{size16(1000, 512), capacity{blocks: 1000, sector: 512, physical: 512, long: true, conventional: true}},
		{size16(1000, 4096, 1|2<<1|1<<4, 0x30), capacity{blocks: 1000, sector: 4096, physical: 4096, long: true, protection: 3, exponent: 3}},
		{size16(1000, 520, 1, 3)[:13], capacity{blocks: 1000, sector: 520, long: true}},
		{size16(1000, 520, 0, 3)[:11], capacity{}},
		{size16(0, 512), capacity{}},      // the last block is FFFFFFFFFFFFFFFFh
		{size16(last, 512), capacity{}},   // more bytes than a number holds
		{size16(1000, 0), capacity{}},     // no sector
		{size16(1000, 1<<20), capacity{}}, // no such sector
		{nil, capacity{}},
	} {
		got, err := parseCapacity16(test.b)
		if got != test.want || (err == nil) != (test.want.blocks != 0) {
			t.Errorf("parseCapacity16(% x) = %+v, %v; want %+v", test.b, got, err, test.want)
		}
	}
	if c, err := parseCapacity10([]byte{0, 0, 3, 0xe7, 0, 0, 2, 8}); err != nil || c != (capacity{blocks: 1000, sector: 520}) {
		t.Errorf("parseCapacity10 = %+v, %v; want 1000 blocks of 520", c, err)
	}
	for _, b := range [][]byte{nil, {0, 0, 3, 0xe7, 0, 0, 2}, {255, 255, 255, 255, 0, 0, 2, 0}, make([]byte, 8)} {
		if c, err := parseCapacity10(b); err == nil || c != (capacity{}) {
			t.Errorf("parseCapacity10(% x) = %+v, %v; want an error", b, c, err)
		}
	}
}

// The older question comes first of an older drive, and stands in for the newer one.
func TestCapacityAsked(t *testing.T) {
	ten := []byte{0, 0, 3, 0xe7, 0, 0, 2, 0}
	for _, test := range []struct {
		version, first byte
		protect        bool
		ten, sixteen   []byte
		want           uint64
	}{
		{4, 0x25, false, ten, size16(2000, 512), 1000},
		{4, 0x25, false, []byte{255, 255, 255, 255, 0, 0, 2, 0}, size16(1<<33, 512), 1 << 33},
		{4, 0x9e, true, ten, size16(2000, 512), 2000},
		{6, 0x9e, false, ten, size16(2000, 512), 2000},
		{6, 0x9e, false, ten, nil, 1000},
		{6, 0x9e, false, nil, nil, 0},
	} {
		f := &fake{cap10: test.ten, cap16: test.sixteen}
		c, err := unit{f}.capacity(inquiry{version: test.version, protect: test.protect})
		if c.blocks != test.want || (err == nil) != (test.want != 0) || f.log[0].CDB[0] != test.first {
			t.Errorf("version %d: %+v, %v, %02xh asked first; want %d blocks, %02xh", test.version, c, err, f.log[0].CDB[0], test.want, test.first)
		}
	}
}
