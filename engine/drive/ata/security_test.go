package ata

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// own is the password as the drive stores it.
var own = Password + strings.Repeat("\x00", 32-len(Password))

// TestSecurityErase: the whole sequence, byte for byte, in both modes.
func TestSecurityErase(t *testing.T) {
	for _, c := range []struct {
		action  drive.Action
		mode    byte
		word    string
		timeout time.Duration
	}{{drive.SecurityErase, 0, "normal", 12 * time.Hour}, {drive.SecurityEraseEnhanced, 2, "enhanced", 20 * time.Hour}} {
		f := newFake(t)
		w := f.orders()
		if err := w.Erase(c.action); err != nil {
			t.Fatalf("Erase(%s) = %v; want no error", c.action, err)
		}
		if len(f.erased) != 1 || f.erased[0] != c.word || f.password != "" {
			t.Errorf("%s: erased %v, password %q; want %s once, none", c.action, f.erased, f.password, c.word)
		}
		want := []string{
			"85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00",
			"85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f1 00",
			"85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00",
			"85 06 20 00 00 00 00 00 00 00 00 00 00 00 f3 00",
			"85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f4 00",
			"85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00",
		}
		if len(f.sent) != len(want) {
			t.Fatalf("%s: sent % x; want %d commands", c.action, f.commands(), len(want))
		}
		for n := range want {
			if !bytes.Equal(f.sent[n].CDB, unhex(t, want[n])) {
				t.Errorf("%s: command %d: % x; want %s", c.action, n, f.sent[n].CDB, want[n])
			}
		}
		set, erase := f.sent[1], f.sent[4]
		if set.Out[0] != 0 || erase.Out[0] != c.mode || string(erase.Out[2:34]) != own || erase.Timeout != c.timeout {
			t.Errorf("%s: mode %d, password %q, waited for %v; want %d, %q, %v", c.action, erase.Out[0], erase.Out[2:34], erase.Timeout, c.mode, own, c.timeout)
		}
		if st, err := w.Status(c.action); err != nil || st.Phase != drive.Succeeded || st.Named {
			t.Errorf("%s: status afterwards %+v, %v; want succeeded, naming no command", c.action, st, err)
		}
	}
}

// TestSecurityPrepared proves that nothing comes between ERASE PREPARE and ERASE UNIT.
func TestSecurityPrepared(t *testing.T) {
	f := newFake(t)
	if err := f.orders().Erase(drive.SecurityErase); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(f.commands(), []byte{0xf3, 0xf4}) {
		t.Errorf("sent % x; want F3h and F4h together", f.commands())
	}
}

