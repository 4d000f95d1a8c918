package block

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/inuse"
)

// FuzzSysfs has the kernel say anything of a disk. Whatever it is, the disk is shown with texts that can be shown, sizes that are
// none below 0, and a serial and a WWN that were really there.
func FuzzSysfs(f *testing.F) {
	f.Add("2048", "0", "512", "0", "240:16", "WDC WD10", "ATA     ", "WD-1234", []byte(pg("WD-1234")), "naa.5000c500a1b2c3d4", "none", "1")
	f.Add("-1", "1", "0", "1", "x", "\x1b[31m", "\xff", "", []byte{0, 0x80, 0xff, 0xff, 'x'}, "t10.x", "host-managed", "18446744073709551616")
	f.Add("9223372036854775807", "", "4294967296", "\n", "4294967295:4294967295", strings.Repeat("M", 5000), "\u202e", " ", []byte(nil), "eui.", "\n", "0")
	tr := newTree(f)
	sdb := tr.disk("pci0/host0/target0/0:0:0:0/block/sdb", attrs{"device/model": "x", "device/vendor": "x", "device/serial": "x", "device/vpd_pg80": "x", "device/wwid": "x", "queue/zoned": "none"})
	if err := os.WriteFile(filepath.Join(sdb, "holders", "x"), nil, 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, size, ro, sector, removable, dev, model, vendor, serial string, page []byte, wwid, zoned, diskseq string) {
		for attr, text := range map[string]string{"size": size, "ro": ro, "queue/logical_block_size": sector, "removable": removable, "dev": dev, "device/model": model,
			"device/vendor": vendor, "device/serial": serial, "device/vpd_pg80": string(page), "device/wwid": wwid, "queue/zoned": zoned, "diskseq": diskseq} {
			if err := os.WriteFile(filepath.Join(sdb, attr), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d := &device{dir: dir(sdb), dev: tr.dev}
		d.inspect(&inuse.Snapshot{}, "boot")
		drives := join([]*device{d})
		distinguish(drives)
		shareUses(drives)
		checkInfo(t, d.Info(), drive.Clean(wwid))
	})
}

func checkInfo(t *testing.T, i drive.Info, wwid string) {
	t.Helper()
	for what, text := range map[string]string{"model": i.Model, "vendor": i.Vendor, "serial": i.Serial, "WWN": i.WWN, "firmware": i.Firmware,
		"transport": i.Transport, "layer": i.Layer, "where the serial is from": i.SerialSource} {
		if !shown(text) {
			t.Errorf("its %s is %q", what, text)
		}
	}
	if i.Size < 0 || i.LogicalSector < 0 {
		t.Errorf("%d bytes in sectors of %d", i.Size, i.LogicalSector)
	}
	if i.Name == "" || i.Path == "" || len(i.ID.Keys) == 0 {
		t.Errorf("it cannot be told apart: %+v", i)
	}
	if i.WWN != "" && !strings.HasSuffix(wwid, i.WWN[strings.IndexAny(i.WWN, "x.")+1:]) {
		t.Errorf("its WWN is %q, which nobody said", i.WWN)
	}
}

func shown(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
