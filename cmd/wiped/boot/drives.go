package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"wiped/engine/drive/uevent"
)

// blockDir is where the kernel lists block devices, partitions among them.
const blockDir = "/sys/class/block"

// notVolumes are the block devices that hold nothing somebody could have prepared for us, and that are no drives.
var notVolumes = []string{"loop", "ram", "zram", "dm-", "md", "nbd", "sr", "fd"}

func isNoVolume(name string) bool {
	return slices.ContainsFunc(notVolumes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// sized are the block devices that have a size.
func sized(root string) (names []string) {
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if size := attribute(root, e.Name(), "size"); !isNoVolume(e.Name()) && size != "" && size != "0" {
			names = append(names, e.Name())
		}
	}
	return names
}

// volumeNames are the partitions, and the whole disks that have none: what stands at the beginning of one that has is
// left from before.
func volumeNames(root string) []string {
	return slices.DeleteFunc(sized(root), func(name string) bool {
		partitions, _ := filepath.Glob(filepath.Join(root, name, "*", "partition"))
		return len(partitions) > 0
	})
}

// bootArea is a hardware partition of an eMMC, which is listed as a disk of its own.
var bootArea = regexp.MustCompile(`^mmcblk\d+boot\d+$`)

// driveNames are the whole disks.
func driveNames(root string) []string {
	return slices.DeleteFunc(sized(root), func(name string) bool {
		return attribute(root, name, "partition") != "" || attribute(root, name, "hidden") == "1" || bootArea.MatchString(name)
	})
}

func attribute(root, name, file string) string {
	text, _ := os.ReadFile(filepath.Join(root, name, file))
	return strings.TrimSpace(string(text))
}

// describe is what kind of drive a device is, as far as the kernel knows without asking it again.
func describe(root, name string) string {
	var words []string
	if model := attribute(root, name, "device/model"); model != "" {
		words = append(words, model)
	}
	if sectors, err := strconv.ParseInt(attribute(root, name, "size"), 10, 64); err == nil && sectors > 0 {
		words = append(words, fmt.Sprintf("%d MB", sectors*512/1e6))
	}
	if words == nil {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// announce tells of drives that come, once those that were there are counted, and of those that go.
func (m *Machine) announce(e uevent.Event) {
	if e.Subsystem != "block" || e.DevType != "disk" || isNoVolume(e.DevName) {
		return
	}
	m.mu.Lock()
	plugged := m.plugged
	m.mu.Unlock()
	switch {
	case e.Action == "remove":
		m.step("drive %s was removed", e.DevName)
	case e.Action == "add" && plugged:
		m.step("drive %s turned up%s", e.DevName, describe(blockDir, e.DevName))
	}
}
