// Package scsi asks and orders drives in SCSI's own language: SPC for what every device has, SBC for disks. It knows
// command blocks, pages and sense data, and nothing of jobs, methods or of how a drive was found and claimed.
//
// Sections and tables are those of SBC-4 and SPC-6.
package scsi

import (
	"os"
	"strings"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// Set is the SCSI command set, for everything that the kernel's sd driver shows and that is not an ATA drive.
type Set struct{}

var _ drive.CommandSet = Set{}

// Name is SCSI.
func (Set) Name() string { return "SCSI" }

// Speaks tells by the kernel's name; drives behind its ATA translation have the vendor ATA (SAT-5 section 8.1.2).
func (Set) Speaks(n drive.Node) bool {
	rest, ok := strings.CutPrefix(n.Info.Name, "sd")
	return ok && rest != "" && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz") == "" && n.Info.Vendor != "ATA"
}

// Ask asks for all there is to know. The error is for a drive that does not answer INQUIRY, which every device has.
func (Set) Ask(dev *os.File, n drive.Node) (drive.Answers, error) { return ask(sg.File{File: dev}, n) }

// Firmware asks which pages the drive has, and sends nothing else yet.
func (Set) Firmware(dev *os.File, n drive.Node) (drive.Firmware, error) {
	return prepare(sg.File{File: dev}, n)
}
