package ata

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"wiped/cmd/drivesim/target"
)

func TestIdentify(t *testing.T) {
	r := newRig(t, "serial=hex:4142ff model=DISK sanitize=crypto security physical=4096 took=7m")
	o := r.ata(0xec, 0, 1, 0, nil)
	var sum byte
	for _, b := range o.Data {
		sum += b
	}
	if sum != 0 || o.Data[510] != 0xa5 {
		t.Error("the checksum is wrong")
	}
	if got := hex.EncodeToString(o.Data[20:24]); got != "424120ff" { // the first of each pair is the upper byte
		t.Errorf("serial %s", got)
	}
	for i, want := range map[int]uint16{59: 0x3510, 89: 4, 90: 4, 92: 0xfffe, 106: 0x6003, 128: 0x21, 217: 1} {
		if got := r.word(i); got != want {
			t.Errorf("word %d is %04x, want %04x", i, got, want)
		}
	}
	large := newRig(t, "sector=4096 size=1M")
	if large.word(106) != 0x5000 || large.word(117) != 2048 || large.word(100) != 256 {
		t.Error("4096-byte sectors")
	}
}

// TestPassThrough: 12 and 16 bytes, with and without registers, and what is not a command.
func TestPassThrough(t *testing.T) {
	r := newRig(t, "")
	for what, test := range map[string]struct {
		cdb string
		ok  bool
	}{
		"IDENTIFY(16)":            {"85080e0000000100000000000000ec00", true},
		"IDENTIFY(12)":            {"a1080e00010000000000ec0000000000"[:18] + "ec0000", true},
		"with registers":          {"85082e0000000100000000000000ec00", true},
		"no length":               {"8508000000000100000000000000ec00", false},
		"length 0":                {"85080e0000000000000000000000ec00", false},
		"to the drive":            {"850a060000000100000000000000ec00", false},
		"no protocol":             {"851e0e0000000100000000000000ec00", false},
		"bytes, and not enough":   {"85080a0000000100000000000000ec00", true}, // one byte
		"what the drive does not": {"85062000000000000000000000009900", false},
	} {
		o := r.send(test.cdb, nil)
		ok := len(o.Data) > 0
		if ok != test.ok {
			t.Errorf("%s: %s", what, told(o))
		}
	}
	r.is("a command that there is not", r.non(0x99, 0, 0, 0), refusal)
	r.is("READ SECTORS EXT", registers(r.ata(0x24, 0, 1, 3, nil)), fine)
	r.is("past the end", r.non(0x24, 0, 1, rigSectors), "51 10 0000 100")
	r.is("WRITE SECTORS EXT", registers(r.ata(0x34, 0, 1, 3, []byte(strings.Repeat("NEW!", 128)))), fine)
	if b := r.medium.Bytes(); string(b[3*512:3*512+4]) != "NEW!" {
		t.Error("the write did not arrive")
	}
	bad := newRig(t, "bad=5")
	bad.is("a bad sector", bad.non(0x24, 0, 4, 3), "51 40 0000 5")
	bad.is("by SCSI", bad.scsi("28000000000300000400"), "3/11/00")
}

// TestFixedSense: the upper half of Count is lost, and that it was not zero is all that can be told. The second layout is where
// libata had it before Linux 6.11.
func TestFixedSense(t *testing.T) {
	for line, want := range map[string]string{
		"fixed-sense":     "f00001" + "00504000" + "0a" + "c0060000" + "001d00000000",
		"fixed-sense=old": "70000100000000" + "0a" + "00504000" + "001d0000" + "c0060000",
	} {
		r := newRig(t, "sanitize=block "+line)
		r.non(0xb4, blockErase, 0, blockKey)
		r.wait(time.Millisecond)
		r.is(line, hex.EncodeToString(r.ata(0xb4, 0, 0, 0, nil).Sense), want)
	}
}

