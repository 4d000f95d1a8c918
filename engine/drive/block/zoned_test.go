package block

import (
	"encoding/binary"
	"slices"
	"testing"
)

// report makes one of zones: start, length and capacity in units, type, condition.
func report(flags uint32, zones ...[5]uint64) []byte {
	b := make([]byte, reportHeader)
	binary.NativeEndian.PutUint32(b[8:], uint32(len(zones)))
	binary.NativeEndian.PutUint32(b[12:], flags)
	for _, z := range zones {
		one := make([]byte, zoneBytes)
		binary.NativeEndian.PutUint64(one, z[0])
		binary.NativeEndian.PutUint64(one[8:], z[1])
		binary.NativeEndian.PutUint64(one[32:], z[2])
		one[24], one[25] = byte(z[3]), byte(z[4])
		b = append(b, one...)
	}
	return b
}

func TestParseZones(t *testing.T) {
	got, err := parseZones(report(hasCapacity, [5]uint64{0, 8, 8, 1, 0}, [5]uint64{8, 8, 6, 2, 1}, [5]uint64{16, 8, 8, 2, zoneOffline}))
	want := []zone{{0, 4096, 4096, false, true}, {4096, 4096, 3072, true, true}, {8192, 4096, 4096, true, false}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = parseZones(report(0, [5]uint64{0, 8, 0, 2, 1})); err != nil || got[0].capacity != 4096 {
		t.Errorf("without capacities: %+v, %v", got, err)
	}
	whole := report(0, [5]uint64{0, 8, 0, 2, 1})
	for n := range len(whole) {
		if _, err := parseZones(whole[:n]); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
}

func TestCheckZones(t *testing.T) {
	seq := func(start, length, capacity int64) zone { return zone{start, length, capacity, true, true} }
	for _, c := range []struct {
		what  string
		zones []zone
		ok    bool
	}{
		{"whole", []zone{seq(0, 4096, 4096), seq(4096, 4096, 4096)}, true},
		{"a gap", []zone{seq(0, 4096, 4096), seq(8192, 4096, 4096)}, false},
		{"too few", []zone{seq(0, 4096, 4096)}, false},
		{"none", nil, false},
		{"not to be filled", []zone{seq(0, 4096, 2048), seq(4096, 4096, 4096)}, false},
	} {
		if err := checkZones(c.zones, 8192); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func FuzzParseZones(f *testing.F) {
	f.Add(report(hasCapacity, [5]uint64{0, 8, 8, 1, 0}, [5]uint64{8, 8, 6, 2, 1}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		zones, err := parseZones(b)
		if err != nil {
			return
		}
		for _, z := range zones {
			if z.start < 0 || z.length <= 0 || z.capacity < 0 || z.capacity > z.length || z.start+z.length < 0 {
				t.Errorf("%+v", z)
			}
		}
	})
}