// TestSecurityRefused: drives that do not begin, the sentence that helps, and that they are left as they were found.
func TestSecurityRefused(t *testing.T) {
	for _, c := range []struct {
		what      string
		make      func(*fake)
		why, next string
		password  string
	}{
		{"not supported", func(f *fake) { f.security = false }, "the drive does not have it", "", ""},
		{"frozen", func(f *fake) { f.secFrozen = true }, "frozen by the BIOS", "unplug the drive's power and plug it in again, or suspend", ""},
		{"frozen, with our password", func(f *fake) { f.secFrozen, f.password = true, own }, "frozen by the BIOS", "suspend", own},
		{"locked with another's password", func(f *fake) { f.password, f.locked = "another's", true }, "locked with a password that is not wiped's", "hdparm --user-master m", "another's"},
		{"open, with another's password", func(f *fake) { f.password = "another's" }, "locked with a password that is not wiped's", "hdparm --user-master m", "another's"},
		{"attempts used up", func(f *fake) { f.password, f.locked, f.attempts = own, true, 5 }, "too many wrong passwords", "plug it in again", own},
		{"no answer", func(f *fake) { f.fault = breaks(0xec, 9, sg.Result{}, errHost) }, "it does not answer", "", ""},
		{"a bridge without the password command", func(f *fake) { f.fault = breaks(0xf1, 9, sensed(unhex(t, invalidOpcode)), nil) }, "does not pass the command on", "SATA port", ""},
		{"a bridge without the erase command", func(f *fake) { f.fault = breaks(0xf4, 9, sensed(unhex(t, invalidOpcode)), nil) }, "does not pass the command on", "SATA port", ""},
		{"SET PASSWORD aborted", func(f *fake) { f.fault = breaks(0xf1, 9, sensed(unhex(t, descriptorAbort)), nil) }, "it did not take SECURITY SET PASSWORD", "", ""},
		{"SET PASSWORD swallowed with GOOD", func(f *fake) { f.fault = breaks(0xf1, 9, sg.Result{}, nil) }, "GOOD to SECURITY SET PASSWORD and has none", "", ""},
		{"ERASE PREPARE aborted", func(f *fake) { f.fault = breaks(0xf3, 9, sensed(unhex(t, descriptorAbort)), nil) }, "it did not take SECURITY ERASE PREPARE", "", ""},
		{"ERASE PREPARE lost", func(f *fake) { f.fault = breaks(0xf3, 9, sg.Result{}, errHost) }, "the answer to SECURITY ERASE PREPARE was lost", "", ""},
		{"ERASE UNIT aborted", func(f *fake) { f.fault = breaks(0xf4, 9, sensed(unhex(t, descriptorAbort)), nil) }, "it did not take SECURITY ERASE UNIT", "", ""},
		{"ERASE PREPARE aborted, our password from before", func(f *fake) {
			f.password, f.locked = own, true
			f.fault = breaks(0xf3, 9, sensed(unhex(t, descriptorAbort)), nil)
		}, "it did not take SECURITY ERASE PREPARE", "", own},
		{"ERASE UNIT aborted, our password from before", func(f *fake) {
			f.password, f.locked = own, true
			f.fault = breaks(0xf4, 9, sensed(unhex(t, fixedAbort)), nil)
		}, "it did not take SECURITY ERASE UNIT, perhaps because its password", "hdparm --user-master m", own},
	} {
		f := newFake(t)
		c.make(f)
		w := f.orders()
		err := w.Erase(drive.SecurityErase)
		var refused *drive.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Why, c.why) || !strings.Contains(refused.Next, c.next) || strings.Contains(refused.Why, "failed too") {
			t.Errorf("%s: %#v; want a refusal with %q, then %q", c.what, err, c.why, c.next)
		}
		if f.password != c.password || len(f.erased) != 0 {
			t.Errorf("%s: password %q, erased %v; want %q, nothing", c.what, f.password, f.erased, c.password)
		}
		f.fault = nil
		if st, _ := w.Status(drive.SecurityErase); st.Phase == drive.Succeeded {
			t.Errorf("%s: status %+v; want no success, for none was begun", c.what, st)
		}
		if f.attempts > 1 && c.what != "attempts used up" {
			t.Errorf("%s: %d attempts at the password; want one at most", c.what, f.attempts)
		}
	}
}

// TestPasswordLeft: a drive that keeps our password although nothing was erased says so, with the way out.
func TestPasswordLeft(t *testing.T) {
	for _, c := range []struct {
		what, why string
		fault     func(n int, command byte) (sg.Result, error, bool)
	}{
		{"the answer to SET PASSWORD was lost, and so is the drive", "SECURITY SET PASSWORD was lost", func(_ int, command byte) (sg.Result, error, bool) {
			return sg.Result{}, errHost, command != 0xec
		}},
		{"ERASE UNIT and DISABLE PASSWORD aborted", "did not take SECURITY ERASE UNIT", func(_ int, command byte) (sg.Result, error, bool) {
			return sensed(unhex(t, descriptorAbort)), nil, command == 0xf4 || command == 0xf6
		}},
	} {
		f := newFake(t)
		f.fault = c.fault
		err := f.orders().Erase(drive.SecurityErase)
		var refused *drive.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Why, c.why) || !strings.Contains(refused.Why, "left with the password wiped") ||
			!strings.Contains(refused.Next, "hdparm --user-master u --security-disable wiped") {
			t.Errorf("%s: %#v; want a refusal with the password and the way out", c.what, err)
		}
	}
}

