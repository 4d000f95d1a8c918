package ata

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// TestSanitize follows each action from the order to its end.
func TestSanitize(t *testing.T) {
	for _, action := range []drive.Action{drive.SanitizeBlock, drive.SanitizeCrypto, drive.SanitizeOverwrite} {
		f := newFake(t)
		w := f.orders()
		if err := w.Erase(action); err != nil {
			t.Fatalf("Erase(%s) = %v; want no error", action, err)
		}
		var phases []drive.Phase
		var done []float64
		for range 4 {
			st, err := w.Status(action)
			if err != nil || st.Named || st.Other || !strings.HasPrefix(st.Text, "SANITIZE STATUS EXT: count ") {
				t.Fatalf("Status(%s) = %+v, %v; want an answer that names no command", action, st, err)
			}
			phases, done = append(phases, st.Phase), append(done, st.Done)
		}
		want := [4]drive.Phase{drive.Running, drive.Running, drive.Running, drive.Succeeded}
		if [4]drive.Phase(phases) != want || [4]float64(done) != [4]float64{0.25, 0.5, 0.75, 1} {
			t.Errorf("%s went %v, %v; want %v, a quarter at a time", action, phases, done, want)
		}
	}
}

// TestSanitizeStatus: what the drive says of an erase, through everything that may stand in between. Where the bits do not
// come through, nothing is claimed.
func TestSanitizeStatus(t *testing.T) {
	reason := func(n uint64) func(*fake) {
		return func(f *fake) {
			end := abort
			end.lba = n
			f.fault = breaks(0xb4, 9, f.answer(sg.Command{CDB: sanitize("", 0, 0, 0).cdb()}, nil, end), nil)
		}
	}
	const running, done = 2, -1
	for _, c := range []struct {
		what, sense string
		state       int // looks left, or done
		make        func(*fake)
		phase       drive.Phase
		text        string
	}{
		{"running", "", running, nil, drive.Running, "in progress, 8000h of 10000h"},
		{"done", "", done, nil, drive.Succeeded, "completed without error"},
		{"never", "", 0, nil, drive.None, "no sanitize was done"},
		{"frozen after it was done", "", done, func(f *fake) { f.frozen = true }, drive.Succeeded, "count A000h"},
		{"running, fixed format", "fixed", running, nil, drive.None, "count(15:8) was lost"},
		{"done, fixed format", "fixed", done, nil, drive.None, "count(15:8) was lost"},
		{"never, fixed format", "fixed", 0, nil, drive.None, "no sanitize was done, or the HBA does not pass the status on"},
		{"running, Linux until 2024", "old fixed", running, nil, drive.Running, "in progress"},
		{"done, swallowed", "swallowed", done, nil, drive.None, "the HBA does not pass the status on"},
		{"done, count zeroed", "no count", done, nil, drive.None, "or the HBA does not pass the status on"},
		{"done, without the extend bit", "no extend", done, nil, drive.None, "count(15:8) was lost"},
		{"failed", "", 0, func(f *fake) { f.failed = true }, drive.Failed, "LBA(7:0) 01h: the last sanitize failed"},
		{"failed, fixed format", "fixed", 0, func(f *fake) { f.failed = true }, drive.Failed, "LBA(7:0) 01h: the last sanitize failed"},
		{"failed, Linux until 2024", "old fixed", 0, func(f *fake) { f.failed = true }, drive.Failed, "LBA(7:0) 01h: the last sanitize failed"},
		{"failed, swallowed", "swallowed", 0, func(f *fake) { f.failed = true }, drive.None, "sense b/00/00"},
		{"failed without a reason", "", 0, reason(0), drive.Failed, "no reason given"},
		{"aborted as not supported", "", 0, reason(2), drive.None, "not supported"},
		{"aborted for a reason that nobody knows", "", 0, reason(0x77), drive.None, "reason 77h"},
		{"a bridge that does not know the command", "", done, func(f *fake) { f.fault = breaks(0xb4, 9, sensed(unhex(t, invalidOpcode)), nil) }, drive.None, "sense 5/20/00"},
		{"lost once", "", done, func(f *fake) { f.fault = breaks(0xb4, 1, sg.Result{}, nil) }, drive.Succeeded, "completed without error"},
		{"no answer once", "", done, func(f *fake) { f.fault = breaks(0xb4, 1, sg.Result{}, errHost) }, drive.Succeeded, "completed without error"},
	} {
		f := newFake(t)
		f.sense, f.sanitized, f.sanitizing = c.sense, c.state == done, max(c.state, 0)
		if c.make != nil {
			c.make(f)
		}
		st, err := f.orders().Status(drive.SanitizeBlock)
		if err != nil || st.Phase != c.phase || !strings.Contains(strings.ToLower(st.Text), strings.ToLower(c.text)) {
			t.Errorf("%s: %+v, %v; want phase %d and %q", c.what, st, err, c.phase, c.text)
		}
		if n := bytes.Count(f.commands(), []byte{0xb4}); n > 2 {
			t.Errorf("%s: asked %d times; want at most one retry", c.what, n)
		}
	}
	f := newFake(t)
	f.fault = breaks(0xb4, 9, sg.Result{}, errHost)
	if _, err := f.orders().Status(drive.SanitizeBlock); !errors.Is(err, errHost) {
		t.Errorf("a drive that does not answer: %v; want %v", err, errHost)
	}
}

