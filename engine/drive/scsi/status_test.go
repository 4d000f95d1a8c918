package scsi

import (
	"errors"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

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
