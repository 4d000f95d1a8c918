package main

import (
	_ "embed"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wiped/cmd/wiped-image/archive"
	"wiped/cmd/wiped-image/kmod"
)

//go:embed modules.list
var modulesList string

// modulesDir is where the kernel's modules are, in the package and in the image.
const modulesDir = "lib/modules"

func (b *build) selectModules() error {
	list, err := kmod.ParseList(modulesList)
	if err != nil {
		return err
	}
	dir, err := b.packages.Find(path.Join(modulesDir, b.version))
	if err != nil {
		return err
	}
	index, err := kmod.Read(dir)
	if err != nil {
		return err
	}
	if b.modules, err = index.Select(list); err != nil {
		return err
	}
	for _, name := range b.modules.Missing {
		fmt.Fprintf(b.log, "warning: kernel %s has no module %s\n", b.version, name)
	}
	return nil
}

// addModules adds them as they are: they carry the signatures that Secure Boot asks for.
func (b *build) addModules() error {
	to := path.Join(modulesDir, b.version)
	dir, err := b.packages.Find(to)
	if err != nil {
		return err
	}
	for _, m := range b.modules.Modules {
		b.tree.File(path.Join(to, m.Path), 0o644, filepath.Join(dir, m.Path))
	}
	for name, text := range b.modules.Files() {
		b.tree.Bytes(path.Join(to, name), 0o644, []byte(text))
	}
	for _, name := range []string{"modules.builtin", "modules.builtin.modinfo"} {
		b.tree.File(path.Join(to, name), 0o644, filepath.Join(dir, name))
	}
	return nil
}

// addFirmware adds what the modules may ask for from Debian's free firmware, and all of --firmware; firmware.txt says
// which files are there and which are not.
func (b *build) addFirmware() error {
	wanted := b.modules.Firmware()
	for name := range wanted {
		if file, err := b.packages.Find(path.Join("lib/firmware", name)); err == nil {
			b.tree.File(path.Join("lib/firmware", name), 0o644, file)
		}
	}
	if b.firmware != "" {
		if err := b.tree.Folder("lib/firmware", b.firmware); err != nil {
			return err
		}
	}
	return replace(b.at("firmware.txt"), []byte(firmwareList(b.tree, wanted)), 0o644)
}

func firmwareList(tree archive.Tree, wanted map[string][]string) string {
	var s strings.Builder
	s.WriteString("# firmware that the drivers of the image may ask for; add files with --firmware\n")
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		state := "missing"
		if _, there := tree[path.Join("lib/firmware", name)]; there {
			state = "there"
		}
		fmt.Fprintf(&s, "%-7s %s (%s)\n", state, name, strings.Join(wanted[name], ", "))
	}
	return s.String()
}