func TestHealth(t *testing.T) {
	r := newRig(t, "")
	r.is("good", r.non(0xb0, 0xda, 0, smartKey<<8), "50 00 0000 c24f00")
	r.is("without the key", r.non(0xb0, 0xda, 0, 0), refusal)
	failing := newRig(t, "failing")
	failing.is("failing", failing.non(0xb0, 0xda, 0, smartKey<<8), "50 00 0000 2cf400")
	for _, feature := range []uint16{0xd0, 0xd1} {
		var sum byte
		for _, b := range r.ata(0xb0, feature, 1, smartKey<<8, nil).Data {
			sum += b
		}
		if sum != 0 {
			t.Errorf("feature %02x: the checksum is wrong", feature)
		}
	}
	for what, test := range map[string]struct {
		lba  uint64
		want byte
	}{"directory": {0, 1}, "identify": {0x30 | 1<<8, 0x40}, "list": {0x30, 1}} {
		if o := r.ata(0x2f, 0, 1, test.lba, nil); len(o.Data) != 512 || o.Data[0] != test.want {
			t.Errorf("log %s: %s", what, told(o))
		}
	}
	r.is("no log", r.non(0x2f, 0, 1, 0x99), refusal)
}

func TestTranslation(t *testing.T) {
	r := newRig(t, "serial=S model=M firmware=ABCDEFGH wwn=5000c500a1b2c3d4")
	standard := "good 000006025b000002" + hex.EncodeToString([]byte("ATA     M               EFGH"))
	if got := told(r.send("120000006000", nil)); !strings.HasPrefix(got, standard) {
		t.Errorf("INQUIRY: %s", got)
	}
	if got := told(r.send("12018000ff00", nil)); got != "good 00800014"+hex.EncodeToString(target.Pad([]byte("S"), 20)) {
		t.Errorf("serial: %s", got)
	}
	if o := r.send("1201890400", nil); len(o.Data) != 572 || o.Data[56] != 0xec || o.Data[3] != 0x38 {
		t.Errorf("ATA information: %d bytes", len(o.Data))
	}
	r.is("capacity", r.scsi("25000000000000000000"), "good 000000ff00000200")
	r.is("flush", r.scsi("35000000000000000000"), "good")
	r.is("SANITIZE is not translated", r.scsi(blockImmedSCSI), "5/20/00")
	r.is("nor another service action", r.scsi("9e110000000000000000000000200000"), "5/24/00")
	r.is("write", r.scsi("2a000000000100000100", []byte(strings.Repeat("NEW!", 128))...), "good")
	r.is("caching page", r.scsi("1a0808001800")[:13], "good 17000000")
}

const blockImmedSCSI = "48820000000000000000"

// FuzzDrive: whatever comes in, at whatever time, the firmware answers in form.
func FuzzDrive(f *testing.F) {
	f.Add(byte(0), []byte{0x85, 0x06, 0x20, 0, 0x12, 0, 0, 0x42, 0x72, 0, 0x45, 0, 0x6b, 0x40, 0xb4}, []byte{}, uint16(100))
	f.Add(byte(1), []byte{0x85, 0x0a, 0x26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xf1}, make([]byte, 512), uint16(9000))
	f.Add(byte(2), []byte{0xa1, 0x08, 0x0e, 0, 1, 0, 0, 0, 0, 0xec}, []byte{}, uint16(0))
	f.Add(byte(3), []byte{0x85, 0x09, 0x0e, 0, 0, 0, 1, 0, 0x30, 0, 6, 0, 0, 0x40, 0x2f}, []byte{}, uint16(0))
	lines := []string{"sanitize=block,crypto,overwrite dco=16K", "power-loss=50 sanitize=overwrite security",
		"fixed-sense hpa=16K fail-at=50 security sanitize=block",
		"bad=1,255 locked=x attempts=0 fixed-sense=old", "hang sanitize=block", "vanish=10 sanitize=crypto vpd-truncated ama=16K",
		"claims=7E other drop-status=sense,count sector=4096 size=1M"}
	f.Fuzz(func(t *testing.T, which byte, cdb, out []byte, wait uint16) {
		r := newRig(t, lines[int(which)%len(lines)])
		for range 2 {
			o := r.ended(r.drive.Do(target.Command{CDB: cdb, Out: out, Room: 4096}))
			if o.Status != target.Good && (o.Status != target.CheckCondition || len(o.Sense) < 8) {
				t.Errorf("%x: %+v", cdb, o)
			}
			r.wait(time.Duration(wait) * time.Millisecond)
			r.send("030000001200", nil)
			r.drive.PowerCycle()
			_ = r.drive.State()
		}
	})
}