// TestSecurityOpen: what leaves open how the erase went is no refusal, and the password stays as the mark of it.
func TestSecurityOpen(t *testing.T) {
	for _, c := range []struct {
		what, want string
		make       func(*fake)
	}{
		{"the answer was lost", "no answer", func(f *fake) { f.fault = breaks(0xf4, 9, sg.Result{}, errHost) }},
		{"it gave up after hours", "gave up after 3h0m0s", func(f *fake) { f.halfErase = true }},
		{"an error that is no abort", "ATA status 51h, error 40h", func(f *fake) {
			f.fault = breaks(0xf4, 9, sensed(unhex(t, "72 03 11 00 00 00 00 0e 09 0c 01 40 00 00 00 00 00 00 00 00 40 51")), nil)
		}},
		{"aborted, registers swallowed", "sense b/00/00", func(f *fake) { f.fault = breaks(0xf4, 9, sensed(fixedSense(0x0b, 0, 0)), nil) }},
		{"GOOD, and nothing was done", "did not drop its password", func(f *fake) { f.fault = breaks(0xf4, 9, sg.Result{}, nil) }},
	} {
		f := newFake(t)
		c.make(f)
		w := f.orders()
		err := w.Erase(drive.SecurityErase)
		var refused *drive.RefusedError
		if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q, no refusal", c.what, err, c.want)
		}
		if f.password != own || bytes.Contains(f.commands(), []byte{0xf6}) {
			t.Errorf("%s: password %q, commands % x; want ours, and it left in place", c.what, f.password, f.commands())
		}
		if st, err := w.Status(drive.SecurityErase); err != nil || st.Phase != drive.Failed {
			t.Errorf("%s: status %+v, %v; want failed", c.what, st, err)
		}
	}
}

// TestNotSeenErased: the drive says GOOD, and its identity afterwards does not say that the password is gone.
func TestNotSeenErased(t *testing.T) {
	for _, words := range []map[int]uint16{
		{128: 0x23}, {128: 0x25}, // enabled, locked
		{128: 0x21, 85: 2},      // enabled by one word and not by the other
		{128: 0}, {128: 0xffff}, // nothing is known of security any more
	} {
		f := newFake(t)
		f.fault = func(_ int, command byte) (sg.Result, error, bool) {
			if command == 0xf4 {
				f.words = words
			}
			return sg.Result{}, nil, false
		}
		w := f.orders()
		if err := w.Erase(drive.SecurityErase); err == nil || !strings.Contains(err.Error(), "did not drop its password") {
			t.Errorf("words %x afterwards: %v; want an error, for the password may still be there", words, err)
		}
		if st, err := w.Status(drive.SecurityErase); err != nil || st.Phase == drive.Succeeded {
			t.Errorf("words %x afterwards: status %+v, %v; want no success", words, st, err)
		}
	}
}

// TestLostAfterwards: a drive that says GOOD and then nothing more was not seen to have ended well.
func TestLostAfterwards(t *testing.T) {
	f := newFake(t)
	ended := false
	f.fault = func(_ int, command byte) (sg.Result, error, bool) {
		hit := ended
		ended = ended || command == 0xf4
		return sg.Result{}, errHost, hit
	}
	if err := f.orders().Erase(drive.SecurityErase); !errors.Is(err, errHost) {
		t.Errorf("Erase = %v; want %v", err, errHost)
	}
}

