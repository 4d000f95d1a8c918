package scsi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

func TestSpeaks(t *testing.T) {
	for _, test := range []struct {
		name, vendor string
		want         bool
	}{
		{"sda", "SEAGATE", true}, {"sdaa", "LIO-ORG", true}, {"sdb", "", true}, {"sdc", "JMicron", true},
		{"sda", "ATA", false}, {"sd", "X", false}, {"sda1", "X", false}, {"sr0", "X", false}, {"nvme0n1", "", false}, {"vda", "", false},
		{"mmcblk0", "", false},
		{"loop0", "", false}, {"", "", false},
	} {
		if got := (Set{}).Speaks(drive.Node{Info: drive.Info{Name: test.name, Vendor: test.vendor}}); got != test.want {
			t.Errorf("Speaks(%s of %q) = %v; want %v", test.name, test.vendor, got, test.want)
		}
	}
}

// Everything that an honest SAS disk answers.
func TestAsk(t *testing.T) {
	f := sasDisk()
	f.descriptors = true
	f.attentions = []triple{wasReset}
	turns := true
	got, err := ask(f, drive.Node{Info: drive.Info{Name: "sdb", Serial: "ZC18ABCD0000C1234567", WWN: "0x5000c500a1b2c3d4", Size: 4000787030016}})
	want := drive.Answers{
		Set:      "SCSI",
		Identity: drive.Identity{Vendor: "SEAGATE", Model: "ST4000NM0025", Firmware: "N003", Serial: "ZC18ABCD0000C1234567", WWN: "0x5000c500a1b2c3d4"},
		Facts: []drive.Fact{
			{Name: "standard", Value: "SPC-4", Source: "INQUIRY"},
			{Name: "longest transfer", Value: "16384 sectors", Source: "VPD page B0h"},
			{Name: "rotation", Value: "7200 rpm", Source: "VPD page B1h"},
			{Name: "form factor", Value: "3.5 inch", Source: "VPD page B1h"},
			{Name: "capacity", Value: "4000787030016 bytes", Source: "READ CAPACITY (16)"},
			{Name: "sector", Value: "512 bytes", Source: "READ CAPACITY (16)"},
			{Name: "physical sector", Value: "4096 bytes", Source: "READ CAPACITY (16)"},
			{Name: "protection", Value: "type 1, 1 intervals a sector", Source: "READ CAPACITY (16)"},
		},
		Abilities: []drive.Ability{{Action: drive.SanitizeBlock}, {Action: drive.SanitizeOverwrite}, {Action: drive.SanitizeCrypto},
			{Action: drive.FormatUnit}},
		Sector: 512, Rotational: &turns,
		HiddenWhy: "SCSI drives do not say whether their capacity was reduced",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ask = %+v, %v;\nwant %+v", got, err, want)
	}
	checkLog(t, f.changed())
	for _, c := range f.log {
		if c.Timeout > askTime || c.Out != nil {
			t.Errorf("command % x has %v and sends %d bytes; want at most 5 s and none", c.CDB, c.Timeout, len(c.Out))
		}
	}
	for _, cdb := range [][]byte{
		{0x12, 0, 0, 0, 36, 0}, {0x12, 1, 0x83, 0, 252, 0}, {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0}, {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 252, 0},
		{0x03, 0, 0, 0, 252, 0}, {0, 0, 0, 0, 0, 0}, {0xa3, 0x0c, 2, 0x48, 0, 2, 0, 0, 0, 252, 0, 0}, {0xa3, 0x0c, 1, 0x04, 0, 0, 0, 0, 0, 252, 0, 0},
	} {
		found := false
		for _, c := range f.sent(cdb[0]) {
			found = found || string(c.CDB) == string(cdb)
		}
		if !found {
			t.Errorf("% x was not asked", cdb)
		}
	}
}

// value finds a fact by its name.
func value(a drive.Answers, name string) string {
	var all []string
	for _, f := range a.Facts {
		if f.Name == name {
			all = append(all, f.Value)
		}
	}
	return strings.Join(all, " | ")
}

