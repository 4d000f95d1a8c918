package mmc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wiped/engine/drive"
)

// tree makes a card in a copy of sysfs, in the shape of Linux 6.1: the folder of the card holds block/mmcblk0 and the RPMB's
// device, and sys/block holds links.
type tree struct {
	t         *testing.T
	card, dev string
	sys       string
}

func newTree(t *testing.T, attrs map[string]string) *tree {
	t.Helper()
	root := t.TempDir()
	tr := &tree{t: t, card: filepath.Join(root, "sys/devices/platform/mmc_host/mmc0/mmc0:0001"), dev: filepath.Join(root, "dev"),
		sys: filepath.Join(root, "sys/block")}
	for _, folder := range []string{tr.dev, tr.sys} {
		tr.folder(folder)
	}
	tr.disk("block/mmcblk0", tr.card)
	for attr, text := range attrs {
		if err := os.WriteFile(filepath.Join(tr.card, attr), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

func (tr *tree) folder(path string) {
	tr.t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) disk(path, parent string) {
	tr.t.Helper()
	path = filepath.Join(tr.card, path)
	tr.folder(path)
	for link, to := range map[string]string{filepath.Join(path, "device"): parent, filepath.Join(tr.sys, filepath.Base(path)): path} {
		if err := os.Symlink(to, link); err != nil {
			tr.t.Fatal(err)
		}
	}
}

func (tr *tree) node() drive.Node {
	return drive.Node{Sys: filepath.Join(tr.sys, "mmcblk0"), Info: drive.Info{Name: "mmcblk0", Path: filepath.Join(tr.dev, "mmcblk0")}}
}

// sdCard is what Linux 6.1 shows of qemu's SD card.
var sdCard = map[string]string{
	"cid": "aa585951454d552101deadbeef006200\n", "csd": "002600325f59e03fffffdfff92600000\n", "date": "02/2006\n", "dsr": "0x404\n",
	"erase_size": "512\n", "fwrev": "0x1\n", "hwrev": "0x0\n", "manfid": "0x0000aa\n", "name": "QEMU!\n", "ocr": "0x00300000\n", "oemid": "0x5859\n",
	"preferred_erase_size": "524288\n", "rca": "0x4567\n", "scr": "0225000000000000\n", "serial": "0xdeadbeef\n", "type": "SD\n",
}

// eMMC is put together after Linux' drivers/mmc/core/mmc.c.
var eMMC = map[string]string{
	"cid": "15010044473450303201a2b3c4d56a00\n", "csd": "d02701320f5903fff6dbffef8e404000\n", "date": "06/2023\n",
	"fwrev": "0x0200000000000000\n", "hwrev": "0x0\n", "manfid": "0x000015\n", "name": "DG4P02\n", "oemid": "0x0100\n", "prv": "0x1\n", "rev": "0x8\n",
	"serial": "0xa2b3c4d5\n", "type": "MMC\n",
	"life_time": "0x02 0x0a\n", "pre_eol_info": "0x01\n", "raw_rpmb_size_mult": "0x20\n",
}

func facts(a drive.Answers) string {
	var lines []string
	for _, f := range a.Facts {
		lines = append(lines, f.Name+": "+f.Value+" ["+f.Source+"]")
	}
	return strings.Join(lines, "\n")
}

func TestAsk(t *testing.T) {
	for _, test := range []struct {
		what     string
		attrs    map[string]string
		set      string
		identity drive.Identity
		facts    string
	}{
		{"SD", sdCard, "SD", drive.Identity{Model: "QEMU!", Firmware: "0x1", Serial: "0xdeadbeef"}, `manufacturer ID: 0x0000aa [sysfs device/manfid]
OEM ID: 0x5859 [sysfs device/oemid]
made: 02/2006 [sysfs device/date]
hardware revision: 0x0 [sysfs device/hwrev]
CID: aa585951454d552101deadbeef006200 [sysfs device/cid]
CSD: 002600325f59e03fffffdfff92600000 [sysfs device/csd]
write protection: none [sysfs device/csd]
own erase: not used: its Erase promises nothing of what it leaves, and there is no Sanitize [SD physical layer specification]`},
		{"eMMC", eMMC, "eMMC", drive.Identity{Model: "DG4P02", Firmware: "0x0200000000000000", Serial: "0xa2b3c4d5"}, `manufacturer ID: 0x000015 [sysfs device/manfid]
OEM ID: 0x0100 [sysfs device/oemid]
made: 06/2023 [sysfs device/date]
revision: 0x1 [sysfs device/prv]
hardware revision: 0x0 [sysfs device/hwrev]
standard: eMMC 5.1 [sysfs device/rev]
CID: 15010044473450303201a2b3c4d56a00 [sysfs device/cid]
CSD: d02701320f5903fff6dbffef8e404000 [sysfs device/csd]
write protection: none [sysfs device/csd]
RPMB size: 4096 KiB [sysfs device/raw_rpmb_size_mult]
life used, type A: 10 to 20 % [sysfs device/life_time]
life used, type B: 90 to 100 % [sysfs device/life_time]
reserve of spare blocks: normal [sysfs device/pre_eol_info]
own erase: not used: Erase with Sanitize is no more than clear, as overwriting is, and cannot be verified as well [IEEE 2883-2022]`},
	} {
		a, err := Set{}.Ask(nil, newTree(t, test.attrs).node())
		if err != nil || a.Set != test.set || a.Identity != test.identity || a.Problem != "" || facts(a) != test.facts {
			t.Errorf("Ask of %s = %q %+v problem %q, %v\n%s\nwant %q %+v\n%s",
				test.what, a.Set, a.Identity, a.Problem, err, facts(a), test.set, test.identity, test.facts)
		}
		if len(a.Abilities) != 0 || len(a.Hidden) != 0 || a.HiddenWhy != "" {
			t.Errorf("Ask of %s = %+v; want no abilities and no hidden areas", test.what, a)
		}
	}
}

func TestAskWhatIsStrange(t *testing.T) {
	if a, err := (Set{}).Ask(nil, newTree(t, nil).node()); err == nil {
		t.Errorf("Ask where there is no card = %+v; want an error", a)
	}
	a, err := Set{}.Ask(nil, newTree(t, map[string]string{"cid": "x\x1b[2J", "csd": strings.Repeat("z", 32), "type": "SDIO", "name": "\xff\xff",
		"life_time": "1 2 3", "pre_eol_info": "0x7", "rev": "0xff", "raw_rpmb_size_mult": "-1"}).node())
	if err != nil || a.Set != "" || a.Problem == "" || a.Identity.Model != `\xff\xff` || len(a.Facts) != 0 || len(a.Kept) != 0 {
		t.Errorf("Ask of nonsense = %+v, %v; want a problem and no facts", a, err)
	}
}

// TestKept names what is left alone, wherever the kernel shows it.
func TestKept(t *testing.T) {
	for _, test := range []struct {
		what string
		more func(tr *tree)
		want []string
	}{
		{"nothing but the size of an RPMB", func(*tree) {}, []string{"RPMB"}},
		{"as in Linux 6.1", func(tr *tree) {
			tr.disk("block/mmcblk0/mmcblk0boot0", filepath.Join(tr.card, "block/mmcblk0"))
			tr.disk("block/mmcblk0/mmcblk0boot1", filepath.Join(tr.card, "block/mmcblk0"))
			tr.disk("block/mmcblk0/mmcblk0gp0", filepath.Join(tr.card, "block/mmcblk0"))
			tr.folder(filepath.Join(tr.card, "block/mmcblk0/mmcblk0p1"))
			tr.folder(filepath.Join(tr.card, "mmcblk0rpmb"))
		}, []string{"boot partition mmcblk0boot0", "boot partition mmcblk0boot1", "general purpose partition mmcblk0gp0", "RPMB mmcblk0rpmb"}},
		{"an RPMB in /dev, and another card", func(tr *tree) {
			tr.folder(filepath.Join(tr.dev, "mmcblk0rpmb"))
			tr.folder(filepath.Join(tr.dev, "mmcblk1boot0"))
			tr.folder(filepath.Join(tr.sys, "mmcblk01"))
		}, []string{"RPMB mmcblk0rpmb"}},
	} {
		tr := newTree(t, eMMC)
		test.more(tr)
		if a, err := (Set{}).Ask(nil, tr.node()); err != nil || !slices.Equal(a.Kept, test.want) {
			t.Errorf("kept with %s = %q, %v; want %q", test.what, a.Kept, err, test.want)
		}
	}
	if a, err := (Set{}).Ask(nil, newTree(t, sdCard).node()); err != nil || len(a.Kept) != 0 {
		t.Errorf("kept of an SD card = %q, %v; want nothing", a.Kept, err)
	}
}

func TestSpeaks(t *testing.T) {
	for name, want := range map[string]bool{
		"mmcblk0": true, "mmcblk12": true, "mmcblk0p1": false, "mmcblk0boot0": false, "mmcblk0gp0": false, "mmcblk0rpmb": false, "mmcblk": false, "sda": false,
		"xmmcblk0": false, "": false,
	} {
		if got := (Set{}).Speaks(drive.Node{Info: drive.Info{Name: name}}); got != want {
			t.Errorf("Speaks(%q) = %v; want %v", name, got, want)
		}
	}
}

func TestFirmware(t *testing.T) {
	if f, err := (Set{}).Firmware(nil, drive.Node{}); f != nil || !errors.Is(err, drive.ErrUnsupported) {
		t.Errorf("Firmware = %v, %v; want %v", f, err, drive.ErrUnsupported)
	}
}

func TestProtection(t *testing.T) {
	for csd, want := range map[string]string{
		"d02701320f5903fff6dbffef8e404000": "none", "d02701320f5903fff6dbffef8e406000": "for good: the card refuses to be written",
		"d02701320f5903fff6dbffef8e405000": "switched on: the card refuses to be written until that is taken back",
		"d02701320f5903fff6dbffef8e407000": "for good: the card refuses to be written", "": "", "d0": "", "d02701320f5903fff6dbffef8e40400": "",
		"d02701320f5903fff6dbffef8e40400000": "", "zz2701320f5903fff6dbffef8e404000": "",
	} {
		if got := protection(csd); got != want {
			t.Errorf("protection(%q) = %q; want %q", csd, got, want)
		}
	}
}

func TestHealth(t *testing.T) {
	for _, test := range []struct {
		life, preEOL, kind string
		want               string
	}{
		{"0x01 0x01", "0x01", "MMC", "good 10 []"},
		{"0x01 0x08", "0x01", "MMC", "good 80 []"},
		{"0x01 0x09", "0x01", "MMC", "worn 90 [life used: 80 to 90 %]"},
		{"0x0b 0x01", "0x01", "MMC", "worn 110 [life used: more than the 100 % that were estimated]"},
		{"0x00 0x00", "0x01", "MMC", "good - []"},
		{"0x01 0x01", "02", "MMC", "worn 10 [reserve of spare blocks: warning: 80 % of it are used]"},
		{"0x0a 0x0a", "0x03", "MMC", "failing 100 [life used: 90 to 100 % reserve of spare blocks: urgent: 90 % of it are used]"},
		{"0x00 0x00", "0x00", "MMC", "unknown - [the card says nothing of its wear]"},
		{"-", "-", "MMC", "unknown - [the card says nothing of its wear]"},
		{"0xff 0x0c", "0x99", "MMC", "unknown - [the card says nothing of its wear]"},
		{"", "", "SD", "unknown - [SD cards keep no record of their wear]"},
	} {
		h := Health(newTree(t, map[string]string{"cid": "x", "type": test.kind, "life_time": test.life, "pre_eol_info": test.preEOL}).node())
		wear := "-"
		if h.Wear != nil {
			wear = fmt.Sprint(*h.Wear)
		}
		if got := fmt.Sprintf("%s %s %v", h.Word, wear, h.Reasons); got != test.want {
			t.Errorf("Health with life_time %q and pre_eol_info %q = %s; want %s", test.life, test.preEOL, got, test.want)
		}
	}
}

// FuzzAttributes reads whatever an attribute may hold.
func FuzzAttributes(f *testing.F) {
	for _, s := range []string{"d02701320f5903fff6dbffef8e406000", "0x02 0x0a", "0x01", "0x8", "0x20", "-", "", "\xff", "0x99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if said := protection(s); said != "" && len(s) != 32 {
			t.Errorf("protection(%q) = %q; want nothing of what is no register", s, said)
		}
		for which := range 2 {
			if used, ok := percent(s, which); ok && (used < 10 || used > 110 || life(s, which) == "") {
				t.Errorf("percent(%q, %d) = %d", s, which, used)
			}
		}
		if n := stage(s); n > 3 || (n > 0) != (reserve(s) != "") {
			t.Errorf("stage(%q) = %d, reserve %q", s, n, reserve(s))
		}
		standard(s)
		rpmb(s)
	})
}
