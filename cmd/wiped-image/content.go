package main

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// folders are there before init mounts or writes anything.
var folders = []string{"dev", "proc", "sys", "run", "tmp", "etc/wiped", "var/lib", "mnt", "root", "lib/firmware"}

// certificates is where Go looks for the authorities of HTTPS.
const certificates = "etc/ssl/certs/ca-certificates.crt"

// checkWiped refuses a program that could not start: the image has no libraries for it.
func (b *build) checkWiped() error {
	f, err := elf.Open(b.wiped)
	if err != nil {
		return fmt.Errorf("read wiped: %w. Next: make build", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("check wiped: %s is not static. Next: make build, which sets CGO_ENABLED=0", b.wiped)
		}
	}
	return nil
}

// base lays out all but modules and firmware.
func (b *build) base() error {
	for _, dir := range folders {
		b.tree.Dir(dir)
	}
	b.tree.File("bin/wiped", 0o755, b.wiped)
	b.tree.Link("init", "/bin/wiped")
	b.tree.Bytes("etc/os-release", 0o644, b.osRelease())
	authorities, err := b.authorities()
	if err != nil {
		return err
	}
	b.tree.Bytes(certificates, 0o644, authorities)
	return b.program("usr/sbin/smartctl")
}

func (b *build) osRelease() []byte {
	revision := "unknown"
	if info, err := buildinfo.ReadFile(b.wiped); err == nil {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return fmt.Appendf(nil, "NAME=\"wiped\"\nID=wiped\nPRETTY_NAME=\"wiped, the disk-wipe appliance\"\nBUILD_ID=%s\n", revision)
}

// program adds a program with its loader and libraries.
func (b *build) program(path string) error {
	files, err := b.packages.Program(path)
	if err != nil {
		return err
	}
	for to, from := range files {
		b.tree.File(to, 0o755, from)
	}
	return nil
}

// authorities joins the certificates of ca-certificates, as its installation would.
func (b *build) authorities() ([]byte, error) {
	files := b.packages.Glob("usr/share/ca-certificates/mozilla/*.crt")
	slices.SortFunc(files, func(a, b string) int { return bytes.Compare([]byte(filepath.Base(a)), []byte(filepath.Base(b))) })
	var all []byte
	for _, file := range files {
		one, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("add certificate authorities: %w", err)
		}
		all = append(all, one...)
	}
	return all, nil
}