// TestInterruptedErase tells the story of a drive that lost power in the middle: it is locked, says so, and is erased by
// the next job, which knows the password.
func TestInterruptedErase(t *testing.T) {
	f := newFake(t)
	f.fault = breaks(0xf4, 1, sg.Result{}, errHost)
	if err := f.orders().Erase(drive.SecurityErase); err == nil {
		t.Fatal("Erase = nil; want an error")
	}
	f.powerOff()
	w := f.orders()
	if st, err := w.Status(drive.SecurityErase); err != nil || st.Phase != drive.Failed || !strings.Contains(st.Text, "password set, locked: the erase did not come to its end") {
		t.Errorf("status after the power cut %+v, %v; want failed, with the reason", st, err)
	}
	if a := f.ask(); !a.Can(drive.SecurityErase) || a.Can(drive.SanitizeBlock) {
		t.Errorf("abilities %+v; want security erase possible, and no sanitize", a.Abilities)
	}
	if err := w.Erase(drive.SecurityErase); err != nil {
		t.Fatalf("Erase with our own password = %v; want no error", err)
	}
	if f.password != "" || f.locked || len(f.erased) != 1 {
		t.Errorf("password %q, locked %v, erased %v; want none, no, once", f.password, f.locked, f.erased)
	}
	if st, err := w.Status(drive.SecurityErase); err != nil || st.Phase != drive.Succeeded {
		t.Errorf("status %+v, %v; want succeeded", st, err)
	}
}

// TestStatusOfOthers: IDENTIFY DEVICE alone, by a drive that nobody erased here.
func TestStatusOfOthers(t *testing.T) {
	for _, c := range []struct {
		what  string
		make  func(*fake)
		phase drive.Phase
	}{
		{"no password", func(f *fake) {}, drive.Succeeded},
		{"a password", func(f *fake) { f.password = "x" }, drive.Failed},
		{"no security", func(f *fake) { f.security = false }, drive.None},
	} {
		f := newFake(t)
		c.make(f)
		if st, err := f.orders().Status(drive.SecurityEraseEnhanced); err != nil || st.Phase != c.phase || st.Named {
			t.Errorf("%s: %+v, %v; want phase %d, naming no command", c.what, st, err, c.phase)
		}
	}
	f := newFake(t)
	f.fault = breaks(0xec, 9, sg.Result{}, errHost)
	if _, err := f.orders().Status(drive.SecurityErase); !errors.Is(err, errHost) {
		t.Errorf("a drive that does not answer: %v; want %v", err, errHost)
	}
}

// TestUnlock: what an interrupted erase left locked can be read again, with no order but the one; somebody else's stays as it is.
func TestUnlock(t *testing.T) {
	for _, c := range []struct {
		what         string
		password     string
		locked, cold bool
		why          string
		left         bool
		orders       string
	}{
		{"not locked", "", false, false, "", false, "ec"},
		{"not locked, with our password", own, false, false, "", false, "ec"},
		{"ours", own, true, false, "", false, "ecf2ec"},
		{"somebody else's", "theirs", true, false, "not wiped's", true, "ecf2"},
		{"ours, frozen", own, true, true, "frozen by the BIOS", true, "ec"},
	} {
		f := newFake(t)
		f.password, f.locked, f.secFrozen = c.password, c.locked, c.cold
		err := f.orders().Unlock()
		if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s: %v; want %q", c.what, err, c.why)
		}
		if f.locked != c.left || f.password != c.password || !bytes.Equal(f.commands(), unhex(t, c.orders)) {
			t.Errorf("%s: locked %v, password %q, sent % x", c.what, f.locked, f.password, f.commands())
		}
	}
}

// TestLockedAnswers: a locked drive says that it takes neither reads nor writes, and what helps.
func TestLockedAnswers(t *testing.T) {
	f := newFake(t)
	f.info.Name, f.password, f.locked = "sdx", own, true
	if a := f.ask(); a.Locked == "" || !strings.Contains(a.Unlock, "erase sdx --method security-erase; else unlock it") {
		t.Errorf("%q, next %q", a.Locked, a.Unlock)
	}
	f.locked = false
	if a := f.ask(); a.Locked != "" {
		t.Errorf("unlocked: %q", a.Locked)
	}
}
