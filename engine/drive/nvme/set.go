// Package nvme knows the NVMe command set: what a controller says of itself, and the commands by which it erases its
// namespaces. It speaks through descriptors that it is given, and knows nothing of jobs, of reading or of writing.
package nvme

import (
	"os"

	"wiped/engine/drive"
)

// Set is the NVMe command set.
type Set struct{}

var _ drive.CommandSet = Set{}

// Name is NVMe.
func (Set) Name() string { return "NVMe" }

// Speaks takes the block devices of namespaces.
func (Set) Speaks(n drive.Node) bool { return headName.MatchString(n.Info.Name) }

// Ask asks the controller of a namespace.
func (Set) Ask(dev *os.File, n drive.Node) (drive.Answers, error) { return ask(device{dev}, n) }

// Firmware prepares orders to the controller of a namespace.
func (Set) Firmware(dev *os.File, n drive.Node) (drive.Firmware, error) {
	return newFirmware(device{dev}, n)
}
