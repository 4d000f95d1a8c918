package scsi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// on is the firmware of a fake that was confirmed as what it is.
func on(f *fake) *firmware {
	return &firmware{unit{f}, drive.Node{Info: drive.Info{Name: "sdb", Serial: "ZC18ABCD0000C1234567", SerialSource: "VPD page 80h"}}}
}

func refusedBy(t *testing.T, err error) *drive.RefusedError {
	t.Helper()
	var refused *drive.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("the error is %v (%T); want a RefusedError", err, err)
	}
	return refused
}

// Every byte that makes a drive erase itself.
func TestEraseBytes(t *testing.T) {
	for _, test := range []struct {
		action       drive.Action
		protection   []byte // bytes 12 and 13 of READ CAPACITY (16)
		cdb, out     []byte
		noProtection bool
	}{
		{action: drive.SanitizeBlock, cdb: []byte{0x48, 0x82, 0, 0, 0, 0, 0, 0, 0, 0}},
		{action: drive.SanitizeCrypto, cdb: []byte{0x48, 0x83, 0, 0, 0, 0, 0, 0, 0, 0}},
		{action: drive.SanitizeOverwrite, cdb: []byte{0x48, 0x81, 0, 0, 0, 0, 0, 0, 8, 0}, out: []byte{1, 0, 0, 4, 0, 0, 0, 0}},
		{action: drive.FormatUnit, protection: []byte{0, 0}, cdb: []byte{0x04, 0x10, 0, 0, 0, 0}, out: []byte{0, 2, 0, 0}},
		{action: drive.FormatUnit, protection: []byte{1, 3}, cdb: []byte{0x04, 0x90, 0, 0, 0, 0}, out: []byte{0, 2, 0, 0}},
		{action: drive.FormatUnit, protection: []byte{1 | 1<<1, 0}, cdb: []byte{0x04, 0xd0, 0, 0, 0, 0}, out: []byte{0, 2, 0, 0}},
		{action: drive.FormatUnit, protection: []byte{1 | 2<<1, 0}, cdb: []byte{0x04, 0xd0, 0, 0, 0, 0}, out: []byte{1, 2, 0, 0}},
		{action: drive.FormatUnit, protection: []byte{1 | 1<<1, 0x30}, cdb: []byte{0x04, 0xf0, 0, 0, 0, 0}, out: []byte{0, 2, 0, 3, 0, 0, 0, 0}},
	} {
		f := sasDisk()
		if test.protection != nil {
			f.cap16 = size16(1000, 512, test.protection...)
		}
		if err := on(f).Erase(test.action); err != nil {
			t.Fatalf("Erase(%s) = %v; want no error", test.action, err)
		}
		checkLog(t, f.changed(), test.cdb)
		c := f.changed()[0]
		if string(c.Out) != string(test.out) || c.In != nil || c.Timeout != orderTime {
			t.Errorf("Erase(%s) sent % x with %v; want % x, nothing to come back, 45 s", test.action, c.Out, c.Timeout, test.out)
		}
	}
}

// A whole erase as both sense formats and a lossy HBA show it.
func TestEraseFollowed(t *testing.T) {
	for _, action := range []drive.Action{drive.SanitizeBlock, drive.SanitizeOverwrite, drive.SanitizeCrypto, drive.FormatUnit} {
		for _, how := range []func(*fake){
			func(*fake) {},
			func(f *fake) { f.descriptors = true },
			func(f *fake) { f.swallow = true },
			func(f *fake) { f.onlyTUR = true },
			func(f *fake) { f.attentions = []triple{wasReset, {sg.UnitAttention, 0x2a, 0x01}, wasReset} },
		} {
			f := sasDisk()
			how(f)
			w := on(f)
			if err := w.Erase(action); err != nil {
				t.Fatalf("Erase(%s) = %v; want no error", action, err)
			}
			for n, want := range []float64{0, 0.25, 0.5} {
				f.attentions = append(f.attentions, wasReset)
				s, err := w.Status(action)
				if err != nil || s.Phase != drive.Running || s.Done != want || s.Named || s.Other || !strings.HasPrefix(s.Text, "sense 2/04/") {
					t.Fatalf("%s, look %d: Status = %+v, %v; want running, %v", action, n, s, err, want)
				}
			}
			s, err := w.Status(action)
			if err != nil || s.Phase != drive.Succeeded || s.Done != 1 || s.Named || s.Other || s.Text != "ready, sense 0/00/00" {
				t.Errorf("%s, at the end: Status = %+v, %v; want succeeded, not named", action, s, err)
			}
			if len(f.changed()) != 1 {
				t.Errorf("%s: %d commands that change something; want 1", action, len(f.changed()))
			}
		}
	}
}

