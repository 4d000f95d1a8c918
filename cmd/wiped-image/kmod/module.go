// Package kmod knows the modules of a kernel: what each needs, which to take along, and the text files by which they are
// found at run time. It knows nothing of packages or images.
package kmod

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"
)

// Module is one .ko file and what its .modinfo section says.
type Module struct {
	Name     string // with underscores, as the kernel shows it
	Path     string // below lib/modules/VERSION
	Depends  []string
	Aliases  []string
	Pre      []string // to load before it if there: names or aliases
	Post     []string // to load after it
	Firmware []string // files it may ask for
}

// Name is the kernel's own spelling of a module: files and lists write '-' and '_' as they like.
func Name(s string) string { return strings.ReplaceAll(s, "-", "_") }

// read opens one module. Its signature is behind the ELF data and is left alone.
func read(file, path string) (Module, error) {
	base := path[strings.LastIndexByte(path, '/')+1:]
	m := Module{Name: Name(strings.TrimSuffix(base, ".ko")), Path: path}
	f, err := elf.Open(file)
	if err != nil {
		return m, fmt.Errorf("read module %s: %w", path, err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return m, fmt.Errorf("read module %s: it has no .modinfo section", path)
	}
	info, err := section.Data()
	if err != nil {
		return m, fmt.Errorf("read module %s: %w", path, err)
	}
	m.parse(info)
	return m, nil
}

// parse takes the key=value strings of a .modinfo section, each ended by a NUL byte.
func (m *Module) parse(info []byte) {
	for _, field := range bytes.Split(info, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "depends":
			m.Depends = names(strings.FieldsFunc(value, func(r rune) bool { return r == ',' }))
		case "alias":
			m.Aliases = append(m.Aliases, value)
		case "firmware":
			m.Firmware = append(m.Firmware, value)
		case "softdep":
			m.soft(strings.Fields(value))
		}
	}
}

// soft takes the words of "pre: a b post: c".
func (m *Module) soft(words []string) {
	list := &m.Pre
	for _, word := range words {
		switch word {
		case "pre:":
			list = &m.Pre
		case "post:":
			list = &m.Post
		default:
			*list = append(*list, word)
		}
	}
}

func names(list []string) []string {
	for i := range list {
		list[i] = Name(list[i])
	}
	return list
}
