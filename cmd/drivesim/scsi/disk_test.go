package scsi

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"wiped/cmd/drivesim/target"
)

func TestReadWrite(t *testing.T) {
	r := newRig(t, "bad=100")
	block := bytes.Repeat([]byte("NEW!"), 128)
	r.is("WRITE(10)", r.cdb("2a000000000700000100", block...), "good")
	r.is("READ(16)", r.cdb("88000000000000000007000000010000"), "good "+hex.EncodeToString(block))
	if got := r.medium.Bytes()[7*512 : 8*512]; !bytes.Equal(got, block) {
		t.Errorf("the medium has %q", got[:8])
	}
	r.is("past the end", r.cdb("28000000007f00000200"), "5/21/00")
	r.is("with protection", r.cdb("28200000000000000100"), "5/24/00")
	r.is("less data than blocks", r.cdb("2a000000000700000200", block...), "5/24/00")
	for what, cdb := range map[string]string{"READ": "28000000006000000800", "WRITE": "2a000000006000000800", "VERIFY": "2f000000006000000800"} {
		o := r.begin(cdb, make([]byte, 8*512)...)
		if sense(o.Sense) != "3/11/00" || o.Sense[0] != 0xf0 || o.Sense[6] != 100 {
			t.Errorf("%s over a bad sector: %x", what, o.Sense)
		}
	}
	if b := r.medium.Bytes(); b[99*512] != 0 || b[100*512] == 0 {
		t.Error("a write is done up to the bad sector")
	}
	ro := newRig(t, "read-only")
	ro.is("a drive that is protected", ro.cdb("2a000000000000000100", block...), "7/27/00")
}

func TestCapacity(t *testing.T) {
	r := newRig(t, "physical=4096")
	r.is("READ CAPACITY(10)", r.cdb("25000000000000000000"), "good 0000007f00000200")
	r.is("READ CAPACITY(16)", r.cdb("9e1000000000000000000000000e0000"), "good 000000000000007f000002000003")
	r.is("another service action", r.cdb("9e110000000000000000000000200000"), "5/24/00")
	big := newRig(t, "claims=20T sector=4096 size=512K")
	big.is("a size that is not true", big.cdb("9e100000000000000000000000080000"), "good 000000013fffffff")
	big.is("where there is nothing", big.cdb("28000100000000000100"), "3/11/00")
}

// TestFormatTo512 is sg_format --size=512: MODE SELECT, FORMAT UNIT, and only at its end another sector.
func TestFormatTo512(t *testing.T) {
	r := newRig(t, "sector=520")
	selected := []byte{0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0}
	r.is("MODE SELECT", r.cdb("55100000000000001000", selected...), "good")
	r.is("before", r.cdb("25000000000000000000"), "good 0000007d00000208")
	r.is("FORMAT UNIT", r.cdb("041800000000", 0, 2, 0, 0), "good")
	r.wait(5 * time.Second)
	r.is("half way", r.asked(), "2/04/04 50%")
	r.wait(5 * time.Second)
	r.is("after", r.cdb("25000000000000000000"), "good 0000007e00000200")
	if got := r.old(); got != 0 {
		t.Errorf("%d bytes are old", got)
	}
	for what, size := range map[string]byte{"513 bytes": 1, "768 bytes": 0} {
		selected[14], selected[15] = 2+1-size, size
		r.is(what, r.cdb("55100000000000001000", selected...), "5/26/00")
	}
}

// TestFormatInterrupted: what did not come to its end has no valid format, until the next one.
func TestFormatInterrupted(t *testing.T) {
	for line, want := range map[string]string{"power-loss=50": "3/31/00", "fail-at=50": "3/31/01"} {
		r := newRig(t, line+" sanitize=block on=format")
		r.is("FORMAT UNIT", r.cdb("041000000000", 0, 2, 0, 0), "good")
		r.wait(6 * time.Second)
		if line == "power-loss=50" {
			r.is("the power", r.cdb("00"), "6/29/00")
		}
		r.is(line, r.cdb("28000000000000000100"), want)
		r.is(line, r.asked(), want)
		r.cdb(blockImmed)
		r.wait(10 * time.Second)
		r.is("after a sanitize", r.cdb("00"), "good")
	}
	r := newRig(t, "fail-at=50")
	r.is("blocking", words(r.ended(r.begin("040000000000"))), "3/31/01")
}

