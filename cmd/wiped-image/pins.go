package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"wiped/cmd/wiped-image/debian"
	"wiped/cmd/wiped-image/iso"
)

//go:embed versions.lock
var versionsLock string

// What to do about the versions in versions.lock: insist on them, take the newest ones where they cannot be had any more,
// or take the newest ones.
const (
	pinsStrict = "strict"
	pinsWarn   = "warn"
	pinsOff    = "off"
)

var errPins = errors.New("--pins is strict, warn or off")

func checkPins(pins string) error {
	if !slices.Contains([]string{pinsStrict, pinsWarn, pinsOff}, pins) {
		return errPins
	}
	return nil
}

// choose takes the packages of --versions, else those of versions.lock, as far as --pins asks for them.
func (b *build) choose() ([]debian.Package, error) {
	if b.versions != "" {
		text, err := os.ReadFile(b.versions)
		if err != nil {
			return nil, fmt.Errorf("read versions: %w", err)
		}
		return debian.ParseManifest(string(text))
	}
	if b.pins == pinsOff {
		return newest()
	}
	pinned, err := debian.ParseManifest(versionsLock)
	if err == nil {
		err = debian.Fetch(b.cache, pinned)
	}
	switch {
	case err == nil:
		return pinned, nil
	case b.pins == pinsStrict:
		return nil, fmt.Errorf("versions.lock: %w; or build with the newest versions: make image PINS=warn; "+
			"or write them to versions.lock, look at what changed, and commit it: make image-update", err)
	}
	fmt.Fprintf(b.log, "warning: versions.lock: %v\nwarning: THE NEWEST PACKAGES ARE TAKEN INSTEAD, so this image is not the one that others get. Next: make image-update\n", err)
	list, err := newest()
	for _, line := range changes(pinned, list) {
		fmt.Fprintln(b.log, "warning:   "+line)
	}
	return list, err
}

// newest asks apt for what its signed lists hold.
func newest() ([]debian.Package, error) {
	kernel, err := debian.Dependency(kernelMeta, kernelPrefix)
	if err != nil {
		return nil, err
	}
	return debian.Resolve(append(slices.Concat(imagePackages, iso.Packages), kernel))
}

// changes tells in which packages two lists differ.
func changes(from, to []debian.Package) (out []string) {
	version := func(list []debian.Package, name string) string {
		n := slices.IndexFunc(list, func(p debian.Package) bool { return p.Name == name })
		if n < 0 {
			return "none"
		}
		return list[n].Version
	}
	for _, p := range slices.Concat(from, to) {
		line := fmt.Sprintf("%s: %s -> %s", p.Name, version(from, p.Name), version(to, p.Name))
		if version(from, p.Name) != version(to, p.Name) && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

// pinCommand writes the newest versions to a file such as versions.lock, and says what changed.
func pinCommand(args []string, out, errOut io.Writer) error {
	fs := flags("pin", out)
	file := fs.String("out", "", "the file to write")
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	if *file == "" {
		return usageError{errors.New("--out is missing")}
	}
	list, err := newest()
	if err != nil {
		return err
	}
	text, err := manifest(list)
	if err != nil {
		return err
	}
	pinned, _ := debian.ParseManifest(versionsLock) // one that cannot be read is replaced all the same
	for _, line := range changes(pinned, list) {
		fmt.Fprintln(out, line)
	}
	return replace(*file, text, 0o644)
}
