package block

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wiped/engine/drive"
)

// tree is a copy of sysfs and /dev as far as Find looks at them.
type tree struct {
	t         testing.TB
	root      string
	sys, dev  string
	lastMinor int
}

func newTree(t testing.TB) *tree {
	t.Helper()
	root := t.TempDir()
	tr := &tree{t: t, root: root, sys: filepath.Join(root, "sys"), dev: filepath.Join(root, "dev")}
	for _, dir := range []string{filepath.Join(tr.sys, "block"), tr.dev} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

type attrs map[string]string

func (tr *tree) write(path, text string) {
	tr.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

// disk adds a block device below sys/devices, with a link in sys/block and a node in dev. Attributes under device/ are
// kept where the link `device` leads, as in the kernel: two folders up, or where `device` says.
func (tr *tree) disk(path string, more attrs) string {
	tr.t.Helper()
	name := filepath.Base(path)
	dir := filepath.Join(tr.sys, "devices", path)
	tr.lastMinor++
	all := attrs{"size": "2048", "ro": "0", "removable": "0", "hidden": "0", "diskseq": fmt.Sprint(tr.lastMinor), "dev": fmt.Sprintf("240:%d", tr.lastMinor*16),
		"queue/logical_block_size": "512", "queue/physical_block_size": "4096", "queue/rotational": "0"}
	for attr, text := range more {
		all[attr] = text
	}
	if err := os.MkdirAll(filepath.Join(dir, "holders"), 0o700); err != nil {
		tr.t.Fatal(err)
	}
	parent := filepath.Dir(dir)
	if filepath.Base(parent) == "block" {
		parent = filepath.Dir(parent)
	}
	if !strings.Contains(path, "virtual/block") {
		if err := os.Symlink(parent, filepath.Join(dir, "device")); err != nil {
			tr.t.Fatal(err)
		}
	}
	for attr, text := range all {
		if text != "ABSENT" {
			tr.write(filepath.Join(dir, attr), text)
		}
	}
	if err := os.Symlink(dir, filepath.Join(tr.sys, "block", name)); err != nil {
		tr.t.Fatal(err)
	}
	tr.write(filepath.Join(tr.dev, strings.ReplaceAll(name, "!", "/")), "")
	return dir
}

func (tr *tree) source(choice string) *Source {
	tr.t.Helper()
	s, err := New(choice)
	if err != nil {
		tr.t.Fatalf("New(%q) = %v; want no error", choice, err)
	}
	s.Sys, s.Dev = tr.sys, tr.dev
	return s
}

func (tr *tree) find(choice string) []drive.Info {
	tr.t.Helper()
	found, err := tr.source(choice).Find()
	if err != nil {
		tr.t.Fatalf("Find(%q) = %v; want no error", choice, err)
	}
	var infos []drive.Info
	for _, d := range found {
		infos = append(infos, d.Info())
	}
	return infos
}

// one finds the one drive of a tree, whatever its kind.
func (tr *tree) one() drive.Info {
	tr.t.Helper()
	infos := tr.find("*")
	if len(infos) != 1 {
		tr.t.Fatalf("Find(*) = %d drives %+v; want 1", len(infos), infos)
	}
	return infos[0]
}

func names(infos []drive.Info) (list []string) {
	for _, i := range infos {
		list = append(list, i.Name)
	}
	return list
}

func pg(serial string) string {
	return string([]byte{0, 0x80, byte(len(serial) >> 8), byte(len(serial))}) + serial
}
