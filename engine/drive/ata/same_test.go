package ata

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

func vpd(code byte, body string) []byte { return append([]byte{0, code, 0, byte(len(body))}, body...) }

// other makes IDENTIFY that of another drive.
var other = map[int]uint16{10: 0x4f54, 11: 0x4845, 12: 0x5220, 13: 0x4f4e, 14: 0x4520, 15: 0x2020, 16: 0x2020, 17: 0x2020} // OTHER ONE

// changes are the orders among the commands that were sent.
func (f *fake) changes() (list []byte) {
	for _, c := range f.sent {
		command, feature := c.CDB[14], c.CDB[4]
		switch command {
		case 0xec, 0x27, 0xf8:
			continue
		case 0xb4, 0x78:
			if feature == 0 {
				continue
			}
		case 0xb1:
			if feature == 0xc2 {
				continue
			}
		}
		list = append(list, command)
	}
	return list
}

// errands are all that a drive can be told to do.
var errands = map[string]func(*firmware) error{
	"sanitize":       func(w *firmware) error { return w.Erase(drive.SanitizeBlock) },
	"security erase": func(w *firmware) error { return w.Erase(drive.SecurityErase) },
	"unhide":         func(w *firmware) error { return w.Unhide() },
}

// TestAnother: nothing is told to a drive that is not the one that was confirmed, and Ask says that it is none.
func TestAnother(t *testing.T) {
	const serial, wwn = "it is another drive: its serial was FAKE-SERIAL-1 and is OTHER ONE", "it is another drive: its WWN was 0x5000c50012345678 and is 0x5000c50012340000"
	ownPages := map[byte][]byte{0x80: vpd(0x80, "BRIDGE 7"), 0x83: vpd(0x83, "\x01\x03\x00\x08\x50\x01\x02\x03\x04\x05\x06\x07")}
	bridged := func(f *fake) {
		f.info.Transport, f.info.Serial, f.info.WWN, f.pages = "usb", "BRIDGE 7", "0x5001020304050607", ownPages
	}
	for _, c := range []struct {
		what string
		make func(*fake)
		why  string // empty: it is the one
	}{
		{"the same", func(f *fake) {}, ""},
		{"another serial", func(f *fake) { f.words = other }, serial},
		{"no serial", func(f *fake) {
			f.words = map[int]uint16{11: 0x2020, 12: 0x2020, 13: 0x2020, 14: 0x2020, 15: 0x2020, 16: 0x2020, 17: 0x2020, 10: 0x2020}
		}, "and is none"},
		{"another WWN", func(f *fake) { f.words = map[int]uint16{111: 0} }, wwn},
		{"no WWN that it says", func(f *fake) { f.words = map[int]uint16{87: 0x4000} }, ""},
		{"no WWN that the system has", func(f *fake) { f.info.WWN = "" }, ""},
		{"a serial of the USB descriptor", func(f *fake) { f.info.Serial, f.info.SerialSource = "123", "USB descriptor" }, ""},
		{"a serial of the station's", func(f *fake) { f.info.Serial, f.info.SerialSource = "~dev-1", "made by this station" }, ""},
		{"another drive in a USB bridge that passes its names on", func(f *fake) {
			f.words, f.info.Transport = other, "usb"
			f.pages = map[byte][]byte{0x80: vpd(0x80, "OTHER ONE")}
		}, serial},
		{"another drive in a USB bridge that says nothing", func(f *fake) { f.words, f.info.Transport = other, "usb" }, serial},
		{"a USB bridge with names of its own", bridged, ""},
		{"a USB bridge with a WWN of its own that it gives no more", func(f *fake) {
			bridged(f)
			f.pages = map[byte][]byte{0x80: ownPages[0x80]}
		}, "its WWN was 0x5001020304050607"},
		{"an HBA that remembers the serial of the drive before", func(f *fake) { f.words, f.pages = other, map[byte][]byte{0x80: vpd(0x80, "FAKE-SERIAL-1")} }, serial},
	} {
		for what, do := range errands {
			f := newFake(t)
			f.hpa, f.native = true, 3000
			c.make(f)
			if a := f.ask(); !strings.Contains(a.Problem, c.why) || a.Can(drive.SanitizeBlock) != (c.why == "") || (a.Problem == "") != (c.why == "") || a.Another != a.Problem {
				t.Errorf("%s: problem %q, abilities %+v; want %q", c.what, a.Problem, a.Abilities, c.why)
			}
			err := do(f.orders())
			var refused *drive.RefusedError
			if c.why == "" {
				if err != nil || len(f.changes()) == 0 {
					t.Errorf("%s, %s: %v, orders % x; want some, and no error", c.what, what, err, f.changes())
				}
				continue
			}
			if !errors.As(err, &refused) || !strings.Contains(refused.Why, c.why) || len(f.changes()) != 0 {
				t.Errorf("%s, %s: %v after the orders % x; want a refusal with %q, and none", c.what, what, err, f.changes(), c.why)
			}
		}
	}
}