// What drives are, do and suffer, each as a difference to the honest disk.
func TestAskVariants(t *testing.T) {
	why := func(a drive.Answers, action drive.Action) string {
		ability, ok := a.Ability(action)
		if !ok {
			return "missing"
		}
		return ability.Why
	}
	refusedAll := &triple{sg.IllegalRequest, 0x20, 0}
	for _, test := range []struct {
		what  string
		drive func(*fake)
		see   func(drive.Answers) string
		want  string
	}{
		{"520-byte sectors", func(f *fake) { f.cap16 = size16(7814037168, 520) },
			func(a drive.Answers) string { return value(a, "sector") + "; " + value(a, "next format") },
			"520 bytes, which Linux can neither read nor write; format it to 512; to sectors of 512 bytes"},
		{"528-byte sectors, READ CAPACITY (10) only", func(f *fake) { f.cap16, f.cap10 = nil, []byte{0, 0, 0xff, 0xff, 0, 0, 2, 0x10} },
			func(a drive.Answers) string { return value(a, "capacity") + "; " + value(a, "sector") },
			"34603008 bytes; 528 bytes, which Linux can neither read nor write; format it to 512"},
		{"solid state, fails after a sanitize", func(f *fake) { f.pages[0xb1] = vpd(0xb1, 0, 1, 0, 0xd3, 0) },
			func(a drive.Answers) string {
				return strings.Join([]string{value(a, "rotation"), value(a, "form factor"), value(a, "reading after sanitize-block"),
					value(a, "reading after sanitize-crypto")}, "; ")
			}, "none: solid state; 2.5 inch; fails until it is written; gives anything, without an error"},
		{"solid state, fails after a sanitize, and says so with the method", func(f *fake) { f.pages[0xb1] = vpd(0xb1, 0, 1, 0, 0xd3, 0) },
			func(a drive.Answers) string {
				block, _ := a.Ability(drive.SanitizeBlock)
				crypto, _ := a.Ability(drive.SanitizeCrypto)
				return fmt.Sprintf("%.50s; %q", block.Warn, crypto.Warn)
			}, `afterwards no sector can be read until it is writt; ""`},
		{"host-managed", func(f *fake) {
			f.inquiry[0] = 0x14
			f.pages[0] = vpd(0, 0, 0xb6)
			f.pages[0xb6] = vpd(0xb6, append([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 128}, make([]byte, 44)...)...)
			f.cap16 = size16(1000, 4096, 0, 0)
		}, func(a drive.Answers) string {
			return value(a, "zoned") + "; " + value(a, "zones open at once") + "; " + value(a, "capacity counts")
		}, "host-managed; at most 128; the conventional zones only"},
		{"host-aware, by two pages", func(f *fake) {
			f.pages[0] = vpd(0, 0, 0xb1, 0xb6)
			f.pages[0xb1], f.pages[0xb6] = vpd(0xb1, 0x1c, 0x20, 0, 0, 0x10), vpd(0xb6, 0x10)
			f.cap16 = size16(1000, 4096, 0x10, 0)
		}, func(a drive.Answers) string { return value(a, "zoned") + "; " + value(a, "capacity counts") }, "host-aware | host-aware; "},
		{"thin", func(f *fake) {
			f.pages[0xb2] = vpd(0xb2, 0, 0xe4, 2, 0)
		}, func(a drive.Answers) string { return value(a, "provisioning") + "; " + value(a, "unmaps by") },
			"thin; UNMAP, WRITE SAME (16), WRITE SAME (10)"},
		{"sector sizes", func(f *fake) {
			f.pages[0] = vpd(0, 0, 0xb4)
			f.pages[0xb4] = vpd(0xb4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 8, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 16)
		}, func(a drive.Answers) string { return value(a, "can be formatted to sectors of") }, "512, 520 bytes"},
		{"write protected", func(f *fake) { f.modes[3] = 0x90 }, func(a drive.Answers) string { return value(a, "write protected") }, "yes"},
		{"sanitizing", func(f *fake) { f.running, f.looks = inSanitize, 2 },
			func(a drive.Answers) string {
				return a.Busy + "; " + why(a, drive.SanitizeBlock) + "; " + why(a, drive.FormatUnit)
			},
			"sanitizing, 25 % done; it is busy with itself: sanitizing, 25 % done; it is busy with itself: sanitizing, 25 % done"},
		{"formatting", func(f *fake) { f.running, f.looks, f.onlyTUR = inFormat, 2, true }, func(a drive.Answers) string { return a.Busy },
			"formatting, 25 % done"},
		{"sanitizing, and says not how far", func(f *fake) {
			f.refuse = map[byte]triple{3: noCommand, 0: {sg.NoSense, 0x04, 0x1b}}
			f.descriptors = true
		},
			func(a drive.Answers) string { return a.Busy }, "sanitizing"},
		{"a sanitize failed", func(f *fake) { f.failed = true },
			func(a drive.Answers) string {
				return value(a, "sanitize") + "; " + why(a, drive.SanitizeBlock) + a.Problem
			},
			"the last one failed (sense 3/31/03); the drive takes nothing but another one; "},
		{"a sanitize failed, nothing else is answered", func(f *fake) { f.failed, f.noRSOC = true, &failedOnce },
			func(a drive.Answers) string {
				return why(a, drive.SanitizeBlock) + why(a, drive.SanitizeCrypto) + why(a, drive.FormatUnit)
			},
			"its last sanitize failed, and until one succeeds it takes no other command"},
		{"format corrupt", func(f *fake) { f.refuse = map[byte]triple{0: badFormat} },
			func(a drive.Answers) string { return a.Problem + "; " + why(a, drive.FormatUnit) }, "its format is not complete (sense 3/31/00): format it anew; "},
		{"format lost power", func(f *fake) {
			f.cap16, f.cap10, f.corrupted, f.reports = nil, nil, true, []triple{badFormat, badFormat}
		}, func(a drive.Answers) string { return fmt.Sprint(a.Sector, " ", a.Unformatted) }, "512 its format is not complete (sense 3/31/00)"},
		{"format lost power, which only READ CAPACITY says", func(f *fake) { f.refuse = map[byte]triple{0x9e: badFormat, 0x25: badFormat} },
			func(a drive.Answers) string { return fmt.Sprint(a.Sector, " ", a.Problem) }, "512 its format is not complete (sense 3/31/00): format it anew"},
		{"not ready, sectors as they will be", func(f *fake) {
			f.refuse = map[byte]triple{0: {sg.NotReady, 0x04, 0x01}, 0x9e: {sg.NotReady, 0x04, 0x01}}
		},
			func(a drive.Answers) string { return fmt.Sprint(a.Sector, a.Unformatted) }, "512"},
		{"does not say whether it turns", func(f *fake) { f.pages[0xb1] = vpd(0xb1, 0, 0, 0, 0, 0) },
			func(a drive.Answers) string { return fmt.Sprint(a.Rotational == nil) }, "true"},
		{"does not turn", func(f *fake) { f.pages[0xb1] = vpd(0xb1, 0, 1, 0, 0, 0) },
			func(a drive.Answers) string { return fmt.Sprint(*a.Rotational) }, "false"},
		{"stopped", func(f *fake) { f.refuse = map[byte]triple{0: {sg.NotReady, 0x04, 0x02}} },
			func(a drive.Answers) string { return value(a, "condition") }, "not ready: sense 2/04/02"},
		{"condition unknown", func(f *fake) { f.status = map[byte]byte{0: sg.Busy} }, func(a drive.Answers) string { return value(a, "condition") },
			"unknown: TEST UNIT READY: status 08h"},
		{"no sanitize", func(f *fake) {
			f.support = map[[2]byte]byte{{0x48, 1}: notSupported, {0x48, 2}: vendorOnly, {0x48, 3}: notNow, {0x04, 0}: 4}
		},
			func(a drive.Answers) string {
				return why(a, drive.SanitizeOverwrite) + "; " + why(a, drive.SanitizeBlock) + "; " + why(a, drive.SanitizeCrypto) + "; " + why(a, drive.FormatUnit)
			}, "it does not have the command SANITIZE (overwrite); its command SANITIZE (block erase) is the manufacturer's own, not the standard's; " +
				"it cannot say at the moment whether it has the command SANITIZE (cryptographic erase); what it says of the command FORMAT UNIT makes no sense"},
		{"does not say its commands", func(f *fake) { f.noRSOC = refusedAll },
			func(a drive.Answers) string {
				return why(a, drive.SanitizeBlock) + "; " + why(a, drive.SanitizeCrypto) + "; " + why(a, drive.FormatUnit) + "; " + value(a, "format-unit")
			}, "it does not say which commands it has (REPORT SUPPORTED OPERATION CODES refused); it does not say which commands it has " +
				"(REPORT SUPPORTED OPERATION CODES refused); ; taken to be there: it does not say which commands it has, and every disk must have it"},
		{"does not say its commands, zoned", func(f *fake) { f.noRSOC, f.inquiry[0] = &badField, 0x14 },
			func(a drive.Answers) string { return why(a, drive.FormatUnit) },
			"it does not say which commands it has (REPORT SUPPORTED OPERATION CODES refused)"},
		{"sense swallowed", func(f *fake) { f.swallow, f.noRSOC = true, refusedAll },
			func(a drive.Answers) string { return why(a, drive.SanitizeBlock) },
			"it does not say which commands it has (REPORT SUPPORTED OPERATION CODES refused)"},
		{"not ready to say its commands", func(f *fake) { f.noRSOC = &triple{sg.NotReady, 0x04, 0x01} },
			func(a drive.Answers) string { return why(a, drive.SanitizeBlock) + "; " + why(a, drive.FormatUnit) },
			"it is not ready to say which commands it has (sense 2/04/01); it is not ready to say which commands it has (sense 2/04/01)"},
		{"loses what it says of its commands", func(f *fake) { f.lose = map[byte]bool{0xa3: true} },
			func(a drive.Answers) string { return why(a, drive.FormatUnit) + "; " + a.Problem },
			"it did not answer which commands it has; it stopped answering: no answer (host status 03h, driver status 00h)"},
		{"not a disk", func(f *fake) { f.inquiry[0] = 0x05 }, func(a drive.Answers) string { return a.Problem + fmt.Sprint(len(a.Abilities)) },
			"it is no disk by what it says (peripheral device type 05h)0"},
		{"nothing behind it", func(f *fake) { f.inquiry[0] = 0x20 }, func(a drive.Answers) string { return a.Problem },
			"it is no disk by what it says (peripheral device type 00h)"},
		{"says nothing", func(f *fake) { f.inquiry = nil }, func(a drive.Answers) string { return a.Problem + a.Identity.Model },
			"it is no disk by what it says (peripheral device type 1fh)"},
		{"a bridge that knows only one INQUIRY", func(f *fake) {
			for code := range f.pages {
				f.pages[code] = f.inquiry
			}
		}, func(a drive.Answers) string { return fmt.Sprint(a.Identity) }, "{SEAGATE ST4000NM0025 N003  }"},
		{"pages cut short, and lying about their length", func(f *fake) {
			f.pages[0] = f.pages[0][:8] // page 83h is still listed, those behind it are not
			f.pages[0x80] = f.pages[0x80][:10]
			f.pages[0x83] = f.pages[0x83][:15]
		}, func(a drive.Answers) string { return fmt.Sprint(a.Identity) + value(a, "rotation") }, "{SEAGATE ST4000NM0025 N003 ZC18AB }"},
		{"hostile text", func(f *fake) {
			f.inquiry = standard(0, 6, false, "\x1b[2J\xff\x00\n", "A\u202eB", "\x80")
			f.pages[0x80] = vpd(0x80, []byte("\x1b]0;X\x07")...)
		}, func(a drive.Answers) string { return fmt.Sprint(a.Identity) }, `{\x1b[2J\xff A\u202eB \x80 \x1b]0;X\a 0x5000c500a1b2c3d4}`},
		{"a serial as a station makes it", func(f *fake) { f.pages[0x80] = vpd(0x80, []byte("~loop-1")...) },
			func(a drive.Answers) string { return a.Identity.Serial }, ""},
		{"a long identification page", func(f *fake) {
			page := []byte{2, 1, 0, 240}
			page = append(append(page, make([]byte, 240)...), 1, 3, 0, 8, 0x50, 1, 2, 3, 4, 5, 6, 7)
			f.pages[0x83] = vpd(0x83, page...)
		}, func(a drive.Answers) string { return a.Identity.WWN }, "0x5001020304050607"},
		{"all units at once", func(f *fake) { f.support = map[[2]byte]byte{{0x48, 2}: allUnits<<5 | asStandard} },
			func(a drive.Answers) string {
				ability, _ := a.Ability(drive.SanitizeBlock)
				return fmt.Sprint(ability.Reaches)
			},
			"[{ the other logical units of the drive, if it has any}]"},
	} {
		f := sasDisk()
		test.drive(f)
		a, err := ask(f, drive.Node{})
		if got := test.see(a); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.what, got, err, test.want)
		}
		checkLog(t, f.changed())
	}
}

