// Package iso makes a hybrid ISO: one file that boots from a CD or a USB stick, by BIOS or by UEFI with Secure Boot. It
// knows boot loaders and layouts, and nothing of what is booted.
package iso

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Tools are the programs and boot loaders of Debian's packages.
type Tools interface {
	Find(path string) (string, error)
	Run(when time.Time, dir, program string, args ...string) (string, error)
}

// Packages are the Debian packages that the Tools must hold.
var Packages = []string{"shim-signed", "shim-helpers-amd64-signed", "grub-efi-amd64-signed", "grub-pc-bin", "grub-common", "mtools", "xorriso"}

// Image says what is booted.
type Image struct {
	Kernel, Initramfs string // files
	Args              string // for the kernel
	When              time.Time
}

// earliest is where the clock of FAT begins.
var earliest = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// builder works in a folder that is thrown away: tree is what the ISO will show.
type builder struct {
	Image
	tools      Tools
	work, tree string
	mark       string // a file by which GRUB knows this ISO among other drives
}

// Write makes the ISO as the file out, whole or not at all.
func Write(tools Tools, image Image, out string) error {
	work, err := os.MkdirTemp(filepath.Dir(out), "iso-")
	if err != nil {
		return fmt.Errorf("write ISO: %w", err)
	}
	defer os.RemoveAll(work)
	if image.When.Before(earliest) {
		image.When = earliest
	}
	b := &builder{Image: image, tools: tools, work: work, tree: filepath.Join(work, "tree")}
	for _, step := range []func() error{b.boot, b.bios, b.efi, b.age} {
		if err := step(); err != nil {
			return fmt.Errorf("write ISO: %w", err)
		}
	}
	whole := filepath.Join(work, "iso")
	if err := b.xorriso(whole); err != nil {
		return fmt.Errorf("write ISO: %w", err)
	}
	if err := os.Rename(whole, out); err != nil {
		return fmt.Errorf("write ISO: %w", err)
	}
	return nil
}

// boot lays out what is booted and GRUB's menu.
func (b *builder) boot() error {
	kernel, err := os.ReadFile(b.Kernel)
	if err != nil {
		return err
	}
	initramfs, err := os.ReadFile(b.Initramfs)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append(kernel, initramfs...))
	b.mark = "/boot/wiped-" + hex.EncodeToString(sum[:8])
	return b.put(map[string][]byte{
		"boot/vmlinuz":       kernel,
		"boot/initramfs.zst": initramfs,
		b.mark:               nil,
		"boot/grub/grub.cfg": b.menu(),
	})
}

// put writes files of the tree, open to all whatever the umask.
func (b *builder) put(files map[string][]byte) error {
	for name, data := range files {
		file := filepath.Join(b.tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// age gives all files of the tree the one time, and the permissions that a umask may have taken.
func (b *builder) age() error {
	return filepath.WalkDir(b.tree, func(file string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if d.IsDir() {
			mode = 0o755
		}
		if err := os.Chmod(file, mode); err != nil {
			return err
		}
		return os.Chtimes(file, b.When, b.When)
	})
}
