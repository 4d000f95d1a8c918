package ata

import (
	"fmt"
	"testing"
	"time"

	"wiped/cmd/drivesim/erase"
)

const (
	cryptoKey = 0x43727970
	blockKey  = 0x426b4572
)

// TestSanitize: the states of the state machine, by SANITIZE STATUS EXT, and what the medium is meanwhile.
func TestSanitize(t *testing.T) {
	r := newRig(t, "sanitize=block,crypto,overwrite hpa=16K dco=16K")
	status := func() string { t.Helper(); return r.non(0xb4, 0, 0, 0) }
	r.is("never", status(), "50 00 0000 ffff")
	r.is("block erase", r.non(0xb4, blockErase, 0, blockKey), "50 00 4000 0")
	r.wait(5 * time.Second)
	r.is("half way", status(), "50 00 4000 8000")
	r.is("READ", r.scsi("28000000000000000100"), "2/04/1b")
	r.is("by registers", r.non(0x24, 0, 1, 0), refusal)
	r.is("a second one", r.non(0xb4, blockErase, 0, blockKey), refusal)
	r.is("SET MAX", r.non(0x27, 0, 0, 0), refusal)
	if r.word(59)>>12 != 0xf || r.word(0) != 0x40 {
		t.Error("IDENTIFY DEVICE is not answered during a sanitize")
	}
	if got := r.old(); got != rigSectors*256 {
		t.Errorf("half way %d bytes are old", got)
	}
	if got := r.wait(5 * time.Second); got != erase.None {
		t.Error(got)
	}
	r.is("at the end", status(), "50 00 8000 ffff")
	r.powerCycle()
	r.is("after a power cycle", status(), "50 00 8000 ffff")
	if got := r.old(); got != 0 {
		t.Errorf("%d bytes are old: hidden areas are sanitized too", got)
	}
	r.is("a new one", r.non(0xb4, cryptoScramble, 0, cryptoKey), "50 00 4000 0")
	r.is("hides that", status(), "50 00 4000 0")
}

func TestWaysToBeWrong(t *testing.T) {
	for _, test := range []struct {
		line, early, late string
		old               int
	}{
		{"lie", "50 00 4000 8000", "50 00 8000 ffff", rigSectors * 512},
		{"lie-half", "50 00 4000 8000", "50 00 8000 ffff", rigSectors * 256},
		{"lie-progress", "50 00 4000 8000", "50 00 4000 fd70", 1312},
		{"forget", "50 00 0000 ffff", "50 00 0000 ffff", rigSectors * 512},
		{"other", "50 00 8000 ffff", "50 00 8000 ffff", rigSectors * 512},
		{"fail-at=50", "51 04 0000 1", "51 04 0000 1", rigSectors * 256},
		{"drop-status=count", "50 00 0000 8000", "50 00 0000 ffff", 0},
		{"drop-status=sense", "status 00, sense ", "status 00, sense ", 0},
		{"hang", "never", "never", 0},
		{"power-loss=40", "50 00 4000 8000", "50 00 8000 ffff", 0},
		{"vanish=40", "status 02, sense 7205250000000000", "status 02, sense 7205250000000000", 0},
	} {
		r := newRig(t, "sanitize=block "+test.line)
		r.non(0xb4, blockErase, 0, blockKey)
		if r.wait(5*time.Second) == erase.PowerLost {
			r.is("the attention", r.scsi("00"), "6/29/00")
		}
		r.is(test.line+", early", r.non(0xb4, 0, 0, 0), test.early)
		r.wait(20 * time.Second)
		r.is(test.line+", late", r.non(0xb4, 0, 0, 0), test.late)
		if got := r.old(); got != test.old {
			t.Errorf("%s: %d bytes are old, want %d", test.line, got, test.old)
		}
	}
}

func TestSanitizeRefused(t *testing.T) {
	r := newRig(t, "sanitize=block")
	r.is("wrong key", r.non(0xb4, blockErase, 0, cryptoKey), refusal)
	r.is("what it cannot", r.non(0xb4, cryptoScramble, 0, cryptoKey), "51 04 0000 2")
	r.is("what there is not", r.non(0xb4, 0x99, 0, 0), "51 04 0000 2")
	r.is("antifreeze", r.non(0xb4, sanitizeAntifreeze, 0, 0x416e7469), fine)
	r.is("freeze after it", r.non(0xb4, sanitizeFreeze, 0, 0x46724c6b), "51 04 0000 4")
	r.powerCycle()
	r.is("freeze", r.non(0xb4, sanitizeFreeze, 0, 0x46724c6b), fine)
	r.is("frozen", r.non(0xb4, blockErase, 0, blockKey), "51 04 0000 3")
	r.is("its status", r.non(0xb4, 0, 0, 0), "50 00 2000 ffff")
	r.powerCycle()
	r.is("thawed", r.non(0xb4, blockErase, 0, blockKey), "50 00 4000 0")
	r.is("a drive without", newRig(t, "").non(0xb4, 0, 0, 0), refusal)
	r.is("a drive that is locked", newRig(t, "sanitize=block locked=x").non(0xb4, blockErase, 0, blockKey), refusal)
	r.is("a drive that refuses", newRig(t, "sanitize=block refuse").non(0xb4, blockErase, 0, blockKey), refusal)
}

// TestFailedSanitize: SD3 is left as the FAILURE MODE bit allowed, or by a sanitize that succeeds.
func TestFailedSanitize(t *testing.T) {
	for _, exitable := range []bool{false, true} {
		r := newRig(t, "sanitize=block fail-at=10")
		count := boolBit(exitable, 4)
		r.non(0xb4, blockErase, count, blockKey)
		r.wait(10 * time.Second)
		r.powerCycle()
		r.is("status", r.non(0xb4, 0, 0, 0), "51 04 0000 1")
		r.is("READ", r.scsi("28000000000000000100"), "3/31/03")
		if !exitable {
			r.is("one that could be left", r.non(0xb4, blockErase, failureMode, blockKey), "51 04 0000 1")
		}
		want := map[bool]string{true: "50 00 0000 ffff", false: "51 04 0000 1"}[exitable]
		r.is(fmt.Sprint("leave ", exitable), r.non(0xb4, 0, clearFailedMode, 0), want)
	}
}

// TestLastPass: inverted between passes, the pattern is left inverted after an even number of them.
func TestLastPass(t *testing.T) {
	for count, want := range map[uint16]string{1: "44434241", 0: "44434241", 2: "44434241", invertBetween | 1: "44434241", invertBetween | 2: "bbbcbdbe",
		invertBetween: "bbbcbdbe", invertBetween | definitiveEnd | 2: "44434241", invertBetween | 3: "44434241"} {
		if got := fmt.Sprintf("%x", lastPass(0x41424344, count)); got != want {
			t.Errorf("count %04x leaves %s, want %s", count, got, want)
		}
	}
	r := newRig(t, "sanitize=overwrite took=0s")
	r.non(0xb4, overwriteExt, 1, 0x4f5741424344)
	if b := r.medium.Bytes(); string(b[512:516]) != "DCBA" {
		t.Errorf("the medium has %q", b[512:516])
	}
}
