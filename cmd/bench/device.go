package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// device is a block device that this lab made.
type device struct {
	path string // /dev/loop7
	size int64
}

func (d device) name() string { return filepath.Base(d.path) }

// number is the device's major:minor.
func (d device) number() (string, error) {
	text, err := os.ReadFile(filepath.Join("/sys/block", d.name(), "dev"))
	return strings.TrimSpace(string(text)), err
}

// loops makes n loop devices of size bytes each over files in memory that are there already: what is measured is not how the system
// finds memory for them.
func (l *lab) loops(n int, size int64) (devices []device, err error) {
	if err := l.needMemory(int64(n) * size); err != nil {
		return nil, err
	}
	for i := range n {
		file := filepath.Join(l.ram, fmt.Sprintf("drive-%d-%d", i, time.Now().UnixNano()))
		d, err := l.loop(file, size)
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, nil
}

func (l *lab) loop(file string, size int64) (device, error) {
	if err := fillFile(file, size); err != nil {
		return device{}, err
	}
	l.later(func() error { return os.Remove(file) })
	before, err := os.ReadDir("/sys/block")
	if err != nil {
		return device{}, err
	}
	out, err := command(l.ctx, "losetup", "--find", "--show", "--direct-io=on", file).Output()
	if err != nil {
		return device{}, fmt.Errorf("make a loop device: %w", explain(err))
	}
	d := device{strings.TrimSpace(string(out)), size}
	old := slices.ContainsFunc(before, func(e os.DirEntry) bool { return e.Name() == d.name() })
	l.later(func() error {
		err := explain(exec.Command("losetup", "--detach", d.path).Run())
		if err == nil && !old {
			forgetLoop(d.name())
		}
		return err
	})
	if mode, err := os.ReadFile(filepath.Join("/sys/block", d.name(), "loop/dio")); err != nil || strings.TrimSpace(string(mode)) != "1" {
		return device{}, fmt.Errorf("%s has no direct I/O: %w", d.path, errors.Join(err, errors.New("this kernel's tmpfs does not take it")))
	}
	return d, nil
}

// forgetLoop removes a loop device that the kernel made for us. It refuses while somebody uses it, and that is all right.
func forgetLoop(name string) {
	number, err := strconv.Atoi(strings.TrimPrefix(name, "loop"))
	if err != nil {
		return
	}
	if ctl, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0); err == nil {
		_ = unix.IoctlSetInt(int(ctl.Fd()), unix.LOOP_CTL_REMOVE, number)
		ctl.Close()
	}
}

// fillFile writes ones, which nothing that erases leaves.
func fillFile(file string, size int64) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	ones := make([]byte, mib)
	for i := range ones {
		ones[i] = 0xFF
	}
	for done := int64(0); done < size; done += int64(len(ones)) {
		if _, err := f.Write(ones[:min(int64(len(ones)), size-done)]); err != nil {
			return err
		}
	}
	return nil
}

const zramControl = "/sys/class/zram-control"

// zramDrive makes a zram device of size bytes. Zeros take no memory on it.
func (l *lab) zramDrive(size int64) (device, error) {
	text, err := os.ReadFile(zramControl + "/hot_add")
	if err != nil {
		return device{}, fmt.Errorf("make a zram device: %w. Next: modprobe zram", err)
	}
	id := strings.TrimSpace(string(text))
	if _, err := strconv.Atoi(id); err != nil {
		return device{}, fmt.Errorf("make a zram device: its number is %q", id)
	}
	d := device{"/dev/zram" + id, size}
	sys := "/sys/block/zram" + id
	l.later(func() error {
		return errors.Join(tell(sys+"/reset", "1"), tell(zramControl+"/hot_remove", id))
	})
	if err := tell(sys+"/disksize", strconv.FormatInt(size, 10)); err != nil {
		return device{}, fmt.Errorf("make a zram device: %w", err)
	}
	_, err = sketchWrite(d, fillZeros) // a new one is a third faster once
	return d, err
}

// tell writes one line to a file of the kernel.
func tell(file, line string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

func names(devices []device) (list []string) {
	for _, d := range devices {
		list = append(list, d.name())
	}
	return list
}