func refusing(op byte, t triple) func(*fake) {
	return func(f *fake) { f.refuse = map[byte]triple{op: t} }
}

func reporting(times int, t triple) func(*fake) {
	return func(f *fake) {
		for range times {
			f.reports = append(f.reports, t)
		}
	}
}

// The life of a drive that fails at a sanitize and is then sanitized well, and of one that forgets.
func TestSanitizeFails(t *testing.T) {
	f := sasDisk()
	f.fails = true
	w := on(f)
	end := func() drive.Status {
		var s drive.Status
		for range 4 {
			var err error
			if s, err = w.Status(drive.SanitizeBlock); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	if err := w.Erase(drive.SanitizeBlock); err != nil {
		t.Fatal(err)
	}
	if s := end(); s.Phase != drive.Failed {
		t.Errorf("Status of a failed sanitize = %+v; want failed", s)
	}
	f.fails = false
	if err := w.Erase(drive.SanitizeBlock); err != nil {
		t.Errorf("a second sanitize = %v; want it accepted", err)
	}
	if s := end(); s.Phase != drive.Succeeded {
		t.Errorf("Status of the second = %+v; want succeeded", s)
	}
	f.forgets = true
	if err := w.Erase(drive.SanitizeBlock); err != nil {
		t.Fatal(err)
	}
	f.running = triple{} // before anybody looked
	if s := end(); s.Phase != drive.Succeeded || s.Named {
		t.Errorf("Status of a drive that forgot = %+v; want ready, and not by name", s)
	}
}

// Each answer to the command itself.
func TestEraseRefused(t *testing.T) {
	for _, test := range []struct {
		answer triple
		why    string // empty: it cannot be told what became of it
	}{
		{noCommand, "does not have the command"},
		{badField, "in this form"},
		{badList, "parameters"},
		{triple{sg.IllegalRequest, 0x2c, 0}, "does not take the command"},
		{triple{sg.DataProtect, 0x27, 0}, "write protected"},
		{triple{sg.DataProtect, 0x27, 2}, "write protected"},
		{triple{sg.DataProtect, 0x20, 2}, "protected"},
		{triple{sg.NotReady, 0x04, 0x02}, "stopped"},
		{triple{sg.NotReady, 0x04, 0x09}, "testing itself"},
		{triple{sg.NotReady, 0x04, 0x1e}, "firmware"},
		{inSanitize, "sanitizing itself already"},
		{inFormat, "formatting itself already"},
		{triple{sg.NotReady, 0x3a, 0}, "no medium"},
		{triple{sg.NotReady, 0x99, 0}, "not ready"},
		{wasReset, "reset"},
		{newMedium, "another one"},
		{failedOnce, ""},
		{triple{sg.MediumError, 0x11, 0}, ""},
		{triple{sg.HardwareError, 0x44, 0}, ""},
		{triple{sg.Aborted, 0x47, 0}, ""},
		{triple{sg.NoSense, 0, 0}, ""},
	} {
		for _, descriptors := range []bool{false, true} {
			f := sasDisk()
			f.descriptors, f.refuse = descriptors, map[byte]triple{0x48: test.answer}
			err := on(f).Erase(drive.SanitizeCrypto)
			var refused *drive.RefusedError
			text := fmt.Sprintf("sense %x/%02x/%02x", test.answer.key, test.answer.asc, test.answer.ascq)
			switch is := errors.As(err, &refused); {
			case err == nil:
				t.Errorf("%s: Erase = nil; want an error", text)
			case test.why == "" && (is || !strings.Contains(err.Error(), text)):
				t.Errorf("%s: Erase = %v; want an error that leaves open what became of it", text, err)
			case test.why != "" && (!is || !strings.Contains(refused.Why, test.why) || refused.Text != text):
				t.Errorf("%s: Erase = %#v; want a refusal for %q", text, err, test.why)
			}
			if n := len(f.sent(0x48)); n != 1 {
				t.Errorf("%s: the command was sent %d times; want once", text, n)
			}
		}
	}
}

// Nothing is begun on a drive that is at something, may have been changed, is another one, or does not answer.
func TestNotBegun(t *testing.T) {
	for _, test := range []struct {
		what  string
		drive func(*fake)
		why   string
	}{
		{"sanitizing", func(f *fake) { f.running, f.looks = inSanitize, 3 }, "busy with itself already: sanitizing, 0 % done"},
		{"formatting", func(f *fake) { f.running, f.looks = inFormat, 2 }, "busy with itself already: formatting, 25 % done"},
		{"formatting, seen by TEST UNIT READY", func(f *fake) { f.running, f.looks, f.onlyTUR = inFormat, 2, true }, "busy with itself already: formatting"},
		{"another medium", func(f *fake) { f.attentions = []triple{wasReset, newMedium, wasReset} }, "another one"},
		{"another drive", func(f *fake) { f.pages[0x80] = vpd(0x80, []byte("OTHER")...) }, "its serial was ZC18ABCD0000C1234567 and is OTHER"},
		{"no serial any more", func(f *fake) { f.pages[0x80] = vpd(0x80) }, "and is none"},
		{"another page", func(f *fake) { f.pages[0x80] = vpd(0x83, []byte("ZC18ABCD0000C1234567")...) }, "and is none"},
		{"serial refused", func(f *fake) { delete(f.pages, 0x80) }, "does not say its serial"},
		{"silent", func(f *fake) { f.lose = map[byte]bool{3: true, 0: true} }, "did not answer"},
		{"reserved", func(f *fake) { f.status = map[byte]byte{0: sg.ReservationConflict} }, "did not answer"},
	} {
		for what, begin := range map[string]func(*firmware) error{
			"Erase(sanitize)": func(w *firmware) error { return w.Erase(drive.SanitizeBlock) },
			"Erase(format)":   func(w *firmware) error { return w.Erase(drive.FormatUnit) },
			"Format":          func(w *firmware) error { return w.Format(4096) },
		} {
			f := sasDisk()
			test.drive(f)
			if r := refusedBy(t, begin(on(f))); !strings.Contains(r.Why, test.why) {
				t.Errorf("%s, %s: refused for %q; want %q", test.what, what, r.Why, test.why)
			}
			checkLog(t, f.changed())
		}
	}
	f := sasDisk()
	if r := refusedBy(t, on(f).Erase(drive.SecurityEraseEnhanced)); !strings.Contains(r.Why, "no command") {
		t.Errorf("an ATA action is refused for %q", r.Why)
	}
	checkLog(t, f.changed())
	// A serial that came from elsewhere is nothing to hold VPD page 80h against.
	w := on(f)
	w.node.Info.Serial, w.node.Info.SerialSource = "~dev-1", "made by this station"
	if err := w.Erase(drive.SanitizeBlock); err != nil {
		t.Errorf("Erase of a drive with a station's serial = %v; want no error", err)
	}
}

// What is no SCSI device says so, and stays open.
func TestNoDevice(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "no drive"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if a, err := (Set{}).Ask(file, drive.Node{}); !errors.Is(err, unix.ENOTTY) || a.Set != "" {
		t.Errorf("Ask of a file = %+v, %v; want ENOTTY", a, err)
	}
	w, err := (Set{}).Firmware(file, drive.Node{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := w.Status(drive.SanitizeBlock); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("Status of a file = %+v, %v; want ENOTTY", s, err)
	}
	refusedBy(t, w.Erase(drive.SanitizeBlock))
	if err := w.Close(); err != nil {
		t.Errorf("Close() = %v; want no error", err)
	}
	if _, err := file.Stat(); err != nil {
		t.Errorf("after Close() the file is %v; want it open", err)
	}
}
