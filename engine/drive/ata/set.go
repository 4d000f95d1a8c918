// Package ata speaks the ATA command set to a drive, by SCSI's ATA PASS-THROUGH (16): what a drive is, hides and can do to
// itself, and the orders to do it. It knows nothing of methods and jobs, nor how a drive is found or claimed.
package ata

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// Set is the ATA command set.
type Set struct{}

// vendor is what every translator of SCSI to ATA gives as the vendor: SAT-4 section 8.1.
const vendor = "ATA"

// Name is ATA.
func (Set) Name() string { return "ATA" }

// Speaks tells ATA disks by that vendor, by the page that only a translator has, or by the bus.
func (Set) Speaks(n drive.Node) bool {
	if n.Translated {
		return true
	}
	for _, other := range []string{"nvme", "mmc", "virtio", "loop", "xen", "rbd", "hyper-v", "memory", "md", "device-mapper", "virtual"} {
		if n.Info.Transport == other || strings.HasPrefix(n.Info.Transport, other+"-") {
			return false
		}
	}
	if !disk(n) {
		return false
	}
	_, err := os.Stat(filepath.Join(n.Sys, "device/vpd_pg89"))
	return n.Info.Vendor == vendor || err == nil || n.Info.Transport == "sata"
}

// disk leaves out optical drives, and disks that are changed: behind an ATA bus those speak SCSI. SCSI device types 0 and 20
// are disks, the latter zoned ones; SPC-5, peripheral device type.
func disk(n drive.Node) bool {
	attr := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(n.Sys, name))
		return strings.TrimSpace(string(b))
	}
	return slices.Contains([]string{"", "0", "20"}, attr("device/type")) && (attr("removable") != "1" || n.Info.Vendor == vendor)
}

// Ask asks the drive.
func (Set) Ask(dev *os.File, n drive.Node) (drive.Answers, error) {
	return port{sg.File{File: dev}}.ask(n)
}

// Firmware prepares orders.
func (Set) Firmware(dev *os.File, n drive.Node) (drive.Firmware, error) {
	return &firmware{port: port{sg.File{File: dev}}, info: n.Info, now: time.Now}, nil
}