// TestMediumChange: a drive that reports, at whatever command, that its medium may be another one gets no further order, and
// the one in place of which it reported is not repeated.
func TestMediumChange(t *testing.T) {
	for what, do := range errands {
		prepare := func() *fake {
			f := newFake(t)
			f.hpa, f.native = true, 3000
			return f
		}
		whole := prepare()
		if err := do(whole.orders()); err != nil {
			t.Fatal(err)
		}
		last := len(whole.sent) - 1
		for at := range last + 1 {
			if final := whole.changes(); bytes.LastIndexByte(whole.commands(), final[len(final)-1]) < at {
				continue // a question after the last order
			}
			f := prepare()
			f.fault = func(n int, _ byte) (sg.Result, error, bool) {
				return sensed(fixedSense(6, 0x28, 0)), nil, n == at
			}
			err := do(f.orders())
			var refused *drive.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(refused.Why, mayBeAnother) {
				t.Errorf("%s, at command %d: %v; want a refusal", what, at, err)
			}
			count := len(f.changes())
			f.sent = f.sent[:at+1]
			if count != len(f.changes()) {
				t.Errorf("%s, at command %d: %d orders, %d of them up to then; want no more", what, at, count, len(f.changes()))
			}
		}
	}
}

// TestOrderOnce: no order is repeated after a unit attention of any kind.
func TestOrderOnce(t *testing.T) {
	for _, c := range []struct {
		what     string
		command  byte
		password string
	}{{"sanitize", 0xb4, ""}, {"security erase", 0xf1, ""}, {"security erase", 0xf2, own}, {"security erase", 0xf3, ""}, {"security erase", 0xf4, ""}, {"unhide", 0x37, ""}, {"unhide", 0xb1, ""}} {
		f := newFake(t)
		f.hpa, f.dco, f.native, f.factory, f.password = true, true, 3000, 4000, c.password
		f.locked = c.password != ""
		hit := false
		f.fault = func(n int, command byte) (sg.Result, error, bool) {
			order := slices.Contains(f.changes(), command) && !hit && command == c.command
			hit = hit || order
			return sensed(fixedSense(6, 0x29, 0)), nil, order
		}
		err := errands[c.what](f.orders())
		var refused *drive.RefusedError
		if n := bytes.Count(f.changes(), []byte{c.command}); !hit || n != 1 || !errors.As(err, &refused) || !strings.Contains(refused.Why, "it reported a reset") {
			t.Errorf("%s, %02xh: sent %d times, %v; want once, and a refusal", c.what, c.command, n, err)
		}
		if f.password != c.password {
			t.Errorf("%s, %02xh: left with password %q; want %q", c.what, c.command, f.password, c.password)
		}
	}
}

// TestSwappedOnTheWay: a drive that was exchanged between two orders gets none of the later ones, though nothing is known of
// it but what it said at first.
func TestSwappedOnTheWay(t *testing.T) {
	for _, c := range []struct {
		what, password string
		after          byte // the command after which another drive answers
		orders         []byte
		why            string
		begun          bool
	}{
		{"security erase", "", 0xf1, []byte{0xf1}, "may be left with the password wiped", false},
		{"security erase", own, 0xf2, []byte{0xf2}, "it is another drive", false},
		{"security erase", "", 0xf4, []byte{0xf1, 0xf3, 0xf4}, "it is another drive", true},
		{"unhide", "", 0x37, []byte{0x37}, "it is another drive", false},
	} {
		f := newFake(t)
		f.password, f.locked = c.password, c.password != ""
		f.hpa, f.dco, f.native, f.factory, f.info = true, true, 3000, 4000, drive.Info{}
		f.fault = func(_ int, _ byte) (sg.Result, error, bool) {
			if n := len(f.sent); n > 1 && f.sent[n-2].CDB[14] == c.after {
				f.words = other
			}
			return sg.Result{}, nil, false
		}
		err := errands[c.what](f.orders())
		var refused *drive.RefusedError
		if err == nil || !strings.Contains(err.Error(), c.why) || errors.As(err, &refused) == c.begun || !bytes.Equal(f.changes(), c.orders) {
			t.Errorf("%s, another one after %02xh: %v, orders % x; want %q, % x", c.what, c.after, err, f.changes(), c.why, c.orders)
		}
	}
}

