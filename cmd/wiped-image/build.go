package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"wiped/cmd/wiped-image/archive"
	"wiped/cmd/wiped-image/debian"
	"wiped/cmd/wiped-image/iso"
	"wiped/cmd/wiped-image/kmod"
)

// order is what was asked for.
type order struct {
	wiped, out, cache, firmware, extra, versions, pins string
	vmlinux, noISO, lab                                bool
	when                                               time.Time
}

// build is an order on its way.
type build struct {
	order
	log      io.Writer
	packages *debian.Root
	version  string // of the kernel
	modules  *kmod.Selection
	tree     archive.Tree
}

func buildCommand(args []string, out, errOut io.Writer) error {
	var o order
	fs := flags("wiped-image", out)
	fs.StringVar(&o.wiped, "wiped", "", "the static wiped program")
	fs.StringVar(&o.out, "out", "", "where to write the image")
	fs.StringVar(&o.cache, "cache", "", "where to keep packages (default: wiped-image in the user's cache)")
	fs.StringVar(&o.firmware, "firmware", "", "add the files of this folder to /lib/firmware")
	fs.StringVar(&o.extra, "extra", "", "lay this folder over the initramfs")
	fs.StringVar(&o.versions, "versions", "", "fetch exactly the packages of this manifest.txt")
	fs.StringVar(&o.pins, "pins", pinsStrict, "what to do about the versions in versions.lock: strict, warn (take the newest ones where they are gone) or off")
	fs.BoolVar(&o.vmlinux, "vmlinux", false, "write the unpacked kernel too, which boots faster in an emulator")
	fs.BoolVar(&o.lab, "lab", false, "write lab.zst too: what tests lay over the image")
	fs.BoolVar(&o.noISO, "no-iso", false, "leave out the ISO")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if o.wiped == "" || o.out == "" {
		return usageError{errors.New("--wiped and --out are needed")}
	}
	if err := checkPins(o.pins); err != nil {
		return usageError{err}
	}
	return o.run(out, errOut)
}

// run takes the steps in order; each leaves what the next one needs.
func (o order) run(out, errOut io.Writer) error {
	b := &build{order: o, log: errOut, tree: archive.Tree{}}
	for _, step := range []func() error{
		b.prepare, b.checkWiped, b.fetch, b.kernel, b.selectModules, b.base, b.addModules, b.addFirmware, b.writeInitramfs, b.writeBoot, b.writeISO, b.writeLab,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return b.report(out)
}

func (b *build) prepare() (err error) {
	if b.when, err = buildTime(); err != nil {
		return err
	}
	if b.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find a place for packages: %w. Next: name one with --cache", err)
		}
		b.cache = filepath.Join(dir, "wiped-image")
	}
	for _, dir := range []*string{&b.cache, &b.out} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.MkdirAll(*dir, 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

func (b *build) writeISO() error {
	if b.noISO {
		return nil
	}
	image := iso.Image{Kernel: b.at("vmlinuz"), Initramfs: b.at("initramfs.zst"), Args: kernelArgs, When: b.when}
	return iso.Write(b.packages, image, b.at("wiped.iso"))
}

func (b *build) at(name string) string { return filepath.Join(b.out, name) }
