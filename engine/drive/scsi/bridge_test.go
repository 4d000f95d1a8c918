package scsi

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"wiped/engine/drive"
)

// A drive that says that it is an ATA drive is left to those who speak ATA, asked or ordered. What is no translator says over USB
// that nobody knows whether there is one, and is not asked in ATA.
func TestTranslated(t *testing.T) {
	node := drive.Node{Info: drive.Info{Name: "sdb", Size: 4000787030016, Transport: "usb"}}
	f := sasDisk()
	f.pages[0] = vpd(0, 0, 0x80, 0x83, translation)
	a, err := ask(f, node)
	if !errors.Is(err, drive.ErrTranslated) || value(a, "translated") == "" || a.Identity.Serial == "" || len(a.Abilities) != 0 {
		t.Errorf("a translator answers %+v, %v; want what it says of itself, and that it is one", a, err)
	}
	if _, err := prepare(f, node); !errors.Is(err, drive.ErrTranslated) {
		t.Errorf("orders to a translator: %v", err)
	}
	f = sasDisk()
	a, err = ask(f, node)
	if err != nil || a.HiddenWhy != unsaid || value(a, "behind the bridge") != unsaid {
		t.Errorf("hidden areas of what is on the USB: %q, %q, %v; want that nobody could look", a.HiddenWhy, value(a, "behind the bridge"), err)
	}
	if _, err := prepare(f, node); err != nil {
		t.Errorf("orders to it: %v", err)
	}
	for _, c := range f.log {
		if op := c.CDB[0]; op == 0x85 || op == 0xa1 {
			t.Errorf("ATA PASS-THROUGH %02xh was sent to it", op)
		}
	}
	node.Info.Transport = "sas"
	if a, err = ask(sasDisk(), node); err != nil || a.HiddenWhy == unsaid {
		t.Errorf("hidden areas of a SAS drive: %q, %v", a.HiddenWhy, err)
	}
}

