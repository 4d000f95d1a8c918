package scsi

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"wiped/engine/drive"
)

// attribute reads an attribute of sysfs; what is absent or unreadable is empty.
func attribute(path ...string) string {
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		return ""
	}
	return drive.Clean(string(b))
}

// above are the folders of sysfs in which a device stands, from the device itself upwards. Empty: it is not there.
func above(n drive.Node) (dirs []string) {
	dir, err := filepath.EvalSymlinks(n.Sys)
	if err != nil || n.Sys == "" {
		return nil
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return dirs
}

var hostName = regexp.MustCompile(`^host\d+$`)

// bridge is what stands between a drive and this machine, by what the kernel knows: a USB device, or the driver of the host.
func bridge(n drive.Node) string {
	for _, dir := range above(n) {
		if id := attribute(dir, "idVendor"); id != "" {
			maker, product := attribute(dir, "manufacturer"), attribute(dir, "product")
			if strings.HasPrefix(product, maker) {
				maker = ""
			}
			if name := strings.TrimSpace(maker + " " + product); name != "" {
				return "USB bridge " + name
			}
			return "USB bridge " + id + ":" + attribute(dir, "idProduct")
		}
	}
	kind := "SCSI host "
	if n.Info.Transport == "sas" {
		kind = "SAS HBA "
	}
	for _, dir := range above(n) {
		if host := filepath.Base(dir); hostName.MatchString(host) {
			if driver := attribute(dir, "scsi_host", host, "proc_name"); driver != "" {
				return kind + driver
			}
		}
	}
	return ""
}

// address is a logical unit's name in sysfs, host:channel:target:unit.
var address = regexp.MustCompile(`^\d+:\d+:\d+:(\d+)$`)

// siblings are the other logical units of the same drive that the kernel knows.
func siblings(n drive.Node) []drive.Reach {
	for _, dir := range above(n) {
		if !address.MatchString(filepath.Base(dir)) {
			continue
		}
		var others []drive.Reach
		entries, _ := os.ReadDir(filepath.Dir(dir))
		for _, e := range entries {
			found := address.FindStringSubmatch(e.Name())
			if found == nil || e.Name() == filepath.Base(dir) {
				continue
			}
			reach := drive.Reach{What: "logical unit " + found[1]}
			if disks, _ := os.ReadDir(filepath.Join(filepath.Dir(dir), e.Name(), "block")); len(disks) == 1 {
				reach.Name = drive.Clean(disks[0].Name())
			}
			others = append(others, reach)
		}
		return others
	}
	return []drive.Reach{{What: "the other logical units of the drive, if it has any"}}
}