// The system sees less of the drive than there is, or more.
func TestReached(t *testing.T) {
	const all = 7814037168 * 512
	for _, test := range []struct {
		what    string
		seen    int64
		drive   func(*fake)
		want    int64 // bytes that are not reached
		problem string
	}{
		{what: "all", seen: all},
		{what: "not known"},
		{what: "less", seen: all - 4096, want: 4096},
		{what: "a bridge that cuts at 2 TiB", seen: 1 << 41, want: all - 1<<41},
		{what: "more", seen: all + 512,
			problem: "it says that it has 4000787030016 bytes, and the system sees 4000787030528: it is not, or not any more, this drive"},
		{what: "less, of a translation", seen: all - 4096, drive: func(f *fake) { f.pages[0] = vpd(0, 0, 0x80, 0x89) }, want: 4096},
		{what: "520-byte sectors", drive: func(f *fake) { f.cap16 = size16(7814037168, 520) }},
		{what: "no READ CAPACITY", seen: 512, drive: func(f *fake) { f.cap16 = nil }},
		{what: "formatting", seen: 512, drive: func(f *fake) { f.running, f.looks, f.onlyTUR = inFormat, 2, true }},
		{what: "sanitizing", seen: 512, drive: func(f *fake) { f.running, f.looks = inSanitize, 2 }},
		{what: "format corrupt", seen: 512, drive: func(f *fake) { f.refuse = map[byte]triple{0: badFormat} },
			problem: "its format is not complete (sense 3/31/00): format it anew"},
		{what: "zoned, only the conventional zones counted", seen: all, drive: func(f *fake) { f.inquiry[0], f.cap16 = 0x14, size16(1000, 4096, 0, 0) }},
		{what: "zoned, all counted", seen: 512, drive: func(f *fake) { f.inquiry[0], f.cap16 = 0x14, size16(1000, 4096, 0x10, 0) }, want: 1000*4096 - 512},
		{what: "zoned, by the older question", seen: all, drive: func(f *fake) { f.inquiry[0], f.cap16, f.cap10 = 0x14, nil, []byte{0, 0, 1, 0, 0, 0, 2, 0} }},
	} {
		f := sasDisk()
		if test.drive != nil {
			test.drive(f)
		}
		a, err := ask(f, drive.Node{Info: drive.Info{Size: test.seen}})
		var want []drive.Hidden
		if test.want > 0 {
			want = []drive.Hidden{{Kind: "area that the system does not reach", Bytes: test.want, Why: fmt.Sprintf("the system sees only %d bytes of the drive", test.seen),
				Next: "attach it without the bridge, or unplug it and plug it in again"}}
		}
		if err != nil && !errors.Is(err, drive.ErrTranslated) || !reflect.DeepEqual(a.Hidden, want) || a.Problem != test.problem {
			t.Errorf("%s: %+v, problem %q, %v; want %+v, %q", test.what, a.Hidden, a.Problem, err, want, test.problem)
		}
		if (a.Another != "") != strings.Contains(test.problem, "this drive") {
			t.Errorf("%s: another drive: %q", test.what, a.Another)
		}
	}
}

