package scsi

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"wiped/engine/drive"
)

// FORMAT UNIT as an erase keeps what the drive is formatted to, and is not sent where that is unknown.
func TestEraseByFormat(t *testing.T) {
	for _, test := range []struct {
		what  string
		drive func(*fake)
		why   string // empty: sent
		list  []byte
	}{
		{"without READ CAPACITY (16), never protected", func(f *fake) {
			f.inquiry = standard(0, 4, false, "OLD", "DISK", "1")
			f.cap16, f.cap10 = nil, []byte{0, 0, 0xff, 0xff, 0, 0, 2, 0}
		}, "", []byte{0, 2, 0, 0}},
		{"without READ CAPACITY (16), perhaps protected", func(f *fake) { f.cap16, f.cap10 = nil, []byte{0, 0, 0xff, 0xff, 0, 0, 2, 0} },
			"protection information", nil},
		{"READ CAPACITY lost", func(f *fake) { f.lose = map[byte]bool{0x9e: true} }, "did not answer how", nil},
		{"format corrupt", func(f *fake) { f.refuse = map[byte]triple{0x9e: badFormat, 0x25: badFormat} }, "", []byte{0, 2, 0, 0}},
		{"impossible size", func(f *fake) { f.cap16 = size16(0, 512) }, "protection information", nil},
		{"unknown protection", func(f *fake) { f.cap16 = size16(1000, 512, 1|5<<1) }, "unknown type", nil},
		{"another sector noted", func(f *fake) { binary.BigEndian.PutUint32(f.modes[12:], 4096) }, "from 512 to 4096", nil},
		{"MODE SENSE refused", func(f *fake) { f.modes = nil }, "", []byte{0, 2, 0, 0}},
	} {
		f := sasDisk()
		test.drive(f)
		err := on(f).Erase(drive.FormatUnit)
		if test.why != "" {
			if r := refusedBy(t, err); !strings.Contains(r.Why, test.why) {
				t.Errorf("%s: refused for %q; want %q", test.what, r.Why, test.why)
			}
			checkLog(t, f.changed())
			continue
		}
		if sent := f.sent(0x04); err != nil || len(sent) != 1 || string(sent[0].Out) != string(test.list) {
			t.Errorf("%s: Erase = %v, sent %x; want % x", test.what, err, sent, test.list)
		}
	}
}

func TestFormat(t *testing.T) {
	netapp := func() *fake {
		f := sasDisk()
		f.cap16 = size16(7814037168, 520)
		f.sector, f.noted = 520, 520
		binary.BigEndian.PutUint32(f.modes[12:], 520)
		return f
	}
	selectTo := []byte{0x55, 0x10, 0, 0, 0, 0, 0, 0, 16, 0}
	formatTo := []byte{0x04, 0x10, 0, 0, 0, 0}

	f := netapp()
	w := on(f)
	if err := w.Format(512); err != nil {
		t.Fatalf("Format(512) = %v; want no error", err)
	}
	checkLog(t, f.changed(), selectTo, formatTo)
	if want := []byte{0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0}; string(f.changed()[0].Out) != string(want) {
		t.Errorf("MODE SELECT sent % x; want % x", f.changed()[0].Out, want)
	}
	for f.running.key != 0 {
		if s, err := w.Status(drive.FormatUnit); err != nil || s.Phase != drive.Running {
			t.Fatalf("Status = %+v, %v; want running", s, err)
		}
	}
	if s, err := w.Status(drive.FormatUnit); err != nil || s.Phase != drive.Succeeded || f.sector != 512 {
		t.Errorf("at the end: Status = %+v, %v, sectors of %d; want succeeded, 512", s, err, f.sector)
	}

	// Type 2 protection stays; the exponent of the old sector does not.
	f = sasDisk()
	f.cap16 = size16(1000, 4096, 1|1<<1, 0x30)
	binary.BigEndian.PutUint32(f.modes[12:], 4096)
	if err := on(f).Format(512); err != nil {
		t.Fatal(err)
	}
	checkLog(t, f.changed(), selectTo, []byte{0x04, 0xd0, 0, 0, 0, 0})

	// The sector is noted already: an interrupted format is taken up again.
	f = netapp()
	binary.BigEndian.PutUint32(f.modes[12:], 512)
	if err := on(f).Format(512); err != nil {
		t.Fatal(err)
	}
	checkLog(t, f.changed(), formatTo)

	for _, test := range []struct {
		what  string
		drive func(*fake)
		size  int
		why   string // empty: it cannot be told what became of it
		sent  [][]byte
		noted uint32
	}{
		{"no such sector", func(*fake) {}, 0, "no sectors of 0 bytes", nil, 520},
		{"no such sector", func(*fake) {}, 1 << 20, "no sectors of", nil, 520},
		{"write protected", func(f *fake) { f.modes[3] = 0x80 }, 512, "write protected", nil, 520},
		{"MODE SENSE refused", func(f *fake) { f.modes = nil }, 512, "MODE SENSE", nil, 520},
		{"no block descriptor", func(f *fake) { f.modes = f.modes[:8]; f.modes[7] = 0 }, 512, "MODE SENSE", nil, 520},
		{"MODE SELECT refused", func(f *fake) { f.refuse = map[byte]triple{0x55: badList} }, 512, "parameters", [][]byte{selectTo}, 520},
		{"MODE SELECT lost", func(f *fake) { f.lose = map[byte]bool{0x55: true} }, 512, "", [][]byte{selectTo}, 512},
		{"FORMAT UNIT refused, noted again", func(f *fake) { f.refuse = map[byte]triple{0x04: badField} }, 512, "in this form",
			[][]byte{selectTo, formatTo, selectTo}, 520},
		{"FORMAT UNIT lost, not noted again", func(f *fake) { f.lose = map[byte]bool{0x04: true} }, 512, "", [][]byte{selectTo, formatTo}, 512},
	} {
		f := netapp()
		test.drive(f)
		err := on(f).Format(test.size)
		var refused *drive.RefusedError
		switch is := errors.As(err, &refused); {
		case err == nil, is != (test.why != ""), is && !strings.Contains(refused.Why, test.why):
			t.Errorf("%s: Format = %v; want %q", test.what, err, test.why)
		}
		checkLog(t, f.changed(), test.sent...)
		if f.noted != test.noted {
			t.Errorf("%s: the drive notes sectors of %d bytes; want %d", test.what, f.noted, test.noted)
		}
	}
	if err := on(sasDisk()).Unhide(); !errors.Is(err, drive.ErrUnsupported) {
		t.Errorf("Unhide() = %v; want ErrUnsupported", err)
	}
}
