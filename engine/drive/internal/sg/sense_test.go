package sg

import (
	"reflect"
	"testing"
)

func TestParseSense(t *testing.T) {
	fixed := []byte{0x70, 0, 0x02, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x04, 0x1b, 0, 0x80, 0x40, 0x01}
	change := func(at int, to byte) []byte {
		b := append([]byte(nil), fixed...)
		b[at] = to
		return b
	}
	busy := Sense{Present: true, Fixed: true, Key: NotReady, ASC: 4, ASCQ: 0x1b, Progress: 0x4001, HasProgress: true}
	less := func(how func(*Sense)) Sense {
		s := busy
		how(&s)
		return s
	}
	still := less(func(s *Sense) { s.Progress, s.HasProgress = 0, false })
	described := func(more ...byte) []byte { return append([]byte{0x72, 2, 4, 0x1b, 0, 0, 0, byte(len(more))}, more...) }
	plain := Sense{Present: true, Key: NotReady, ASC: 4, ASCQ: 0x1b}
	for _, test := range []struct {
		what string
		b    []byte
		want Sense
		text string
	}{
		{"fixed", fixed, busy, "sense 2/04/1b"},
		{"fixed, valid", change(0, 0xf0), busy, "sense 2/04/1b"},
		{"fixed, deferred", change(0, 0x71), less(func(s *Sense) { s.Deferred = true }), "sense 2/04/1b"},
		{"fixed, bits of tape beside the key", change(2, 0xe2), busy, "sense 2/04/1b"},
		{"fixed, no progress", change(15, 0x7f), still, "sense 2/04/1b"},
		{"fixed, a field pointer in place of progress", change(2, IllegalRequest),
			less(func(s *Sense) { s.Key, s.Progress, s.HasProgress = IllegalRequest, 0, false }), "sense 5/04/1b"},
		{"fixed, progress of something without an error", change(2, NoSense), less(func(s *Sense) { s.Key = NoSense }), "sense 0/04/1b"},
		{"fixed, cut before the progress", fixed[:17], still, "sense 2/04/1b"},
		{"fixed, says that it ends before the progress", change(7, 9), still, "sense 2/04/1b"},
		{"fixed, cut before the additional codes", fixed[:13], Sense{Present: true, Fixed: true, Key: NotReady}, "sense 2/00/00"},
		{"fixed, says that it ends before the additional codes", change(7, 5), Sense{Present: true, Fixed: true, Key: NotReady}, "sense 2/00/00"},
		{"fixed, says that it is longer than it is", change(7, 255), busy, "sense 2/04/1b"},
		{"fixed, cut after the key", fixed[:3], Sense{Present: true, Fixed: true, Key: NotReady}, "sense 2/00/00"},
		{"fixed, cut before the key", fixed[:2], Sense{}, "no sense data"},
		{"described", described(), plain, "sense 2/04/1b"},
		{"described, deferred", append([]byte{0x73}, described()[1:]...), Sense{Present: true, Deferred: true, Key: NotReady, ASC: 4, ASCQ: 0x1b},
			"sense 2/04/1b"},
		{"described, cut to 4 bytes", described()[:4], plain, "sense 2/04/1b"},
		{"described, cut to 3 bytes", described()[:3], Sense{}, "no sense data"},
		{"described, progress", described(2, 6, 0, 0, 0x80, 0x40, 0x01, 0),
			Sense{Present: true, Key: NotReady, ASC: 4, ASCQ: 0x1b, Progress: 0x4001, HasProgress: true}, "sense 2/04/1b"},
		{"described, progress behind another", described(0, 2, 1, 1, 2, 6, 0, 0, 0x80, 0x40, 0x01, 0),
			Sense{Present: true, Key: NotReady, ASC: 4, ASCQ: 0x1b, Progress: 0x4001, HasProgress: true}, "sense 2/04/1b"},
		{"described, progress not valid", described(2, 6, 0, 0, 0x00, 0x40, 0x01, 0), plain, "sense 2/04/1b"},
		{"described, progress cut short", described(2, 6, 0, 0, 0x80, 0x40, 0x01, 0)[:14], plain, "sense 2/04/1b"},
		{"described, says that it ends before the progress", append([]byte{0x72, 2, 4, 0x1b, 0, 0, 0, 0}, 2, 6, 0, 0, 0x80, 0x40, 1, 0), plain,
			"sense 2/04/1b"},
		{"described, another progress of the same", described(0x0a, 6, 2, 4, 0x1b, 0, 0x40, 0x01),
			Sense{Present: true, Key: NotReady, ASC: 4, ASCQ: 0x1b, Progress: 0x4001, HasProgress: true}, "sense 2/04/1b"},
		{"described, progress of something else", described(0x0a, 6, 2, 4, 0x09, 0, 0x40, 0x01), plain, "sense 2/04/1b"},
		{"vendor's own format", []byte{0x7f, 2, 4, 0x1b, 0, 0, 0, 0}, Sense{}, "no sense data"},
		{"zeros", make([]byte, 18), Sense{}, "no sense data"},
		{"nothing", nil, Sense{}, "no sense data"},
	} {
		got := ParseSense(test.b)
		if string(got.Raw) != string(test.b) {
			t.Errorf("%s: Raw = % x; want % x", test.what, got.Raw, test.b)
		}
		got.Raw = nil
		if !reflect.DeepEqual(got, test.want) || got.String() != test.text {
			t.Errorf("%s: %+v, %s; want %+v, %s", test.what, got, got, test.want, test.text)
		}
	}
}