// Behind a bridge both its names and the drive's are there.
func TestOwnNames(t *testing.T) {
	a, err := ask(sasDisk(), drive.Node{Info: drive.Info{Serial: "BRIDGE 7", SerialSource: "USB descriptor"}})
	if got := value(a, "drive's own serial") + ", " + value(a, "drive's own WWN"); err != nil || got != "ZC18ABCD0000C1234567, 0x5000c500a1b2c3d4" {
		t.Errorf("the drive's own names are %q, %v; want both", got, err)
	}
}

// A drive that does not answer is left alone after two lost answers.
func TestAskSilent(t *testing.T) {
	f := sasDisk()
	f.lose = map[byte]bool{0x12: true}
	if a, err := ask(f, drive.Node{}); err == nil || !reflect.DeepEqual(a, drive.Answers{}) || len(f.log) != 1 {
		t.Errorf("ask of a silent drive = %+v, %v after %d commands; want an error after one", a, err, len(f.log))
	}
	for op := range 256 {
		f := sasDisk()
		f.lose = map[byte]bool{byte(op): true, 0x9e: true}
		if a, _ := ask(f, drive.Node{}); len(f.sent(byte(op)))+len(f.sent(0x9e)) > 2 {
			t.Errorf("answers to %02xh and 9Eh are lost: %d and %d of them were sent; want 2 in all: %+v", op, len(f.sent(byte(op))), len(f.sent(0x9e)), a)
		}
	}
}

