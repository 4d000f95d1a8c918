// Package inuse reads from /proc and /sys what the machine is doing with its drives.
// It knows device numbers and inodes, and nothing of what a drive is.
package inuse

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// File names a thing that can be open: a regular file by device and inode, a block device by its number alone.
type File struct{ Device, Inode uint64 }

// Block is the File of a block device.
func Block(rdev uint64) File { return File{Device: rdev} }

// Of tells what a path is, following links. Regular files and block devices only.
//
// It asks for what the machine knows already, and no server: a file on a network filesystem whose server is dead, open in
// any process, must not hold up the look at the drives.
func Of(path string) (File, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE|unix.STATX_INO, &st); err != nil {
		return File{}, fmt.Errorf("stat %s: %w", path, err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return File{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}, nil
	case unix.S_IFBLK:
		return Block(unix.Mkdev(st.Rdev_major, st.Rdev_minor)), nil
	}
	return File{}, errors.New("neither a file nor a block device")
}

// Snapshot is who used what at one look.
type Snapshot struct {
	Mounts  map[uint64][]string // device number of the filesystem -> mount points
	Sources map[File][]string   // what was mounted -> mount points
	Swaps   map[File]bool
	Loops   map[File][]string // what backs a loop device -> its names
	Openers map[File][]string // what is open -> "77 (dd)"; this process is left out
	Root    uint64            // device number of the root filesystem
}

// Look takes a snapshot. What cannot be read for want of permission is left out: the exclusive claim still counts.
func Look() (*Snapshot, error) {
	s := &Snapshot{Mounts: map[uint64][]string{}, Sources: map[File][]string{}, Swaps: map[File]bool{},
		Loops: map[File][]string{}, Openers: map[File][]string{}}
	var root unix.Stat_t
	if err := unix.Stat("/", &root); err != nil {
		return nil, fmt.Errorf("look at the root filesystem: %w", err)
	}
	s.Root = root.Dev
	if err := s.mounts(); err != nil {
		return nil, err
	}
	if err := s.swaps("/proc/swaps"); err != nil {
		return nil, err
	}
	s.loops("/sys/block")
	s.openers("/proc")
	return s, nil
}

func (s *Snapshot) mounts() error {
	list, err := mountinfo.GetMounts(nil)
	if err != nil {
		return fmt.Errorf("read mounts: %w", err)
	}
	for _, m := range list {
		dev := unix.Mkdev(uint32(m.Major), uint32(m.Minor))
		s.Mounts[dev] = append(s.Mounts[dev], m.Mountpoint)
		if !strings.HasPrefix(m.Source, "/") {
			continue
		}
		// btrfs shows an anonymous device number; its source still names one of the members.
		if f, err := Of(m.Source); err == nil {
			s.Sources[f] = append(s.Sources[f], m.Mountpoint)
		}
	}
	return nil
}

// swaps reads a table like /proc/swaps, in which blanks of a path stand as \040.
func (s *Snapshot) swaps(table string) error {
	f, err := os.Open(table)
	if os.IsNotExist(err) {
		return nil // a kernel without swap
	}
	if err != nil {
		return fmt.Errorf("read swaps: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		path, _, _ := strings.Cut(lines.Text(), " ")
		if at, err := Of(unescape(path)); err == nil {
			s.Swaps[at] = true
		}
	}
	return lines.Err()
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// loops finds what backs each loop device: by the path in sysfs, else, where that cannot be seen from here, by the
// kernel's own numbers. Those cost an open, which another wiped would take for a use.
func (s *Snapshot) loops(sys string) {
	dirs, _ := filepath.Glob(filepath.Join(sys, "loop*"))
	for _, dir := range dirs {
		name := filepath.Base(dir)
		path, err := os.ReadFile(filepath.Join(dir, "loop/backing_file"))
		if err != nil {
			continue // not set up
		}
		at, err := Of(strings.TrimSuffix(string(path), "\n"))
		if err != nil {
			at, err = backing("/dev/" + name)
		}
		if err == nil {
			s.Loops[at] = append(s.Loops[at], name)
		}
	}
}

func backing(dev string) (File, error) {
	fd, err := unix.Open(dev, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return File{}, err
	}
	defer unix.Close(fd)
	info, err := unix.IoctlLoopGetStatus64(fd)
	if err != nil {
		return File{}, err
	}
	if info.Rdevice != 0 { // a block device stands behind it
		return Block(info.Rdevice), nil
	}
	return File{info.Device, info.Inode}, nil
}

func (s *Snapshot) openers(proc string) {
	dirs, _ := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	self := fmt.Sprint(os.Getpid())
	for _, dir := range dirs {
		if pid := filepath.Base(dir); pid != self && !isOurs(dir, self) {
			s.openIn(dir, pid)
		}
	}
}

// What this program starts on drives: asker asks for their health, and reads only; sender has a command to send for a job.
const (
	asker  = "smartctl"
	sender = "wiped-order"
)

// isOurs tells whether a process is one of these, started by this program.
func isOurs(dir, self string) bool {
	stat, err := os.ReadFile(filepath.Join(dir, "stat")) // PID (COMMAND) STATE PARENT ..., proc(5)
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), "(")
	at := strings.LastIndexByte(rest, ')')
	if at < 0 || rest[:at] != asker && rest[:at] != sender {
		return false
	}
	fields := strings.Fields(rest[at+1:])
	return len(fields) > 1 && fields[1] == self
}

func (s *Snapshot) openIn(dir, pid string) {
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return // ended meanwhile, or not ours to look into
	}
	seen := map[File]bool{}
	for _, fd := range fds {
		at, err := Of(filepath.Join(dir, "fd", fd.Name()))
		if err != nil || seen[at] {
			continue
		}
		seen[at] = true
		s.Openers[at] = append(s.Openers[at], pid+command(dir))
	}
}

func command(dir string) string {
	comm, err := os.ReadFile(filepath.Join(dir, "comm"))
	if err != nil {
		return ""
	}
	return " (" + strings.TrimSpace(string(comm)) + ")"
}
