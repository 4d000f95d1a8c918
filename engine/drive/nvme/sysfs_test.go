package nvme

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"wiped/engine/drive"
)

// TestHeads proves which block devices are taken for one drive, and that doubt is an error.
func TestHeads(t *testing.T) {
	one := map[string]string{"nvme0": "nqn.one", "nvme1": "nqn.one", "nvme2": "nqn.two", "nvme-subsys0": "nqn.one"}
	for name, c := range map[string]struct {
		entries map[string]entry
		nqns    map[string]string
		want    string // empty: an error
	}{
		"two namespaces of one controller": {map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme0n2": {"nvme0", "2"}, "nvme2n1": {"nvme2", "1"}}, one,
			"[{nvme0n1 1} {nvme0n2 2}]"},
		"native multipath": {map[string]entry{"nvme0n1": {"nvme-subsys0", "1"}, "nvme0n3": {"nvme-subsys0", "3"}, "nvme0c0n1": {"nvme0", "1"},
			"nvme0c1n1": {"nvme1", "1"}}, one, "[{nvme0n1 1} {nvme0n3 3}]"},
		"multipath, and one that is private": {map[string]entry{"nvme0n1": {"nvme-subsys0", "1"}, "nvme0n2": {"nvme1", "2"}}, one,
			"[{nvme0n1 1} {nvme0n2 2}]"},
		"two controllers": {map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme1n1": {"nvme1", "1"}, "nvme2n1": {"nvme2", "1"}}, one,
			"[{nvme0n1 1} {nvme1n1 1}]"},
		"alone, without a name":            {map[string]entry{"nvme0n1": {"nvme0", "1"}, "sda": {"ata1", ""}}, nil, "[{nvme0n1 1}]"},
		"one controller, without a name":   {map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme0n2": {"nvme0", "2"}}, nil, "[{nvme0n1 1} {nvme0n2 2}]"},
		"two, without names":               {map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme1n1": {"nvme1", "1"}}, nil, ""},
		"another one without a name":       {map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme3n1": {"nvme3", "1"}}, one, ""},
		"a number that is none":            {map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme0n2": {"nvme0", "x"}}, one, ""},
		"another drive's may be anything":  {map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme2n2": {"nvme2", "x"}}, one, "[{nvme0n1 1}]"},
		"a number that is larger than any": {map[string]entry{"nvme0n1": {"nvme0", "4294967296"}}, one, ""},
	} {
		sys := newTree(t, c.entries, c.nqns)
		got, err := heads(filepath.Join(sys, "nvme0n1"))
		if (err != nil) != (c.want == "") || (err == nil && fmt.Sprint(got) != c.want) {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
}

// TestGone proves that a namespace without a folder, or a folder without its controller, is an error and no drive alone.
func TestGone(t *testing.T) {
	sys := newTree(t, map[string]entry{"nvme0n1": {"nvme0", "1"}, "nvme0n2": {"nvme0", "2"}}, nil)
	if got, err := heads(filepath.Join(sys, "nvme7n1")); err == nil {
		t.Error(got)
	}
	if err := os.Remove(filepath.Join(sys, "nvme0n2", "device")); err != nil {
		t.Fatal(err)
	}
	if got, err := heads(filepath.Join(sys, "nvme0n1")); err == nil {
		t.Error(got)
	}
}

// TestPaths proves that further paths to the same namespace are not something else that would be erased.
func TestPaths(t *testing.T) {
	kernel := []head{{"nvme0n1", 1}, {"nvme1n1", 1}, {"nvme1n2", 2}}
	n := drive.Node{Sys: "/sys/block/nvme0n1", Info: drive.Info{Paths: []string{"/dev/nvme0n1", "/dev/nvme1n1", "/dev/nvme1n2"}}}
	for name, c := range map[string]struct {
		paths int
		want  string
	}{
		"one path":  {1, "[{nvme1n1 namespace 1 by way of another controller} {nvme1n2 namespace 2}]"},
		"two paths": {2, "[{nvme1n2 namespace 2}]"},
		"another namespace is no path, whatever is said": {3, "[{nvme1n2 namespace 2}]"},
	} {
		node := n
		node.Info.Paths = n.Info.Paths[:c.paths]
		if got, err := reaches([]uint32{1, 2}, kernel, 1, node); err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
}