// TestAttentionTooLate: a unit attention in place of the answer to a security order does not prove that nothing was done: the
// password is looked for and taken back, and after hours, or of a drive that has no serial, nothing is claimed.
func TestAttentionTooLate(t *testing.T) {
	reset, changed := sensed(fixedSense(6, 0x29, 0)), sensed(fixedSense(6, 0x28, 0))
	for _, c := range []struct {
		what     string
		fault    func(f *fake, command byte) (sg.Result, bool)
		refused  bool
		password string
	}{
		{"the password was set", func(f *fake, command byte) (sg.Result, bool) {
			if command == 0xf1 {
				f.password = own
			}
			return reset, command == 0xf1
		}, true, ""},
		{"a reset after hours", func(f *fake, command byte) (sg.Result, bool) {
			if command == 0xf4 {
				f.took(time.Hour)
			}
			return reset, command == 0xf4
		}, false, own},
		{"no serial, and perhaps another one at the end", func(f *fake, command byte) (sg.Result, bool) {
			n := len(f.sent)
			return changed, n > 1 && f.sent[n-2].CDB[14] == 0xf4
		}, false, ""},
	} {
		f := newFake(t)
		f.info, f.words = drive.Info{}, map[int]uint16{10: 0x2020, 11: 0x2020, 12: 0x2020, 13: 0x2020, 14: 0x2020, 15: 0x2020, 16: 0x2020, 17: 0x2020}
		f.fault = func(int, byte) (sg.Result, error, bool) {
			r, hit := c.fault(f, f.sent[len(f.sent)-1].CDB[14])
			return r, nil, hit
		}
		err := f.orders().Erase(drive.SecurityErase)
		var refused *drive.RefusedError
		if err == nil || errors.As(err, &refused) != c.refused || f.password != c.password {
			t.Errorf("%s: %v, password %q; want refused %v, %q", c.what, err, f.password, c.refused, c.password)
		}
	}
}

// TestStatusOfAnother: that another drive has no password, or was sanitized well, proves nothing.
func TestStatusOfAnother(t *testing.T) {
	for _, action := range []drive.Action{drive.SanitizeBlock, drive.SecurityErase} {
		f := newFake(t)
		f.sanitized, f.words = true, other
		if st, err := f.orders().Status(action); err == nil || st.Phase == drive.Succeeded {
			t.Errorf("Status(%s) of another drive = %+v, %v; want an error", action, st, err)
		}
	}
}

// TestAnotherAfterAttention tells the story of a dock: the drive behind the descriptor is another one, and says so by a unit
// attention in place of taking the order.
func TestAnotherAfterAttention(t *testing.T) {
	f := newFake(t)
	f.words = other
	f.fault = breaks(0xb4, 1, sensed(fixedSense(6, 0x28, 0)), nil)
	orders, err := Set{}.Firmware(nil, drive.Node{Info: f.info})
	if err != nil {
		t.Fatal(err)
	}
	w := orders.(*firmware)
	w.port = port{f}
	if err := w.Erase(drive.SanitizeBlock); err == nil || f.sanitizing > 0 {
		t.Errorf("FAKE-SERIAL-1 was confirmed, and another drive is told to sanitize itself: %v", err)
	}
}

// TestOwnNames: behind a bridge both its names and the drive's are there.
func TestOwnNames(t *testing.T) {
	for _, c := range []struct {
		serial, wwn string
		want        []drive.Fact
	}{
		{"FAKE-SERIAL-1", "0x5000c50012345678", nil},
		{"BRIDGE 7", "", []drive.Fact{{Name: "drive's own serial", Value: "FAKE-SERIAL-1", Source: "IDENTIFY words 10..19"},
			{Name: "drive's own WWN", Value: "0x5000c50012345678", Source: "IDENTIFY words 108..111"}}},
		{"~dev-1", "0x5000c50012345678", []drive.Fact{{Name: "drive's own serial", Value: "FAKE-SERIAL-1", Source: "IDENTIFY words 10..19"}}},
	} {
		f := newFake(t)
		f.info.Serial, f.info.SerialSource, f.info.WWN = c.serial, "USB descriptor", c.wwn
		f.info.Transport = "usb"
		var got []drive.Fact
		for _, x := range f.ask().Facts {
			if strings.HasPrefix(x.Name, "drive's own") {
				got = append(got, x)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("serial %s, WWN %s: %+v; want %+v", c.serial, c.wwn, got, c.want)
		}
	}
}

// FuzzPage proves that a page of any content makes no panic, and no text that is not clean.
func FuzzPage(f *testing.F) {
	f.Add(vpd(0x80, "BRIDGE 7"))
	f.Add(vpd(0x83, "\x01\x03\x00\x08\x50\x01\x02\x03\x04\x05\x06\x07"))
	f.Add([]byte{0, 0x80, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := port{&fake{t: t, pages: map[byte][]byte{0x80: b, 0x83: b}}}
		if serial := p.bridgeSerial(); !plain(serial) {
			t.Errorf("serial %q", serial)
		}
		if p.bridgeHas("0x5001020304050607") && !bytes.Contains(b, []byte{0x50, 1, 2, 3, 4, 5, 6, 7}) {
			t.Errorf("a WWN out of % x", b)
		}
	})
}
