package inuse

import (
	"fmt"
	"slices"
	"strings"

	"wiped/engine/drive"
)

// File tells what uses a regular file.
func (s *Snapshot) File(at File) []drive.Use {
	var uses []drive.Use
	if s.Swaps[at] {
		uses = append(uses, drive.Use{What: "swap", Hint: "swapoff it"})
	}
	return append(uses, s.open(at)...)
}

// Backing tells what uses the file behind a loop device, other than that loop device.
func (s *Snapshot) Backing(at File, loop string) []drive.Use {
	others := *s
	others.Loops = map[File][]string{at: slices.DeleteFunc(slices.Clone(s.Loops[at]), func(name string) bool { return name == loop })}
	return others.File(at)
}

// open tells which loop devices and processes have a file or block device open.
func (s *Snapshot) open(at File) []drive.Use {
	var uses []drive.Use
	for _, loop := range s.Loops[at] {
		uses = append(uses, drive.Use{What: "backing " + loop, Hint: "losetup -d /dev/" + loop})
	}
	if by := s.Openers[at]; len(by) > 0 {
		hint := fmt.Sprintf("end process %s", strings.Fields(by[0])[0])
		if strings.HasSuffix(by[0], "("+sender+")") {
			hint = "wait: it sent the drive a command, and nothing ends it before that has returned"
		}
		uses = append(uses, drive.Use{What: "open in process " + drive.Clean(list(by)), Hint: hint})
	}
	return uses
}

// Device tells what uses a block device (a whole drive or one of its partitions) by its number.
func (s *Snapshot) Device(rdev uint64) []drive.Use {
	var uses []drive.Use
	at := Block(rdev)
	if rdev == s.Root {
		uses = append(uses, drive.Use{What: "holds the root filesystem", Hint: "this is the drive the station runs from"})
	}
	if where := append(s.Mounts[rdev], s.Sources[at]...); len(where) > 0 {
		uses = append(uses, drive.Use{What: "mounted on " + drive.Clean(where[0]), Hint: "umount " + drive.Clean(where[0])})
	}
	if s.Swaps[at] {
		uses = append(uses, drive.Use{What: "swap", Hint: "swapoff it"})
	}
	return append(uses, s.open(at)...)
}

// list names at most three.
func list(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}