func TestIs(t *testing.T) {
	s := ParseSense([]byte{0x72, 3, 0x31, 3})
	if !s.Is(MediumError, 0x31, 3) || s.Is(NotReady, 0x31, 3) || s.Is(MediumError, 0x04, 3) || s.Is(MediumError, 0x31, 0) {
		t.Error("3/31/03 is something else than 3/31/03")
	}
	if (Sense{}).Is(NoSense, 0, 0) {
		t.Error("no sense data is 0/00/00; want it to be nothing")
	}
}

func TestDescriptor(t *testing.T) {
	ata := []byte{9, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50}
	whole := append([]byte{0x72, 1, 0, 0x1d, 0, 0, 0, 18, 0, 2, 7, 7}, ata...)
	for _, test := range []struct {
		what string
		b    []byte
		kind byte
		want []byte
	}{
		{"second", whole, 9, ata}, {"first", whole, 0, []byte{0, 2, 7, 7}}, {"none", whole, 2, nil},
		{"deferred", append([]byte{0x73}, whole[1:]...), 9, ata},
		{"cut short", whole[:25], 9, nil},
		{"behind the length", append([]byte{0x72, 1, 0, 0x1d, 0, 0, 0, 4}, whole[8:]...), 9, nil},
		{"only its kind", []byte{0x72, 1, 0, 0, 0, 0, 0, 1, 9}, 9, nil},
		{"fixed", append([]byte{0x70}, whole[1:]...), 9, nil},
		{"of another length", []byte{0x72, 1, 0, 0, 0, 0, 0, 2, 9, 0}, 9, []byte{9, 0}},
		{"of no length", nil, 9, nil},
	} {
		if got := ParseSense(test.b).Descriptor(test.kind); string(got) != string(test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%s: % x; want % x", test.what, got, test.want)
		}
	}
}

// FuzzSense: no sense data make the parser panic or loop, and nothing is told that is not there.
func FuzzSense(f *testing.F) {
	f.Add([]byte{0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 4, 0x1b, 0, 0x80, 0x40, 1})
	f.Add([]byte{0x72, 2, 4, 0x1b, 0, 0, 0, 8, 2, 6, 0, 0, 0x80, 0x40, 1, 0})
	f.Add([]byte{0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50})
	f.Add([]byte{0x72, 0, 0, 0, 0, 0, 0, 8, 0x0a, 6, 2, 4, 4, 0, 0x80, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := ParseSense(b)
		if s.Key > 0x0f || s.HasProgress && (!s.Present || s.Fixed && s.Key != NoSense && s.Key != NotReady || len(b) < 15) || !s.HasProgress && s.Progress != 0 {
			t.Errorf("% x: %+v", b, s)
		}
		if !s.Present && (s.Fixed || s.Deferred || s.Key != 0 || s.ASC != 0 || s.ASCQ != 0 || s.String() != "no sense data") {
			t.Errorf("% x: %+v, though there is none", b, s)
		}
		for kind := range 256 {
			if d := s.Descriptor(byte(kind)); d != nil && (len(d) < 2 || len(d) != 2+int(d[1]) || d[0] != byte(kind) || s.Fixed) {
				t.Errorf("% x: descriptor %d = % x", b, kind, d)
			}
		}
	})
}
