package scsi

import (
	"encoding/hex"
	"testing"
	"time"

	"wiped/cmd/drivesim/erase"
)

const (
	blockImmed  = "48820000000000000000"
	cryptoImmed = "48830000000000000000"
	blockWait   = "48020000000000000000"
	exitMode    = "481f0000000000000000"
)

// TestSanitize: progress by REQUEST SENSE, everything else refused meanwhile, the medium erased as the progress says.
func TestSanitize(t *testing.T) {
	r := newRig(t, "sanitize=block,crypto,overwrite")
	r.is("sanitize", r.cdb(blockImmed), "good")
	r.wait(5 * time.Second)
	r.is("half way", r.asked(), "2/04/1b 50%")
	r.is("TEST UNIT READY", r.cdb("00"), "2/04/1b 50%")
	r.is("READ", r.cdb("28000000000000000100"), "2/04/1b 50%")
	r.is("a second one", r.cdb(blockImmed), "2/04/1b 50%")
	if r.begin("120000006000").Status != 0 || r.begin("a30c0000000000001000").Status != 0 || r.begin("4d000d000000000040").Status != 0 {
		t.Error("INQUIRY, the list of commands or the log are refused during a sanitize")
	}
	if got := r.old(); got != rigSize/2 {
		t.Errorf("half way %d bytes are old", got)
	}
	r.wait(5 * time.Second)
	r.is("at the end", r.asked(), "0/00/00")
	r.is("TEST UNIT READY", r.cdb("00"), "good")
	if got := r.old(); got != 0 {
		t.Errorf("at the end %d bytes are old", got)
	}
}

// TestSanitizeOutlivesPowerLoss: it goes on, and the host is told of the power.
func TestSanitizeOutlivesPowerLoss(t *testing.T) {
	r := newRig(t, "sanitize=crypto power-loss=40")
	r.cdb(cryptoImmed)
	if got := r.wait(5 * time.Second); got != erase.PowerLost {
		t.Fatalf("event %d", got)
	}
	r.is("after it", r.cdb("00"), "6/29/00")
	r.is("and then", r.cdb("00"), "2/04/1b 50%")
	r.disk.PowerCycle()
	r.is("REQUEST SENSE takes the attention", r.asked(), "6/29/00")
	r.is("and then", r.asked(), "2/04/1b 50%")
	r.wait(5 * time.Second)
	r.is("at the end", r.cdb("00"), "good")
}

// TestSanitizeBlocking: without IMMED the answer is the end, and others are answered meanwhile.
func TestSanitizeBlocking(t *testing.T) {
	for line, want := range map[string]string{"": "good", "lie": "good", "fail-at=50": "3/31/03", "forget": "good", "hang": "never"} {
		r := newRig(t, "sanitize=block "+line)
		o := r.begin(blockWait)
		if line == "hang" {
			r.is("a drive that hangs", words(o), want)
			r.is("and to anything else", r.cdb("00"), want)
			continue
		}
		if line == "" {
			r.wait(time.Second)
			r.is("meanwhile", r.asked(), "2/04/1b 9%")
		}
		r.is(line, words(r.ended(o)), want)
	}
	r := newRig(t, "sanitize=block lie-progress")
	r.is("without end", words(r.ended(r.begin(blockWait))), "waits")
}

// TestWaysToBeWrong: what a drive says, and what it has done.
func TestWaysToBeWrong(t *testing.T) {
	for _, test := range []struct {
		line, early, late string
		old               int
	}{
		{"lie", "2/04/1b 50%", "0/00/00", rigSize},
		{"lie-half", "2/04/1b 50%", "0/00/00", rigSize / 2},
		{"lie-progress", "2/04/1b 50%", "2/04/1b 98%", 656},
		{"forget", "0/00/00", "0/00/00", rigSize},
		{"forget=erased", "0/00/00", "0/00/00", 0},
		{"other", "2/04/04 50%", "0/00/00", rigSize},
		{"fail", "2/04/1b 50%", "3/31/03", 0},
		{"fail-at=50", "3/31/03", "3/31/03", rigSize / 2},
		{"drop-status=sense", "0/00/00", "0/00/00", 0},
		{"took=0s", "0/00/00", "0/00/00", 0},
	} {
		r := newRig(t, "sanitize=block "+test.line)
		r.is(test.line, r.cdb(blockImmed), "good")
		r.wait(5 * time.Second)
		r.is(test.line+", early", r.asked(), test.early)
		r.wait(20 * time.Second)
		r.is(test.line+", late", r.asked(), test.late)
		if got := r.old(); got != test.old {
			t.Errorf("%s: %d bytes are old, want %d", test.line, got, test.old)
		}
	}
}