// printable tells whether nothing in a value could move a cursor.
func printable(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) || strings.ContainsFunc(v.String(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q does not print", v.String())
		}
	case reflect.Struct:
		for n := range v.NumField() {
			printable(t, v.Field(n))
		}
	case reflect.Slice:
		for n := range v.Len() {
			printable(t, v.Index(n))
		}
	}
}

func TestModes(t *testing.T) {
	long := append([]byte{0, 22, 0, 0x80, 1, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, 4096)...)
	for _, test := range []struct {
		b    []byte
		want modes
	}{
		{[]byte{0, 14, 0, 0, 0, 0, 0, 8, 0, 0, 0, 9, 0xff, 0, 2, 8}, modes{sector: 520}},
		{long, modes{protected: true, sector: 4096}},
		{long[:23], modes{protected: true}},
		{[]byte{0, 6, 0, 0x10, 0, 0, 0, 0}, modes{}},
		{[]byte{0, 14, 0, 0, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 2}, modes{}},
		{[]byte{0, 14, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 2, 8}, modes{}},
		{[]byte{0, 6, 0, 0x80, 0, 0, 0}, modes{}},
		{nil, modes{}},
	} {
		if got := parseModes(test.b); got != test.want {
			t.Errorf("parseModes(% x) = %+v; want %+v", test.b, got, test.want)
		}
	}
}

// An answer that is cut short, or is to another question, is no yes.
func TestSupport(t *testing.T) {
	block, _ := find(drive.SanitizeBlock)
	whole := []byte{0, 3, 0, 10, 0x48, 0xe2, 0, 0, 0, 0, 0, 0xff, 0xff, 0}
	for _, test := range []struct {
		b    []byte
		want byte
	}{
		{whole, asStandard}, {whole[:13], meaningless}, {whole[:3], meaningless}, {nil, meaningless},
		{[]byte{0, 1, 0, 0}, notSupported}, {[]byte{0, 0, 0, 0}, notNow}, {[]byte{0, 5, 0, 0}, vendorOnly}, {[]byte{0, 3, 0, 0}, meaningless},
		{[]byte{0, 3, 0, 6, 0x04, 0xff, 0, 0, 0, 0}, meaningless},
		{append([]byte{0, 3, 0, 10, 0x04}, make([]byte, 9)...), meaningless},
		{append([]byte{0, 0x83, 0, 10, 0x48}, make([]byte, 21)...), asStandard}, // with a timeout descriptor
	} {
		if got, _ := parseSupport(test.b, block); got != test.want {
			t.Errorf("parseSupport(% x) = %d; want %d", test.b, got, test.want)
		}
	}
}
