package scsi

import (
	"encoding/binary"
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

// What a drive says of the end of a sanitize: no error is ever a success, and silence is not one either.
func TestStatus(t *testing.T) {
	for _, test := range []struct {
		what   string
		action drive.Action
		drive  func(*fake)
		phase  drive.Phase
		other  bool
		text   string
		failed string // the error; empty: none
	}{
		{what: "failed", drive: func(f *fake) { f.failed = true }, phase: drive.Failed, text: "sense 3/31/03"},
		{what: "failed, only in TEST UNIT READY", drive: func(f *fake) { f.failed, f.quietFail = true, true }, phase: drive.Failed, text: "sense 3/31/03"},
		{what: "failed, behind a lossy HBA", drive: func(f *fake) { f.failed, f.swallow = true, true }, phase: drive.Failed, text: "sense 3/31/03"},
		{what: "failed, lossy HBA, quiet", drive: func(f *fake) { f.failed, f.swallow, f.quietFail = true, true, true }, phase: drive.None,
			text: "no sense data"},
		{what: "sanitize failed, asked of a format", action: drive.FormatUnit, drive: func(f *fake) { f.failed = true }, phase: drive.Failed, other: true,
			text: "sense 3/31/03"},
		{what: "formatting, asked of a sanitize", drive: func(f *fake) { f.running, f.looks = inFormat, 3 }, phase: drive.None, other: true,
			text: "sense 2/04/04"},
		{what: "sanitizing, asked of a format", action: drive.FormatUnit, drive: func(f *fake) { f.running, f.looks = inSanitize, 3 }, phase: drive.None,
			other: true, text: "sense 2/04/1b"},
		{what: "format failed", action: drive.FormatUnit, drive: refusing(0, triple{sg.MediumError, 0x31, 0x01}), phase: drive.Failed, text: "sense 3/31/01"},
		{what: "format corrupt", action: drive.FormatUnit, drive: refusing(0, badFormat), phase: drive.Failed, text: "sense 3/31/00"},
		{what: "format corrupt, and ready", action: drive.FormatUnit, drive: func(f *fake) { f.corrupted = true }, phase: drive.Failed,
			text: "sense 3/31/00"},
		{what: "ready, and not formatted as it was to be", action: drive.FormatUnit, drive: func(f *fake) { f.cap16 = size16(1000, 520) }, phase: drive.Failed,
			text: "ready, formatted to sectors of 520 bytes, and to be formatted to 512"},
		{what: "the same, asked of a sanitize", drive: func(f *fake) { f.cap16 = size16(1000, 520) }, phase: drive.Succeeded, text: "ready, sense 0/00/00"},
		{what: "ready, and cannot be read", action: drive.FormatUnit, drive: refusing(0x28, triple{sg.MediumError, 0x11, 0}), phase: drive.Succeeded,
			text: "ready, sense 0/00/00"},
		{what: "format corrupt, asked of a sanitize", drive: refusing(0, badFormat), phase: drive.None, other: true, text: "sense 3/31/00"},
		{what: "starting up", drive: refusing(0, triple{sg.NotReady, 0x04, 0x01}), failed: "starting up"},
		{what: "stopped", drive: refusing(0, triple{sg.NotReady, 0x04, 0x02}), phase: drive.None, text: "sense 2/04/02"},
		{what: "broken", drive: refusing(0, triple{sg.HardwareError, 0x44, 0x00}), phase: drive.None, text: "sense 4/44/00"},
		{what: "not ready, and no word of why", drive: func(f *fake) { f.swallow = true; f.refuse = map[byte]triple{0: noCommand} }, phase: drive.None,
			text: "no sense data"},
		{what: "REQUEST SENSE refused", drive: refusing(3, noCommand), phase: drive.None, text: "sense 5/20/00"},
		{what: "REQUEST SENSE refused, sense lost", drive: func(f *fake) { f.swallow = true; f.refuse = map[byte]triple{3: noCommand} }, phase: drive.None,
			text: "no sense data"},
		{what: "CHECK CONDITION without an error", drive: refusing(0, triple{}), phase: drive.None, text: "sense 0/00/00"},
		{what: "in a low power condition", drive: reporting(1, triple{sg.NoSense, 0x5e, 0x01}), phase: drive.Succeeded, text: "ready, sense 0/5e/01"},
		{what: "wearing out", drive: reporting(1, triple{sg.Recovered, 0x5d, 0x10}), phase: drive.Succeeded, text: "ready, sense 1/5d/10"},
		{what: "REQUEST SENSE refused without an error", drive: refusing(3, triple{sg.NoSense, 0x5e, 0x01}), phase: drive.None, text: "sense 0/5e/01"},
		{what: "ready, with the error of an earlier command", drive: reporting(1, badField), phase: drive.Succeeded, text: "ready, sense 0/00/00"},
		{what: "ready, with an error that stays", drive: reporting(99, badField), phase: drive.None, text: "sense 5/24/00"},
		{what: "ready, with an unknown word about its format", drive: reporting(99, triple{sg.NoSense, 0x31, 0x30}), phase: drive.None,
			text: "sense 0/31/30"},
		{what: "ready, with an unknown word about its readiness", drive: reporting(99, triple{sg.Recovered, 0x04, 0x1b}), phase: drive.None,
			text: "sense 1/04/1b"},
		{what: "ready after an attention that the HBA swallowed",
			drive: func(f *fake) { f.swallow, f.attentions, f.reports = true, []triple{wasReset}, []triple{{}} }, phase: drive.Succeeded,
			text: "ready, sense 0/00/00"},
		{what: "REQUEST SENSE lost", drive: func(f *fake) { f.lose = map[byte]bool{3: true} }, failed: "REQUEST SENSE: no answer"},
		{what: "TEST UNIT READY lost", drive: func(f *fake) { f.lose = map[byte]bool{0: true} }, failed: "TEST UNIT READY: no answer"},
		{what: "busy", drive: func(f *fake) { f.status = map[byte]byte{0: sg.Busy} }, failed: "status 08h"},
		{what: "reserved", drive: func(f *fake) { f.status = map[byte]byte{3: sg.ReservationConflict} }, failed: "status 18h"},
		{what: "attentions without end", drive: func(f *fake) {
			for range 99 {
				f.attentions = append(f.attentions, wasReset)
			}
		}, failed: "unit attention after another"},
		{what: "attentions without end, at commands", drive: refusing(0, wasReset), failed: "unit attention after another"},
		{what: "never begun", drive: func(*fake) {}, phase: drive.Succeeded, text: "ready, sense 0/00/00"},
	} {
		for _, descriptors := range []bool{false, true} {
			f := sasDisk()
			f.descriptors = descriptors
			test.drive(f)
			action := test.action
			if action == "" {
				action = drive.SanitizeBlock
			}
			s, err := on(f).Status(action)
			if test.failed != "" {
				if err == nil || !strings.Contains(err.Error(), test.failed) || s != (drive.Status{}) {
					t.Errorf("%s: Status = %+v, %v; want an error with %q", test.what, s, err, test.failed)
				}
				continue
			}
			if err != nil || s.Phase != test.phase || s.Other != test.other || s.Named || s.Text != test.text {
				t.Errorf("%s: Status = %+v, %v; want phase %d, other %v, %q", test.what, s, err, test.phase, test.other, test.text)
			}
			if len(f.changed()) != 0 || len(f.log) > 2*attentions+4 {
				t.Errorf("%s: %d commands, %d of them change something; want few and none", test.what, len(f.log), len(f.changed()))
			}
		}
	}
	if _, err := on(sasDisk()).Status(drive.SecurityErase); !errors.Is(err, drive.ErrUnsupported) {
		t.Errorf("Status of an ATA action = %v; want ErrUnsupported", err)
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

// Answers that are no sense data.
func TestEraseStatus(t *testing.T) {
	for _, test := range []struct {
		what    string
		drive   func(*fake)
		refused bool
		text    string
	}{
		{"busy", func(f *fake) { f.status = map[byte]byte{0x48: sg.Busy} }, true, "status 08h"},
		{"reserved", func(f *fake) { f.status = map[byte]byte{0x48: sg.ReservationConflict} }, true, "status 18h"},
		{"task set full", func(f *fake) { f.status = map[byte]byte{0x48: 0x28} }, true, "status 28h"},
		{"task aborted", func(f *fake) { f.status = map[byte]byte{0x48: 0x40} }, false, "status 40h"},
		{"lost", func(f *fake) { f.lose = map[byte]bool{0x48: true} }, false, "no answer"},
		{"sense swallowed", func(f *fake) { f.swallow, f.refuse = true, map[byte]triple{0x48: noCommand} }, false, "no sense data"},
		{"sense swallowed, after TEST UNIT READY", func(f *fake) { f.swallow, f.failed, f.refuse = true, true, map[byte]triple{0x48: noCommand} }, false,
			"no sense data"},
	} {
		f := sasDisk()
		test.drive(f)
		err := on(f).Erase(drive.SanitizeBlock)
		var refused *drive.RefusedError
		if errors.As(err, &refused) != test.refused || err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: Erase = %v; want %q, refused: %v", test.what, err, test.text, test.refused)
		}
	}
	deferred := func(key byte) sg.Result {
		return sg.Result{Status: sg.CheckCondition, Sense: sg.ParseSense([]byte{0x71, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x31, 3, 0, 0, 0, 0})}
	}
	if r := refusedBy(t, verdict("SANITIZE", deferred(sg.MediumError), nil)); !strings.Contains(r.Why, "earlier command") {
		t.Errorf("a deferred error is refused for %q; want an earlier command", r.Why)
	}
	if err := verdict("SANITIZE", sg.Result{Status: sg.CheckCondition, Sense: sg.ParseSense([]byte{0x72, 1, 0x5d, 0})}, nil); err != nil {
		t.Errorf("a recovered error = %v; want none", err)
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

// Status is asked while the command itself has not returned yet.
func TestStatusMeanwhile(t *testing.T) {
	f := sasDisk()
	w := on(f)
	done := make(chan error)
	go func() { done <- w.Erase(drive.SanitizeBlock) }()
	for range 20 {
		if s, err := w.Status(drive.SanitizeBlock); err != nil || s.Phase == drive.Failed {
			t.Errorf("Status = %+v, %v; want running, or ready", s, err)
		}
	}
	if err := <-done; err != nil {
		var refused *drive.RefusedError
		if !errors.As(err, &refused) {
			t.Errorf("Erase = %v; want nil, or a refusal", err)
		}
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
