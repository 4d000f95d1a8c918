package block

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestUSBSerial: a stick that tells its serial over USB alone is known by it, unless two share it.
func TestUSBSerial(t *testing.T) {
	tr := newTree(t)
	tr.disk(usb+"sda", nil)
	port := filepath.Join(tr.sys, "devices/pci0000:00/0000:00:14.0/usb2/2-1")
	tr.write(filepath.Join(port, "idVendor"), "0781\n")
	tr.write(filepath.Join(port, "serial"), "4C530001\n")
	serials := func() (list []string) {
		for _, i := range tr.find("all") {
			list = append(list, i.Serial)
			if i.ID.Serial != i.Serial || (i.SerialSource == usbDescriptor) != (i.Serial == "4C530001") {
				t.Errorf("%s: %q from %q", i.Name, i.Serial, i.SerialSource)
			}
		}
		return list
	}
	if got := serials(); len(got) != 1 || got[0] != "4C530001" {
		t.Errorf("one stick: %q", got)
	}
	tr.disk(strings.ReplaceAll(usb, "6:0:0:0", "6:0:0:1")+"sdb", nil)
	if got := serials(); len(got) != 2 || !strings.HasPrefix(got[0], "~dev-") || got[0] == got[1] {
		t.Errorf("two cards in one reader: %q", got)
	}
}
