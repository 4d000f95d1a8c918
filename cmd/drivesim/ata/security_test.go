package ata

import (
	"encoding/binary"
	"testing"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/target"
)

// password is the data block of the commands with one.
func password(control uint16, text string) []byte {
	b := make([]byte, 512)
	binary.LittleEndian.PutUint16(b, control)
	copy(b[2:34], text)
	return b
}

func (r *rig) secure(command byte, control uint16, text string) string {
	r.t.Helper()
	return registers(r.ended(r.ata(command, 0, 0, 0, password(control, text))))
}

// eraseUnit is ERASE PREPARE and ERASE UNIT.
func (r *rig) eraseUnit(control uint16, text string) target.Outcome {
	r.t.Helper()
	r.non(0xf3, 0, 0, 0)
	return r.ata(0xf4, 0, 0, 0, password(control, text))
}

// TestLock: a password locks at the next power on; the right one unlocks; the wrong one counts.
func TestLock(t *testing.T) {
	r := newRig(t, "security")
	r.is("set", r.secure(0xf1, 0, "right"), fine)
	if got := r.word(128); got != 0x23 {
		t.Errorf("word 128 is %04x", got)
	}
	r.powerCycle()
	if got := r.word(128); got != 0x27 {
		t.Errorf("locked, word 128 is %04x", got)
	}
	r.is("READ", r.scsi("28000000000000000100"), "7/74/71")
	r.is("set again", r.secure(0xf1, 0, "mine"), refusal)
	r.is("disable", r.secure(0xf6, 0, "right"), refusal)
	for range 5 {
		r.is("wrong", r.secure(0xf2, 0, "wrong"), refusal)
	}
	r.is("the right one is too late", r.secure(0xf2, 0, "right"), refusal)
	r.is("for an erase too", registers(r.ended(r.eraseUnit(0, "right"))), refusal)
	if got := r.word(128); got != 0x37 {
		t.Errorf("expired, word 128 is %04x", got)
	}
	r.powerCycle()
	r.is("right", r.secure(0xf2, 0, "right"), fine)
	r.is("READ", r.scsi("28000000000000000000"), "good")
	r.is("disable with another", r.secure(0xf6, 0, "wrong"), refusal)
	r.is("disable", r.secure(0xf6, 0, "right"), fine)
	r.powerCycle()
	if got := r.word(128); got != 0x21 {
		t.Errorf("at the end word 128 is %04x", got)
	}
}

func TestMasterPassword(t *testing.T) {
	high, most := newRig(t, "locked=u master=m"), newRig(t, "locked=u master=m maximum")
	high.is("high", high.secure(0xf2, 1, "m"), fine)
	most.is("maximum", most.secure(0xf2, 1, "m"), refusal)
	most.is("erase", registers(most.ended(most.eraseUnit(1, "m"))), fine)
	none := newRig(t, "locked=u")
	none.is("no master is known", none.secure(0xf2, 1, ""), refusal)
	none.is("set master", none.secure(0xf1, 1, "new"), refusal)
}

// TestEraseUnit: it keeps the drive busy, and ends the security.
func TestEraseUnit(t *testing.T) {
	for _, test := range []struct {
		line, after string
		word        uint16
		old         int
	}{
		{"", fine, 0x21, 0}, {"lie", fine, 0x21, rigSectors * 512}, {"lie-half", fine, 0x21, rigSectors * 256},
		{"fail-at=50", refusal, 0x23, rigSectors * 256}, {"refuse", refusal, 0x23, rigSectors * 512},
		{"forget", fine, 0x23, rigSectors * 512}, {"other", fine, 0x21, rigSectors * 512},
		{"lie-progress", "waits", 0, 1312}, {"hang", "never", 0, rigSectors * 512},
	} {
		r := newRig(t, "security "+test.line)
		r.is("set", r.secure(0xf1, 0, "p"), fine)
		o := r.eraseUnit(0, "p")
		if test.line == "" {
			r.is("IDENTIFY waits", told(r.ata(0xec, 0, 1, 0, nil)), "waits")
			r.is("INQUIRY does not", told(r.send("120000002400", nil))[:5], "good ")
		}
		r.is("erase "+test.line, registers(r.ended(o)), test.after)
		if got := r.old(); got != test.old {
			t.Errorf("%s: %d bytes are old, want %d", test.line, got, test.old)
		}
		if test.word == 0 {
			continue
		}
		if got := r.word(128); got != test.word {
			t.Errorf("%s: word 128 is %04x, want %04x", test.line, got, test.word)
		}
	}
}

// TestEraseUnitAndPower: the drive is locked when the power comes back, and the erase is over.
func TestEraseUnitAndPower(t *testing.T) {
	r := newRig(t, "security power-loss=50")
	r.secure(0xf1, 0, "p")
	r.eraseUnit(0, "p")
	if got := r.wait(6 * time.Second); got != erase.PowerLost {
		t.Fatalf("event %d", got)
	}
	r.is("attention", r.scsi("00"), "6/29/00")
	if got := r.word(128); got != 0x27 {
		t.Errorf("word 128 is %04x", got)
	}
	if got := r.old(); got != rigSectors*256 {
		t.Errorf("%d bytes are old", got)
	}
	r.is("again", registers(r.ended(r.eraseUnit(0, "p"))), fine)
	if r.old() != 0 || r.word(128) != 0x21 {
		t.Error("the second erase did not end it")
	}
}

func TestEraseUnitRefused(t *testing.T) {
	r := newRig(t, "security=normal dco=16K")
	r.is("set", r.secure(0xf1, 0, "p"), fine)
	r.is("without prepare", r.secure(0xf4, 0, "p"), refusal)
	r.non(0xf3, 0, 0, 0)
	r.scsi("28000000000000000100")
	r.is("prepare and a read", r.secure(0xf4, 0, "p"), refusal)
	r.is("another password", registers(r.eraseUnit(0, "q")), refusal)
	r.is("enhanced", registers(r.eraseUnit(2, "p")), refusal)
	r.is("no data", told(r.ata(0xf4, 0, 0, 0, nil)), "5/24/00")
	if got := r.old(); got != rigSectors*512 {
		t.Errorf("refused commands erased %d bytes", rigSectors*512-got)
	}
	r.is("normal", registers(r.ended(r.eraseUnit(0, "p"))), fine)
	if got := r.old(); got != 16<<10 {
		t.Errorf("%d bytes are old: a normal erase does not reach what DCO hides", got)
	}
	r.is("freeze", r.non(0xf5, 0, 0, 0), fine)
	r.is("set", r.secure(0xf1, 0, "p"), refusal)
	r.is("prepare", r.non(0xf3, 0, 0, 0), refusal)
	r.drive.Thaw()
	r.is("thawed", r.secure(0xf1, 0, "p"), fine)
	frozen := newRig(t, "frozen")
	frozen.is("frozen from the start", frozen.secure(0xf1, 0, "p"), refusal)
	frozen.powerCycle()
	frozen.is("until the power cycle", frozen.secure(0xf1, 0, "p"), fine)
	without := newRig(t, "")
	without.is("a drive without", without.secure(0xf1, 0, "p"), refusal)
}
