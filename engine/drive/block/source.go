// Package block finds the kernel's block devices in sysfs, tells what uses them, and claims and opens them.
// It knows what every block device has in common; what only one command set knows belongs beside it.
package block

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/inuse"
)

// Source finds block devices. Sys and Dev are /sys and /dev, or a test's copies of them.
type Source struct {
	Sys, Dev string
	choice   []string
	sets     []drive.CommandSet
	odd      oddSectors
}

// New reads what --drives says: all, none, or comma-separated globs of names or paths. A drive is asked in the first of
// the command sets that speak to it.
func New(choice string, sets ...drive.CommandSet) (*Source, error) {
	s := &Source{Sys: "/sys", Dev: "/dev", sets: sets, odd: oddSectors{fresh: oddFresh}}
	for word := range strings.SplitSeq(choice, ",") {
		if _, err := path.Match(word, ""); err != nil || word == "" {
			return nil, fmt.Errorf("--drives %q: not a name, a path or a glob such as 'sd*'", word)
		}
		if word != "none" {
			s.choice = append(s.choice, word)
		}
	}
	return s, nil
}

// onlyNamed are the kinds that are presented only where a glob names them: memory, layers over other drives, and media
// that are not ours to erase by surprise.
var onlyNamed = []string{"loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"}

// cardPart is an area of an eMMC beside its user area, which the kernel shows as a disk of its own: machines boot from such.
var cardPart = regexp.MustCompile(`^mmcblk[0-9]+(boot|gp|rpmb)[0-9]*$`)

func isOnlyNamed(name string) bool {
	return slices.ContainsFunc(onlyNamed, func(kind string) bool {
		rest, ok := strings.CutPrefix(name, kind)
		return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
	})
}

// chosen decides by name and size in bytes, or by a reason that keeps the kernel from finding one, whether a device is presented.
func (s *Source) chosen(name string, size int64, odd bool) bool {
	for _, glob := range s.choice {
		if glob == "all" {
			if (size > 0 || odd) && !isOnlyNamed(name) && !cardPart.MatchString(name) {
				return true
			}
			continue
		}
		for _, as := range []string{name, "/dev/" + name} {
			if ok, _ := path.Match(glob, as); ok {
				return true
			}
		}
	}
	return false
}

// Find looks at every block device, and joins those that are one drive over several paths.
func (s *Source) Find() ([]drive.Drive, error) {
	if len(s.choice) == 0 {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(s.Sys, "block"))
	if err != nil {
		return nil, fmt.Errorf("list block devices: %w", err)
	}
	used, err := inuse.Look()
	if err != nil {
		return nil, err
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	var devices []*device
	for _, e := range entries {
		d := &device{dir: dir(filepath.Join(s.Sys, "block", e.Name())), dev: s.Dev, sets: s.sets}
		if d.dir.is("hidden") || d.unused() {
			continue
		}
		d.inspect(used, strings.TrimSpace(string(boot)))
		if s.odd.look(d) {
			d.inspect(used, strings.TrimSpace(string(boot)))
		}
		devices = append(devices, d)
	}
	var found []drive.Drive
	drives := join(devices)
	distinguish(drives)
	shareUses(drives)
	for _, d := range drives {
		if slices.ContainsFunc(append([]*device{d}, d.others...), s.presents) {
			found = append(found, d)
		}
	}
	return found, nil
}

func (s *Source) presents(d *device) bool { return s.chosen(d.name(), d.info.Size, d.odd) }

// distinguish gives namespaces of one NVMe controller, which have its serial, a serial of their own where no WWN tells
// them apart: made from the controller's and the namespace's number, so that it stays the same. What only shares the
// serial of its USB case gets one that is good until it is unplugged.
func distinguish(drives []*device) {
	seen := map[string]int{}
	for _, d := range drives {
		seen[d.info.Serial]++
	}
	for _, d := range drives {
		i := &d.info
		if seen[i.Serial] > 1 && i.WWN == "" && i.SerialSource == usbDescriptor { // several cards or drives in one case
			i.Serial = ""
			d.makeSerial()
			i.ID.Serial = i.Serial
			continue
		}
		if nsid := d.dir.number("nsid"); seen[i.Serial] > 1 && i.WWN == "" && nsid > 0 && i.OwnSerial() {
			i.Facts = append(i.Facts, drive.Fact{Name: "controller's serial", Value: i.Serial, Source: i.SerialSource})
			i.Serial = fmt.Sprintf("~ns-%x", sha256.Sum256(fmt.Appendf(nil, "%s %d", i.Serial, nsid)))[:4+10]
			i.SerialSource = "made by this station from the controller's serial and the namespace's number"
			i.ID.Serial = i.Serial
		}
	}
}

// shareUses lets what uses a drive stand against every other one that could be the same bytes: they share a name of the
// thing itself, and no WWN says for certain what they are.
func shareUses(drives []*device) {
	by := map[string][]*device{}
	for _, d := range drives {
		for _, key := range d.info.ID.Keys {
			by[key] = append(by[key], d)
		}
	}
	for _, same := range by {
		var all []drive.Use
		for _, d := range same {
			all = append(all, d.info.Uses...)
		}
		for _, d := range same {
			if len(same) > 1 {
				d.info.Uses = all
			}
		}
	}
}

// join makes one drive of the devices that share a WWN, serial and size: several paths to the same bytes. What stands
// against one path stands against the drive. It is done before anything is chosen: a path that is not presented counts.
func join(devices []*device) (drives []*device) {
	type bytes struct {
		wwn, serial string
		size        int64
	}
	first := map[bytes]*device{}
	for _, d := range devices {
		key := bytes{d.info.WWN, d.info.Serial, d.info.Size}
		head := first[key]
		if key.wwn == "" || head == nil {
			first[key] = d
			drives = append(drives, d)
			continue
		}
		head.others = append(head.others, d)
		h, i := &head.info, d.info
		h.Paths, h.Uses, h.ID.Keys = append(h.Paths, i.Path), append(h.Uses, i.Uses...), append(h.ID.Keys, i.ID.Keys...)
		h.ReadOnly = h.ReadOnly || i.ReadOnly
		if h.Problem == "" {
			h.Problem = i.Problem
		}
	}
	return drives
}
