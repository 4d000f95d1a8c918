// Package block finds the kernel's block devices in sysfs, tells what uses them, and claims and opens them.
// It knows what every block device has in common; what only one command set knows belongs beside it.
package block

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/inuse"
)

// Source finds block devices. Sys and Dev are /sys and /dev, or a test's copies of them.
type Source struct {
	Sys, Dev string
	choice   []string
}

// New reads what --drives says: all, none, or comma-separated globs of names or paths.
func New(choice string) (*Source, error) {
	s := &Source{Sys: "/sys", Dev: "/dev"}
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

func isOnlyNamed(name string) bool {
	return slices.ContainsFunc(onlyNamed, func(kind string) bool {
		rest, ok := strings.CutPrefix(name, kind)
		return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
	})
}

// chosen decides by name and size in bytes whether a device is presented.
func (s *Source) chosen(name string, size int64) bool {
	for _, glob := range s.choice {
		if glob == "all" {
			if size > 0 && !isOnlyNamed(name) {
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
		d := &device{dir: dir(filepath.Join(s.Sys, "block", e.Name())), dev: s.Dev}
		if !s.chosen(d.name(), d.size()) || d.dir.is("hidden") || d.unused() {
			continue
		}
		d.inspect(used, strings.TrimSpace(string(boot)))
		devices = append(devices, d)
	}
	return join(devices), nil
}

// join makes one drive of the devices that share a WWN, serial and size: several paths to the same bytes.
func join(devices []*device) []drive.Drive {
	var found []drive.Drive
	first := map[[2]string]*device{}
	for _, d := range devices {
		key := [2]string{d.info.WWN, d.info.Serial}
		head := first[key]
		if d.info.WWN == "" || head == nil || head.info.Size != d.info.Size {
			if d.info.WWN != "" && head == nil {
				first[key] = d
			}
			found = append(found, d)
			continue
		}
		head.others = append(head.others, d)
		head.info.Paths = append(head.info.Paths, d.info.Path)
		head.info.Uses = append(head.info.Uses, d.info.Uses...)
		head.info.ID.Keys = append(head.info.ID.Keys, d.info.ID.Keys...)
	}
	return found
}
