package nvme

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// headName is a namespace's block device: nvme0n1. A partition is none, nor is nvme0c1n1, a path that multipath hides.
var headName = regexp.MustCompile(`^nvme[0-9]+n[0-9]+$`)

// head is a namespace that the kernel has a block device for.
type head struct {
	name string
	nsid uint32
}

// heads finds the block devices of all namespaces of the subsystem that the namespace in the folder sys belongs to, itself
// included. What is said of one of them must be said of all: where it cannot be told, nothing is.
func heads(sys string) ([]head, error) {
	own, err := subsystemOf(sys)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Dir(sys))
	if err != nil {
		return nil, fmt.Errorf("list block devices: %w", err)
	}
	var found []head
	for _, e := range entries {
		if !headName.MatchString(e.Name()) {
			continue
		}
		dir := filepath.Join(filepath.Dir(sys), e.Name())
		nsid, same, err := own.namespace(dir)
		switch {
		case err != nil && gone(dir): // unplugged while we looked
		case err != nil:
			return nil, fmt.Errorf("tell whether %s is a part of the same drive: %w", e.Name(), err)
		case same:
			found = append(found, head{e.Name(), nsid})
		}
	}
	return found, nil
}

// namespace reads the number of the namespace in a folder, if it is one of the subsystem.
func (s subsystem) namespace(dir string) (nsid uint32, same bool, err error) {
	other, err := subsystemOf(dir)
	if err != nil {
		return 0, false, err
	}
	if same, err = s.same(other); err != nil || !same {
		return 0, false, err
	}
	nsid, err = nsidOf(dir)
	return nsid, err == nil, err
}

func gone(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

// subsystem is what tells an NVM subsystem from another in sysfs.
type subsystem struct {
	nqn    string // its qualified name; empty: the kernel does not show it
	parent string // folder of the controller, or of the subsystem under native multipath
}

func subsystemOf(dir string) (subsystem, error) {
	parent, err := filepath.EvalSymlinks(filepath.Join(dir, "device"))
	if err != nil {
		return subsystem{}, err
	}
	nqn, err := os.ReadFile(filepath.Join(parent, "subsysnqn"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return subsystem{}, err
	}
	return subsystem{nqn: strings.TrimSpace(string(nqn)), parent: parent}, nil
}

// same compares two. Controllers of one subsystem have folders of their own, so that without both names different folders
// prove nothing.
func (s subsystem) same(other subsystem) (bool, error) {
	if s.parent == other.parent {
		return true, nil
	}
	if s.nqn == "" || other.nqn == "" {
		return false, errors.New("the kernel does not show the name of its subsystem")
	}
	return s.nqn == other.nqn, nil
}

func nsidOf(dir string) (uint32, error) {
	b, err := os.ReadFile(filepath.Join(dir, "nsid"))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	return uint32(n), err
}
