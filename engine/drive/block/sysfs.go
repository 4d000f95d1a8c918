package block

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// dir is a folder of sysfs; every attribute in it is text from a driver or from the drive itself.
type dir string

// text reads an attribute; what is absent or unreadable is empty, and so is memory of FFh that nobody wrote.
func (d dir) text(attr string) string {
	b, err := os.ReadFile(filepath.Join(string(d), attr))
	if err != nil || len(bytes.Trim(bytes.TrimSpace(b), "\xff")) == 0 {
		return ""
	}
	return drive.Clean(string(b))
}

// number reads a number of 0 or more; anything else is 0, unknown.
func (d dir) number(attr string) int64 {
	n, err := strconv.ParseInt(d.text(attr), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (d dir) is(attr string) bool { return d.text(attr) == "1" }

func (d dir) has(entry string) bool {
	_, err := os.Lstat(filepath.Join(string(d), entry))
	return err == nil
}

// rdev reads the device number from the attribute dev, "MAJOR:MINOR".
func (d dir) rdev() (uint64, bool) {
	major, minor, _ := strings.Cut(d.text("dev"), ":")
	a, err1 := strconv.ParseUint(major, 10, 32)
	b, err2 := strconv.ParseUint(minor, 10, 32)
	return unix.Mkdev(uint32(a), uint32(b)), err1 == nil && err2 == nil
}

// partitions are the folders below that are partitions.
func (d dir) partitions() []dir {
	attrs, _ := filepath.Glob(filepath.Join(string(d), "*", "partition"))
	var parts []dir
	for _, a := range attrs {
		parts = append(parts, dir(filepath.Dir(a)))
	}
	return parts
}

// holders are the names of the devices that are built on this one, by the name people know them under.
func (d dir) holders() []string {
	entries, _ := os.ReadDir(filepath.Join(string(d), "holders"))
	var names []string
	for _, e := range entries {
		name := e.Name()
		if dm := (d + "/holders/" + dir(name)).text("dm/name"); dm != "" {
			name += " (" + dm + ")"
		}
		names = append(names, name)
	}
	return names
}

// pg80 reads the unit serial number page (SPC-5, VPD page 80h): a 4-byte header, bytes 2..3 the length, then ASCII.
func pg80(page []byte) string {
	if len(page) < 4 || page[1] != 0x80 {
		return ""
	}
	n := int(page[2])<<8 | int(page[3])
	return drive.Serial(drive.Clean(string(page[4:min(len(page), 4+n)])))
}

// wwn takes a world-wide name out of the kernel's wwid. Only names that a registration authority gave are taken: "t10."
// and "nvme." ones are put together from model and serial.
func wwn(wwid string) string {
	kind, rest, ok := strings.Cut(wwid, ".")
	if !ok || strings.Trim(rest, "0-") == "" || strings.Trim(rest, "fF-") == "" { // memory that nobody wrote
		return ""
	}
	switch kind {
	case "naa":
		if rest[0] == '3' {
			return "" // locally assigned (SPC-6, NAA 3h): nobody sees to it that there is only one
		}
		return "0x" + rest
	case "eui", "uuid":
		return kind + "." + rest
	}
	return ""
}