// sysfs makes a copy of a device's folder in sysfs and of the folders above it.
func sysfs(t *testing.T, path string, attributes map[string]string) drive.Node {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "devices", path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for at, text := range attributes {
		at = filepath.Join(root, "devices", at)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(root, "sdb")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	return drive.Node{Sys: link}
}

func TestBridge(t *testing.T) {
	const usb, sas = "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb",
		"pci0000:00/0000:01:00.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sdb"
	for _, test := range []struct {
		path, transport string
		attributes      map[string]string
		want            string
	}{
		{usb, "usb", map[string]string{"pci0000:00/0000:00:14.0/usb2/2-1/idVendor": "152d\n", "pci0000:00/0000:00:14.0/usb2/2-1/manufacturer": "JMicron\n",
			"pci0000:00/0000:00:14.0/usb2/2-1/product": "JMS578\n", "pci0000:00/0000:00:14.0/usb2/idVendor": "1d6b\n"}, "USB bridge JMicron JMS578"},
		{usb, "usb", map[string]string{"pci0000:00/0000:00:14.0/usb2/2-1/idVendor": "152d", "pci0000:00/0000:00:14.0/usb2/2-1/manufacturer": "ASMT",
			"pci0000:00/0000:00:14.0/usb2/2-1/product": "ASMT 2115"}, "USB bridge ASMT 2115"},
		{usb, "usb", map[string]string{"pci0000:00/0000:00:14.0/usb2/2-1/idVendor": "152d", "pci0000:00/0000:00:14.0/usb2/2-1/idProduct": "0578"},
			"USB bridge 152d:0578"},
		{usb, "usb", map[string]string{"pci0000:00/0000:00:14.0/usb2/2-1/idVendor": "1", "pci0000:00/0000:00:14.0/usb2/2-1/product": "\x1b[2J"},
			`USB bridge \x1b[2J`},
		{sas, "sas", map[string]string{"pci0000:00/0000:01:00.0/host1/scsi_host/host1/proc_name": "mpt3sas\n"}, "SAS HBA mpt3sas"},
		{sas, "unknown", map[string]string{"pci0000:00/0000:01:00.0/host1/scsi_host/host1/proc_name": "megaraid_sas\n"}, "SCSI host megaraid_sas"},
		{sas, "sas", nil, ""},
	} {
		n := sysfs(t, test.path, test.attributes)
		n.Info.Transport = test.transport
		if got := bridge(n); got != test.want {
			t.Errorf("bridge(%s with %v) = %q; want %q", test.path, test.attributes, got, test.want)
		}
	}
	if got := bridge(drive.Node{Sys: filepath.Join(t.TempDir(), "sdz")}); got != "" {
		t.Errorf("bridge of a drive that is gone = %q; want none", got)
	}
}

// A drive with two actuators is two logical units, and what one of them is told can reach the other.
func TestReaches(t *testing.T) {
	const target = "pci0000:00/host1/port-1:0/end_device-1:0/target1:0:0/"
	both := map[string]string{target + "1:0:0:1/block/sdc/size": "1", target + "1:0:0:7/type": "13", target + "power/control": "on"}
	want := []drive.Reach{{Name: "sdc", What: "logical unit 1"}, {What: "logical unit 7"}}
	for _, test := range []struct {
		what, transport string
		units           byte
		attributes      map[string]string
		want            []drive.Reach
	}{
		{"says that it reaches all", "fc", allUnits, both, want},
		{"says that it reaches some", "fc", someOtherUnit, both, want},
		{"says that it reaches one", "sas", 1, both, nil},
		{"does not say, SAS", "sas", notSaid, both, want},
		{"does not say, a network", "iscsi", notSaid, both, nil},
		{"says that it reaches all, and is alone", "sas", allUnits, nil, nil},
	} {
		f := sasDisk()
		f.support = map[[2]byte]byte{}
		for command := range all {
			f.support[command] = test.units<<5 | asStandard
		}
		n := sysfs(t, target+"1:0:0:0/block/sdb", test.attributes)
		n.Info.Transport = test.transport
		a, err := ask(f, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, ability := range a.Abilities {
			if ability.Why != "" || !reflect.DeepEqual(ability.Reaches, test.want) {
				t.Errorf("%s: %+v; want it to reach %+v", test.what, ability, test.want)
			}
		}
	}
}

func TestWorldWide(t *testing.T) {
	entry := func(codeSet, kind byte, value ...byte) []byte {
		return append([]byte{codeSet, kind, 0, byte(len(value))}, value...)
	}
	naa5, naa6 := []byte{0x50, 1, 2, 3, 4, 5, 6, 7}, []byte{0x60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	eui8, eui16 := []byte{0, 0x25, 0x38, 1, 2, 3, 4, 5}, append(make([]byte, 8), naa5...)
	join := func(entries ...[]byte) (all []byte) {
		for _, e := range entries {
			all = append(all, e...)
		}
		return all
	}
	for _, test := range []struct {
		what string
		page []byte
		want string
	}{
		{"NAA 5", entry(1, 3, naa5...), "0x5001020304050607"},
		{"NAA 6 before NAA 5", join(entry(1, 3, naa6...), entry(1, 3, naa5...)), "0x600102030405060708090a0b0c0d0e0f"},
		{"NAA 5 before EUI-64", join(entry(1, 2, eui8...), entry(1, 3, naa5...)), "0x5001020304050607"},
		{"EUI-64 of 16 bytes before NAA 5", join(entry(1, 2, eui16...), entry(1, 3, naa5...)), "eui.00000000000000005001020304050607"},
		{"EUI-64", entry(1, 2, eui8...), "eui.0025380102030405"},
		{"SCSI name string", join(entry(3, 8, []byte("naa.5001020304050609\x00\x00")...), entry(1, 3, naa6...)), "0x5001020304050609"},
		{"SCSI name string of an EUI-64", entry(3, 8, []byte("eui.0025380102030405")...), "eui.0025380102030405"},
		{"iSCSI name", join(entry(3, 8, []byte("iqn.2001-04.com.example:x")...), entry(1, 3, naa5...)), "0x5001020304050607"},
		{"locally assigned", entry(1, 3, 0x33, 1, 2, 3, 4, 5, 6, 7), ""},
		{"of the target port", entry(1, 0x93, naa5...), ""},
		{"of the device", entry(1, 0xa3, naa5...), ""},
		{"vendor and serial", entry(2, 1, []byte("LAB     X")...), ""},
		{"zeros", join(entry(1, 2, make([]byte, 8)...), entry(3, 8, []byte("naa.0000000000000000")...)), ""},
		{"text in place of a number", entry(2, 3, []byte("50123456")...), ""},
		{"of a wrong length", join(entry(1, 3, naa5[:7]...), entry(1, 3, naa6[:15]...), entry(1, 2, eui8[:7]...), entry(1, 3)), ""},
		{"a name that is no number", entry(3, 8, []byte("naa.50\x1b[2J01020304")...), ""},
		{"cut short", entry(1, 3, naa5...)[:11], ""},
		{"cut short after another", append(entry(1, 2, eui8...), entry(1, 3, naa5...)[:11]...), "eui.0025380102030405"},
		{"nothing", nil, ""},
	} {
		if got := worldWide(test.page); got != test.want {
			t.Errorf("%s: %q; want %q", test.what, got, test.want)
		}
	}
}