// TestFailedSanitize: the state is left only by a sanitize that succeeds, or as AUSE allowed.
func TestFailedSanitize(t *testing.T) {
	r := newRig(t, "sanitize=block fail-at=10")
	fail := func(cdb string) {
		t.Helper()
		r.is("sanitize", r.cdb(cdb), "good")
		r.wait(10 * time.Second)
	}
	fail(blockImmed)
	r.is("READ", r.cdb("28000000000000000100"), "3/31/03")
	r.is("FORMAT UNIT", r.cdb("040000000000"), "3/31/03")
	r.is("exit without AUSE", r.cdb(exitMode), "5/24/00")
	r.disk.PowerCycle()
	r.cdb("00")
	r.is("after a power cycle", r.cdb("00"), "3/31/03")
	fail("48a20000000000000000")
	r.is("exit with AUSE", r.cdb(exitMode), "good")
	r.is("READ", r.cdb("28000000000000000000"), "good")
	r.is("exit without failure", r.cdb(exitMode), "good")
}

func TestSanitizeRefused(t *testing.T) {
	r := newRig(t, "sanitize=block,overwrite")
	for what, test := range map[string]struct{ cdb, out, want string }{
		"what it cannot":       {cryptoImmed, "", "5/24/00"},
		"block with a list":    {"48820000000000000800", "0100000400000000", "5/24/00"},
		"overwrite without":    {"48810000000000000000", "", "5/24/00"},
		"list too long":        {"48810000000000020500", "01000004", "5/24/00"},
		"list not sent":        {"48810000000000000800", "0100", "5/1a/00"},
		"no passes":            {"48810000000000000800", "0000000400000000", "5/26/00"},
		"no pattern":           {"48810000000000000800", "0100000000000000", "5/26/00"},
		"more pattern than is": {"48810000000000000800", "0100000500000000", "5/26/00"},
		"a test pattern":       {"48810000000000000800", "2100000400000000", "5/26/00"},
	} {
		out, _ := hex.DecodeString(test.out)
		r.is(what, r.cdb(test.cdb, out...), test.want)
	}
	r.is("a drive without", newRig(t, "").cdb(blockImmed), "5/20/00")
	r.is("a drive that refuses", newRig(t, "sanitize=block refuse").cdb(blockImmed), "5/20/00")
	r.is("a drive that is protected", newRig(t, "sanitize=block read-only").cdb(blockImmed), "7/27/00")
	if got := r.old(); got != rigSize {
		t.Errorf("refused commands erased %d bytes", rigSize-got)
	}
}

// TestOverwritePattern: each block begins with the first byte of the pattern, and the last pass is not inverted.
func TestOverwritePattern(t *testing.T) {
	for _, count := range []byte{0x01, 0x82, 0x83} {
		r := newRig(t, "sanitize=overwrite took=0s")
		r.is("overwrite", r.cdb("48810000000000000700", count, 0, 0, 3, 0xa, 0xb, 0xc), "good")
		b := r.medium.Bytes()
		if got := hex.EncodeToString(b[508:516]); got != "0b0c0a0b"+"0a0b0c0a"[:8] && got != "0a0b0c0a0a0b0c0a" && b[512] != 0x0a {
			t.Errorf("count %02x: %s at the border of two blocks", count, got)
		}
		if b[0] != 0xa || b[512] != 0xa || b[513] != 0xb || b[511] != 0xb {
			t.Errorf("count %02x: %x, %x", count, b[:4], b[511:515])
		}
	}
}

// TestVanish: the drive tells it once, and is no unit any more until it is plugged in again.
func TestVanish(t *testing.T) {
	r := newRig(t, "sanitize=block vanish=30")
	r.cdb(blockImmed)
	if first, second := r.wait(4*time.Second), r.wait(time.Second); first != erase.Vanished || second != erase.None {
		t.Errorf("events %d, %d", first, second)
	}
	r.is("gone", r.cdb("120000006000"), "5/25/00")
	r.disk.PowerCycle()
	if r.begin("120000006000").Status != 0 {
		t.Error("it does not come back")
	}
}
