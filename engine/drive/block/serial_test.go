package block

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

func TestSerial(t *testing.T) {
	for _, test := range []struct {
		what  string
		attrs attrs
		want  string // "~": made by the station
	}{
		{"padding", attrs{"device/vpd_pg80": pg("   AB 12   ")}, "AB 12"},
		{"0xFF", attrs{"device/vpd_pg80": pg("AB\xff\xff")}, `AB\xff\xff`},
		{"NULs at the end", attrs{"device/vpd_pg80": pg("AB\x00\x00")}, "AB"},
		{"only blanks", attrs{"device/vpd_pg80": pg("      ")}, "~"},
		{"an empty page", attrs{"device/vpd_pg80": pg("")}, "~"},
		{"a header cut off", attrs{"device/vpd_pg80": "\x00\x80\x00"}, "~"},
		{"a page cut off", attrs{"device/vpd_pg80": pg("ABCDEF")[:7]}, "ABC"},
		{"a page with more behind", attrs{"device/vpd_pg80": pg("ABC") + "DEF"}, "ABC"},
		{"another page", attrs{"device/vpd_pg80": "\x00\x83\x00\x03ABC"}, "~"},
		{"page first", attrs{"device/vpd_pg80": pg("PAGE"), "device/serial": "ATTR", "serial": "OTHER"}, "PAGE"},
		{"attribute second", attrs{"device/vpd_pg80": pg(" "), "device/serial": "ATTR", "serial": "OTHER"}, "ATTR"},
		{"a forged station's serial", attrs{"device/vpd_pg80": pg("~loop-0123456789")}, "~"},
		{"a forged one, then a good one", attrs{"device/vpd_pg80": pg("~loop-0123456789"), "device/serial": "GOOD"}, "GOOD"},
		{"a forged one behind blanks", attrs{"device/vpd_pg80": pg("  \x00~img-00")}, "~"},
		{"nothing but 0xFF", attrs{"device/vpd_pg80": pg(strings.Repeat("\xff", 20))}, "~"},
		{"nothing but 0xFF, then a good one", attrs{"device/vpd_pg80": pg("\xff\xff"), "device/serial": "\xff\xff\n", "serial": "GOOD"}, "GOOD"},
		{"nothing but zeros", attrs{"device/vpd_pg80": pg("00000000")}, "~"},
		{"zeros of a card", attrs{"device/serial": "0x00000000"}, "~"},
		{"a tilde within", attrs{"device/vpd_pg80": pg("A~1")}, "A~1"},
	} {
		tr := newTree(t)
		tr.disk(sata+"sda", test.attrs)
		got := tr.one()
		if test.want == "~" {
			forged := strings.Contains(got.Serial, "0123456789") || strings.HasPrefix(got.Serial, "~img")
			if !strings.HasPrefix(got.Serial, "~dev-") || forged || got.OwnSerial() || !strings.HasPrefix(got.SerialSource, "made by this station") {
				t.Errorf("serial of a drive with %s = %q from %q; want one made by the station", test.what, got.Serial, got.SerialSource)
			}
		} else if got.Serial != test.want || !got.OwnSerial() {
			t.Errorf("serial of a drive with %s = %q from %q; want %q", test.what, got.Serial, got.SerialSource, test.want)
		}
	}
}

// A serial made by the station stays as long as it can mean the same thing, and no two things have one.
func TestMadeSerial(t *testing.T) {
	back := filepath.Join(t.TempDir(), "back.img")
	other := filepath.Join(t.TempDir(), "other.img")
	for _, path := range []string{back, other} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serial := func(path string, a attrs) string {
		tr := newTree(t)
		tr.disk(path, a)
		return tr.one().Serial
	}
	loop := func(name, file, offset, seq string) string {
		return serial("virtual/block/"+name, attrs{"loop/backing_file": file + "\n", "loop/offset": offset, "diskseq": seq})
	}
	first := loop("loop0", back, "0", "1")
	if !strings.HasPrefix(first, "~loop-") {
		t.Errorf("serial of a loop device = %q; want ~loop-...", first)
	}
	if again := loop("loop5", back, "0", "77"); again != first {
		t.Errorf("serial of another loop device on the same file = %q; want %q", again, first)
	}
	for what, got := range map[string]string{"another file": loop("loop0", other, "0", "1"), "another offset": loop("loop0", back, "4096", "1"),
		"a file that is gone": loop("loop0", back+" (deleted)", "0", "1")} {
		if got == first {
			t.Errorf("serial of a loop device on %s = %q; want another", what, got)
		}
	}
	if err := os.Remove(back); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(back+"2", []byte("y"), 0o600); err != nil { // keeps the inode from being used again
		t.Fatal(err)
	}
	if err := os.WriteFile(back, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := serial(usb+"sda", attrs{"diskseq": "5"})
	if again := serial(usb+"sda", attrs{"diskseq": "5"}); again != plain || !strings.HasPrefix(plain, "~dev-") {
		t.Errorf("serial of a drive that has none = %q, then %q; want the same, ~dev-...", plain, again)
	}
	for what, got := range map[string]string{"plugged in again": serial(usb+"sda", attrs{"diskseq": "6"}), "under another name": serial(usb+"sdb", attrs{"diskseq": "5"})} {
		if got == plain {
			t.Errorf("serial of a drive that has none, %s = %q; want another", what, got)
		}
	}
}

func TestWWN(t *testing.T) {
	for text, want := range map[string]string{
		"naa.5000c500a1b2c3d4": "0x5000c500a1b2c3d4", "eui.002538b111b12345": "eui.002538b111b12345", "uuid.7c6a1234-0000-4000-8000-000000000001": "uuid.7c6a1234-0000-4000-8000-000000000001",
		"": "", "naa.": "", "naa.0000000000000000": "", "eui.00000000000000000000000000000000": "", "uuid.00000000-0000-0000-0000-000000000000": "",
		"naa.ffffffffffffffff": "", "eui.FFFFFFFFFFFFFFFF": "", "uuid.ffffffff-ffff-ffff-ffff-ffffffffffff": "",
		"t10.ATA     QEMU HARDDISK": "", "naa.3000c500a1b2c3d4": "", "nvme.8086-1234": "", "scsi_x": "", "NAA.5": "", "naa": "",
	} {
		if got := wwn(text); got != want {
			t.Errorf("wwn(%q) = %q; want %q", text, got, want)
		}
	}
}

func FuzzWWN(f *testing.F) {
	for _, s := range []string{"naa.5000c500a1b2c3d4", "eui.0", "uuid.-", ".", "t10.x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := wwn(s)
		known := strings.HasPrefix(got, "0x") || strings.HasPrefix(got, "eui.") || strings.HasPrefix(got, "uuid.")
		if got != "" && (!known || strings.Trim(got[strings.IndexAny(got, "x.")+1:], "0-") == "" ||
			strings.Trim(got[strings.IndexAny(got, "x.")+1:], "fF-") == "") {
			t.Errorf("wwn(%q) = %q; want a name that tells drives apart", s, got)
		}
	})
}

func FuzzPg80(f *testing.F) {
	f.Add([]byte(pg("WD-1234")))
	f.Add([]byte{0, 0x80, 0xff, 0xff, 'A'})
	f.Add([]byte{0, 0x80, 0, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, page []byte) {
		got := pg80(page)
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("pg80(%q) = %q; want only what prints", page, got)
		}
		if (len(page) < 5 || page[1] != 0x80) && got != "" {
			t.Errorf("pg80(%q) = %q; want nothing", page, got)
		}
	})
}
