// Package archive makes an initramfs: a tree of files as a compressed cpio archive that is the same, byte for byte, each
// time. It knows nothing of what the files are.
package archive

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Tree is what an archive will hold, by clean relative path. Owners are always root.
type Tree map[string]Entry

// Entry is one file, directory or symbolic link; its contents are in memory or still in a file.
type Entry struct {
	Mode fs.FileMode // type and permissions
	Data []byte
	File string // where the contents are, if Data is nil
	Link string
}

// Dir adds a directory with those above it.
func (t Tree) Dir(name string) {
	name = clean(name)
	if _, there := t[name]; there || name == "." {
		return
	}
	t.Dir(path.Dir(name))
	t[name] = Entry{Mode: fs.ModeDir | 0o755}
}

// Bytes adds a file from memory.
func (t Tree) Bytes(name string, mode fs.FileMode, data []byte) {
	t.put(name, Entry{Mode: mode.Perm(), Data: append([]byte{}, data...)})
}

// File adds a copy of a file.
func (t Tree) File(name string, mode fs.FileMode, from string) {
	t.put(name, Entry{Mode: mode.Perm(), File: from})
}

// Link adds a symbolic link.
func (t Tree) Link(name, target string) {
	t.put(name, Entry{Mode: fs.ModeSymlink | 0o777, Link: target})
}

// Folder adds everything below a folder, with its permissions.
func (t Tree) Folder(name, from string) error {
	err := filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		return t.copied(path.Join(name, filepath.ToSlash(below)), file, d)
	})
	if err != nil {
		return fmt.Errorf("add folder %s: %w", from, err)
	}
	return nil
}

func (t Tree) copied(name, file string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch {
	case d.IsDir():
		t.Dir(name)
		if clean(name) != "." {
			t[clean(name)] = Entry{Mode: fs.ModeDir | info.Mode().Perm()}
		}
	case info.Mode().IsRegular():
		t.File(name, info.Mode(), file)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(file)
		if err != nil {
			return err
		}
		t.Link(name, target)
	default:
		return fmt.Errorf("%s is neither file, folder nor symbolic link", file)
	}
	return nil
}

func (t Tree) put(name string, e Entry) {
	t.Dir(path.Dir(clean(name)))
	t[clean(name)] = e
}

func clean(name string) string { return path.Clean(strings.TrimLeft(name, "/")) }
