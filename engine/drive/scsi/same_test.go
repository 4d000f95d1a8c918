package scsi

import (
	"errors"
	"strings"
	"testing"

	"wiped/engine/drive"
)

// TestAnother: a drive whose names are not those that the system took from the same pages is another one, which may not be written.
// It is told nothing either.
func TestAnother(t *testing.T) {
	const serial, wwn = "ZC18ABCD0000C1234567", "0x5000c500a1b2c3d4"
	for _, c := range []struct {
		what  string
		info  func(*drive.Info)
		drive func(*fake)
		why   string // empty: it is the one
	}{
		{what: "the same"},
		{what: "another serial", drive: func(f *fake) { f.pages[0x80] = vpd(0x80, []byte("OTHER")...) }, why: "its serial was " + serial + " and is OTHER"},
		{what: "no serial", drive: func(f *fake) { f.pages[0x80] = vpd(0x80) }, why: "its serial was " + serial + " and is none"},
		{what: "a serial of blanks", drive: func(f *fake) { f.pages[0x80] = vpd(0x80, []byte("     ")...) }, why: "and is none"},
		{what: "a serial of FFh", drive: func(f *fake) { f.pages[0x80] = vpd(0x80, 0xff, 0xff, 0xff, 0xff) }, why: "and is none"},
		{what: "a serial that came from elsewhere", info: func(i *drive.Info) { i.Serial, i.SerialSource = "BRIDGE 7", "USB descriptor" }},
		{what: "a serial made by the station", info: func(i *drive.Info) { i.Serial, i.SerialSource = "~dev-1", "made by this station" }},
		{what: "another WWN", drive: func(f *fake) {
			f.pages[0x83] = vpd(0x83, 1, 3, 0, 8, 0x50, 0x00, 0xc5, 0x00, 0, 0, 0, 1)
		}, why: "its WWN was " + wwn + " and is 0x5000c50000000001"},
		{what: "the WWN is that of its target", info: func(i *drive.Info) { i.WWN = "0x5000c500a1b2c3d5" }},
		{what: "no WWN that the system has", info: func(i *drive.Info) { i.WWN = "" }},
		{what: "a WWN as a string", info: func(i *drive.Info) { i.WWN = "0x6000c500a1b2c3d40000000000000001" },
			drive: func(f *fake) {
				f.pages[0x83] = vpd(0x83, append([]byte{3, 8, 0, 36}, "naa.6000C500A1B2C3D40000000000000001"...)...)
			}},
		{what: "an EUI", info: func(i *drive.Info) { i.WWN = "eui.0025385b71b00001" },
			drive: func(f *fake) { f.pages[0x83] = vpd(0x83, 1, 2, 0, 8, 0x00, 0x25, 0x38, 0x5b, 0x71, 0xb0, 0x00, 0x01) }},
		{what: "an empty page of names", drive: func(f *fake) { f.pages[0x83] = vpd(0x83) }},
	} {
		f := sasDisk()
		if c.drive != nil {
			c.drive(f)
		}
		node := drive.Node{Info: drive.Info{Name: "sdb", Serial: serial, SerialSource: serialSource, WWN: wwn, Size: 4000787030016, Transport: "sas"}}
		if c.info != nil {
			c.info(&node.Info)
		}
		a, err := ask(f, node)
		if err != nil || (a.Another != "") != (c.why != "") || !strings.Contains(a.Another, c.why) || a.Another != "" && a.Problem == "" {
			t.Errorf("%s: another drive: %q, problem %q, %v; want %q", c.what, a.Another, a.Problem, err, c.why)
		}
		f.log = nil
		err = (&firmware{unit{f}, node}).Erase(drive.SanitizeBlock)
		var refused *drive.RefusedError
		if c.why == "" && err != nil || c.why != "" && (!errors.As(err, &refused) || !strings.Contains(refused.Why, c.why) || len(f.changed()) > 0) {
			t.Errorf("%s: told to erase itself: %v, orders %v; want %q", c.what, err, f.changed(), c.why)
		}
	}
}
