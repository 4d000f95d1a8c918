package main

import (
	"bytes"
	"fmt"
	"strings"

	"wiped/cmd/wiped-image/debian"
)

// imagePackages are those whose files go into the initramfs, and xz-utils to unpack the kernel.
var imagePackages = []string{"smartmontools", "ca-certificates", "firmware-linux-free", "xz-utils"}

// The kernel is what Debian's meta-package points to.
const (
	kernelMeta   = "linux-image-amd64"
	kernelPrefix = "linux-image-"
)

// fetch has the packages at hand, unpacked, and writes down which they are.
func (b *build) fetch() error {
	list, err := b.choose()
	if err != nil {
		return err
	}
	if err := debian.Fetch(b.cache, list); err != nil {
		return err
	}
	text, err := manifest(list)
	if err != nil {
		return err
	}
	if err := replace(b.at("manifest.txt"), text, 0o644); err != nil {
		return err
	}
	b.packages, err = debian.Unpack(b.cache, list)
	return err
}

func manifest(list []debian.Package) ([]byte, error) {
	var text bytes.Buffer
	err := debian.WriteManifest(&text, list)
	return text.Bytes(), err
}

// kernelVersion is the name of the one folder of modules.
func (b *build) kernelVersion() (string, error) {
	found := b.packages.Glob("lib/modules/*")
	if len(found) != 1 {
		return "", fmt.Errorf("find kernel: %d of the packages have modules, want 1. Next: correct --versions, or leave it out", len(found))
	}
	return found[0][strings.LastIndexByte(found[0], '/')+1:], nil
}
