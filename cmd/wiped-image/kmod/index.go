package kmod

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Index is every module of one kernel.
type Index struct {
	Version string
	dir     string
	modules map[string]*Module
	aliases map[string][]string // alias without wildcards -> modules
	builtin map[string]bool     // names and aliases that are part of the kernel itself
}

// ErrPacked is a kernel whose modules are compressed: newer than what this program was written for.
var ErrPacked = errors.New("its modules are compressed, which this program cannot read")

// Read indexes the modules below dir, which is a lib/modules/VERSION.
func Read(dir string) (*Index, error) {
	x := &Index{Version: filepath.Base(dir), dir: dir, modules: map[string]*Module{}, aliases: map[string][]string{}, builtin: map[string]bool{}}
	err := filepath.WalkDir(filepath.Join(dir, "kernel"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return x.add(file)
	})
	if err != nil {
		return nil, fmt.Errorf("index modules of %s: %w", x.Version, err)
	}
	if len(x.modules) == 0 {
		return nil, fmt.Errorf("index modules of %s: there are none", x.Version)
	}
	return x, x.readBuiltin()
}

func (x *Index) add(file string) error {
	switch filepath.Ext(file) {
	case ".xz", ".zst", ".gz":
		return ErrPacked
	case ".ko":
	default:
		return nil
	}
	path, err := filepath.Rel(x.dir, file)
	if err != nil {
		return err
	}
	m, err := read(file, filepath.ToSlash(path))
	if err != nil {
		return err
	}
	x.modules[m.Name] = &m
	for _, alias := range m.Aliases {
		x.aliases[Name(alias)] = append(x.aliases[Name(alias)], m.Name)
	}
	return nil
}

// readBuiltin takes modules.builtin (paths) and modules.builtin.modinfo ("NAME.alias=ALIAS", NUL-ended).
func (x *Index) readBuiltin() error {
	list, err := os.ReadFile(filepath.Join(x.dir, "modules.builtin"))
	if err != nil {
		return fmt.Errorf("read built-in modules: %w", err)
	}
	for line := range strings.FieldsSeq(string(list)) {
		x.builtin[Name(strings.TrimSuffix(filepath.Base(line), ".ko"))] = true
	}
	info, err := os.ReadFile(filepath.Join(x.dir, "modules.builtin.modinfo"))
	if err != nil {
		return fmt.Errorf("read built-in modules: %w", err)
	}
	for _, field := range bytes.Split(info, []byte{0}) {
		if key, alias, _ := strings.Cut(string(field), "="); strings.HasSuffix(key, ".alias") {
			x.builtin[Name(alias)] = true
		}
	}
	return nil
}

// lookup turns a name or an alias into modules; a built-in one is none, and found all the same.
func (x *Index) lookup(word string) (found []string, ok bool) {
	word = Name(word)
	if _, is := x.modules[word]; is {
		return []string{word}, true
	}
	if list := x.aliases[word]; len(list) > 0 {
		return list, true
	}
	return nil, x.builtin[word]
}