func TestFormatRefused(t *testing.T) {
	r := newRig(t, "")
	for what, test := range map[string]struct{ cdb, out string }{
		"protection information": {"04d000000000", "00000000"}, "fast": {"041000000100", "00020000"}, "no list": {"041000000000", ""},
		"defects": {"041000000000", "00020008"}, "cut pattern": {"041000000000", "0008000000010004"},
		"kind of pattern": {"041000000000", "0008000000020000"},
		"cut long list":   {"043000000000", "0002000000"},
	} {
		out, _ := hex.DecodeString(test.out)
		if got := r.cdb(test.cdb, out...); got[0] != '5' {
			t.Errorf("%s: %s", what, got)
		}
	}
	if got := r.old(); got != rigSize {
		t.Errorf("refused commands erased %d bytes", rigSize-got)
	}
	r.is("with a pattern", r.cdb("041000000000", 0, 0x0a, 0, 0, 0, 1, 0, 2, 0xab, 0xcd), "good")
	r.wait(10 * time.Second)
	if b := r.medium.Bytes(); b[512] != 0xab || b[1023] != 0xcd {
		t.Errorf("the pattern is %x", b[512:516])
	}
}

func TestModePages(t *testing.T) {
	r := newRig(t, "sanitize=block")
	r.is("control page", r.cdb("1a080a002000"), "good 0f0000000a0a00000000000000000000")
	r.is("D_SENSE set", r.cdb("151000001000", append([]byte{0, 0, 0, 0, 0x0a, 10, 4}, make([]byte, 9)...)...), "good")
	r.is("sense is now", r.cdb("ff"), "7205200000000000")
	r.is("another bit", r.cdb("151000001000", append([]byte{0, 0, 0, 0, 0x0a, 10, 8}, make([]byte, 9)...)...), "7205260000000000")
	r.is("a page that is not there", r.cdb("151000000800", 0, 0, 0, 0, 0x19, 2, 0, 0), "7205260000000000")
	r.disk.PowerCycle()
	r.is("after a power cycle", r.cdb("00"), "6/29/00")
}

func TestStopped(t *testing.T) {
	r := newRig(t, "")
	r.is("stop", r.cdb("1b0000000000"), "good")
	r.is("READ", r.cdb("28000000000000000100"), "2/04/02")
	r.is("REQUEST SENSE", r.asked(), "2/04/02")
	r.is("start", r.cdb("1b0000000100"), "good")
	r.is("ready", r.cdb("00"), "good")
}

func TestIdentity(t *testing.T) {
	r := newRig(t, "serial=hex:00ff41 wwn=none vendor=V model=M no-rsoc failing reallocated=3")
	r.is("serial", r.cdb("12018000ff00"), "good 00800003"+"00ff41")
	r.is("pages", r.cdb("12010000ff00"), "good 00000005"+"008083b0b1")
	r.is("no page", r.cdb("12018900ff00"), "5/24/00")
	r.is("list of commands", r.cdb("a30c00000000000010000000"), "5/20/00")
	r.is("health", r.cdb("4d006f000000000040")[:25], "good 2f000008"+"00000304"+"5d00")
	r.is("grown defects", r.cdb("37000d00000000000400"), "good 000d0018")
	r.is("LUNs", r.cdb("a00000000000000000100000"), "good 00000008000000000000000000000000")
	r.is("no command", r.cdb("85"), "5/20/00")
	cut := newRig(t, "vpd-truncated serial=12345678")
	cut.is("half of a page", cut.cdb("12018000ff00"), "good 00800008"+"3132")
}

// FuzzDisk: whatever comes in, at whatever time, the firmware answers in form and the clock alone brings it on.
func FuzzDisk(f *testing.F) {
	f.Add(byte(0), []byte{0x48, 0x82}, []byte{}, uint16(100))
	f.Add(byte(1), []byte{0x04, 0x18, 0, 0, 0, 0}, []byte{0, 2, 0, 0}, uint16(9000))
	f.Add(byte(2), []byte{0x55, 0x10, 0, 0, 0, 0, 0, 0, 16, 0}, []byte{0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 8}, uint16(0))
	f.Add(byte(3), []byte{0x88, 0, 0, 0, 0, 0, 0, 0, 0, 127, 0, 0, 0, 1}, []byte{}, uint16(0))
	lines := []string{"sanitize=block,crypto,overwrite", "power-loss=50 sanitize=overwrite", "sector=520 fail-at=50",
		"bad=1,127 descriptor-sense read-only", "hang sanitize=block",
		"vanish=10 sanitize=crypto vpd-truncated", "claims=7E other"}
	f.Fuzz(func(t *testing.T, which byte, cdb, out []byte, wait uint16) {
		r := newRig(t, lines[int(which)%len(lines)])
		for range 2 {
			o := r.ended(r.disk.Do(target.Command{CDB: cdb, Out: out, Room: 4096}))
			if o.Status != target.Good && (o.Status != target.CheckCondition || len(o.Sense) < 8) || len(o.Data) > maxTransfer {
				t.Errorf("%x: %+v", cdb, o)
			}
			r.wait(time.Duration(wait) * time.Millisecond)
			r.asked()
			r.disk.PowerCycle()
			_ = r.disk.State()
		}
	})
}
