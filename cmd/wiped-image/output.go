package main

import (
	"fmt"
	"io"
	"os"

	"wiped/cmd/wiped-image/archive"
)

// writeInitramfs writes the tree, and what --extra lays over it.
func (b *build) writeInitramfs() error {
	data, err := b.tree.Pack(b.when)
	if err != nil {
		return err
	}
	if b.extra != "" {
		second, err := overlay(b.extra)
		if err != nil {
			return err
		}
		data = append(append(data, archive.Pad(len(data))...), second...)
	}
	return replace(b.at("initramfs.zst"), data, 0o644)
}

// writeBoot writes what those need who boot the kernel themselves: its arguments, and a script for iPXE, whose UEFI
// variant hands over the initramfs by the name in initrd=.
func (b *build) writeBoot() error {
	if err := replace(b.at("cmdline"), []byte("quiet "+kernelArgs+"\n"), 0o644); err != nil {
		return err
	}
	script := "#!ipxe\nkernel vmlinuz initrd=initramfs.zst quiet " + kernelArgs + " console=ttyS0,115200n8 console=tty0\ninitrd initramfs.zst\nboot\n"
	return replace(b.at("wiped.ipxe"), []byte(script), 0o644)
}

// report prints what there is now, and how large.
func (b *build) report(out io.Writer) error {
	fmt.Fprintf(out, "kernel %s, %d modules, %d files\n\n", b.version, len(b.modules.Modules), len(b.tree))
	for _, name := range []string{"vmlinuz", "vmlinux", "initramfs.zst", "wiped.iso"} {
		info, err := os.Stat(b.at(name))
		if os.IsNotExist(err) || (name == "wiped.iso" && b.noISO) || (name == "vmlinux" && !b.vmlinux) {
			continue
		}
		if err != nil {
			return fmt.Errorf("report sizes: %w", err)
		}
		fmt.Fprintf(out, "%-14s %6.1f MB  %s\n", name, float64(info.Size())/1e6, b.at(name))
	}
	return nil
}
