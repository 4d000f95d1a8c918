package boot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mount is a file system that a station needs.
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

const noPrograms = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// mounts are made in this order.
var mounts = []mount{
	{"proc", "/proc", "proc", noPrograms, ""},
	{"sysfs", "/sys", "sysfs", noPrograms, ""},
	{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0755"},
	{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0620,ptmxmode=0666"},
	{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755,size=10%"},
	{"tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777,size=10%"},
}

// efivars is there only on machines that started by UEFI, and its driver is a module.
var efivars = mount{"efivarfs", "/sys/firmware/efi/efivars", "efivarfs", noPrograms | unix.MS_RDONLY, ""}

// make mounts it unless it is mounted: after a crash of the server everything still is.
func (m mount) make() error {
	if mounted(m.target) {
		return nil
	}
	if err := os.MkdirAll(m.target, 0o755); err != nil && m.target != "/sys/firmware/efi/efivars" {
		return fmt.Errorf("mount %s: %w", m.target, err)
	}
	err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data)
	if err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
	}
	return nil
}

// mounted tells whether something is mounted on target itself.
func mounted(target string) bool { return mountAt(target).target != "" }

// mountAt is what is mounted on target; its zero value: nothing.
func mountAt(target string) (last mount) {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for _, m := range parseMounts(text) {
		if m.target == target {
			last = m
		}
	}
	return last
}

// parseMounts reads mountinfo: what is mounted where, the latest one last.
func parseMounts(text []byte) (out []mount) {
	for line := range bytes.Lines(text) {
		front, back, ok := strings.Cut(string(line), " - ")
		left, right := strings.Fields(front), strings.Fields(back)
		if ok && len(left) >= 5 && len(right) >= 2 {
			out = append(out, mount{source: right[1], target: left[4], kind: right[0]})
		}
	}
	return out
}

// mountAll makes all mounts and goes on past one that fails.
func mountAll() (errs []error) {
	for _, m := range mounts {
		if err := m.make(); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