// TestSanitizeRefused: a drive that did not begin, and why; nothing is sent to one that says before that it will not.
func TestSanitizeRefused(t *testing.T) {
	frozenUnseen := func(f *fake) { // frozen between the look and the order
		looked := false
		f.fault = func(_ int, command byte) (sg.Result, error, bool) {
			f.frozen = looked
			looked = looked || command == 0xb4
			return sg.Result{}, nil, false
		}
	}
	for _, c := range []struct {
		what      string
		make      func(*fake)
		why, text string
		sent      bool // the order itself
	}{
		{"not supported", func(f *fake) { f.sanitize = 0x7000 }, "the drive does not have it", "", false},
		{"no sanitize at all", func(f *fake) { f.sanitize = 0 }, "the drive does not have it", "", false},
		{"frozen", func(f *fake) { f.frozen = true }, "frozen", "count 2000h", false},
		{"sanitizing already", func(f *fake) { f.sanitizing = 3 }, "it is sanitizing already", "in progress", false},
		{"locked", func(f *fake) { f.password, f.locked = "x", true }, "locked with a password", "", false},
		{"no answer", func(f *fake) { f.fault = breaks(0xec, 9, sg.Result{}, errHost) }, "it does not answer", "host status 03h", false},
		{"no answer on its status", func(f *fake) { f.fault = breaks(0xb4, 9, sg.Result{}, errHost) }, "it does not answer", "host status 03h", false},
		{"frozen meanwhile", frozenUnseen, "it aborted BLOCK ERASE EXT: sanitize is frozen", "ATA status 51h, error 04h", true},
		{"frozen meanwhile, fixed format", func(f *fake) { frozenUnseen(f); f.sense = "fixed" }, "it aborted BLOCK ERASE EXT: sanitize is frozen", "ATA status 51h", true},
		{"frozen meanwhile, Linux until 2024", func(f *fake) { frozenUnseen(f); f.sense = "old fixed" }, "it aborted BLOCK ERASE EXT: sanitize is frozen", "ATA status 51h", true},
	} {
		f := newFake(t)
		c.make(f)
		err := f.orders().Erase(drive.SanitizeBlock)
		var refused *drive.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Why, c.why) || !strings.Contains(refused.Text, c.text) {
			t.Errorf("%s: %#v; want a refusal with %q and %q", c.what, err, c.why, c.text)
		}
		sent := false
		for _, x := range f.sent {
			sent = sent || x.CDB[14] == 0xb4 && x.CDB[4] != 0
		}
		if sent != c.sent || len(f.erased) != 0 {
			t.Errorf("%s: order sent %v, erased %v; want %v, nothing", c.what, sent, f.erased, c.sent)
		}
	}
}

// TestSanitizeOrder: how the answer to the order itself counts.
func TestSanitizeOrder(t *testing.T) {
	for _, c := range []struct {
		what    string
		r       sg.Result
		err     error
		refused bool
		ok      bool
	}{
		{"a lost answer", sg.Result{}, errHost, false, false},
		{"GOOD, registers swallowed", sg.Result{}, nil, false, true},
		{"a bridge that does not know the command", sensed(unhex(t, invalidOpcode)), nil, true, false},
		{"reserved for another machine", sg.Result{Status: sg.ReservationConflict}, nil, true, false},
		{"aborted, registers swallowed", sensed(fixedSense(0x0b, 0, 0)), nil, false, false},
		{"a device fault", sensed(unhex(t, "72 04 00 00 00 00 00 0e 09 0c 01 04 00 00 00 00 00 00 00 00 40 71")), nil, false, false},
	} {
		f := newFake(t)
		f.fault = func(_ int, command byte) (sg.Result, error, bool) {
			last := f.sent[len(f.sent)-1]
			return c.r, c.err, command == 0xb4 && last.CDB[4] != 0
		}
		err := f.orders().Erase(drive.SanitizeCrypto)
		var refused *drive.RefusedError
		if (err == nil) != c.ok || errors.As(err, &refused) != c.refused {
			t.Errorf("%s: %v; want accepted %v, refused %v", c.what, err, c.ok, c.refused)
		}
	}
}

// TestSanitizeSent: the order as it leaves, byte for byte, and once.
func TestSanitizeSent(t *testing.T) {
	f := newFake(t)
	if err := f.orders().Erase(drive.SanitizeOverwrite); err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for _, c := range f.sent {
		got = append(got, c.CDB)
	}
	want := [][]byte{
		unhex(t, "85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00"),
		unhex(t, "85 07 20 00 00 00 00 00 00 00 00 00 00 40 b4 00"),
		unhex(t, "85 07 20 00 14 00 01 00 00 57 00 4f 00 40 b4 00"),
	}
	if len(got) != len(want) {
		t.Fatalf("sent % x; want % x", got, want)
	}
	for n := range want {
		if !bytes.Equal(got[n], want[n]) {
			t.Errorf("command %d: % x; want % x", n, got[n], want[n])
		}
	}
}

func TestOtherActions(t *testing.T) {
	f := newFake(t)
	w := f.orders()
	for _, action := range []drive.Action{drive.FormatCrypto, drive.FormatUserData, drive.FormatUnit, ""} {
		if err := w.Erase(action); !errors.Is(err, drive.ErrUnsupported) {
			t.Errorf("Erase(%q) = %v; want %v", action, err, drive.ErrUnsupported)
		}
		if _, err := w.Status(action); !errors.Is(err, drive.ErrUnsupported) {
			t.Errorf("Status(%q) = %v; want %v", action, err, drive.ErrUnsupported)
		}
	}
	if err := w.Format(512); !errors.Is(err, drive.ErrUnsupported) || len(f.sent) != 0 {
		t.Errorf("Format = %v after %d commands; want %v and none", err, len(f.sent), drive.ErrUnsupported)
	}
}
