package block

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTwoPaths(t *testing.T) {
	const wwid = "naa.5000c500a1b2c3d4"
	both := attrs{"device/vpd_pg80": pg("ZA1"), "wwid": wwid}
	second := strings.ReplaceAll(sas, "host1", "host2")
	with := func(more attrs) attrs {
		all := attrs{}
		for k, v := range both {
			all[k] = v
		}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	t.Run("joined", func(t *testing.T) {
		for _, held := range []string{"", "sda", "sdb"} {
			tr := newTree(t)
			dirs := map[string]string{"sda": tr.disk(sas+"sda", both), "sdb": tr.disk(second+"sdb", both)}
			if held != "" {
				tr.write(filepath.Join(dirs[held], "holders", "dm-0", "dm", "name"), "mpatha")
			}
			got := tr.one()
			if got.Name != "sda" || !slices.Equal(got.Paths, []string{filepath.Join(tr.dev, "sda"), filepath.Join(tr.dev, "sdb")}) || len(got.ID.Keys) != 2 {
				t.Errorf("two paths are %s, %v, keys %v; want sda with both", got.Name, got.Paths, got.ID.Keys)
			}
			if want := held != ""; (len(got.Uses) > 0) != want {
				t.Errorf("uses with %q held = %v; want some: %v", held, got.Uses, want)
			}
		}
	})
	t.Run("three", func(t *testing.T) {
		tr := newTree(t)
		for n, name := range []string{"sda", "sdb", "sdc"} {
			tr.disk(strings.ReplaceAll(sas, "host1", fmt.Sprint("host", n+1))+name, both)
		}
		if got := tr.one(); len(got.Paths) != 3 {
			t.Errorf("three paths are %v; want all", got.Paths)
		}
	})
	t.Run("read-only or closed over one path", func(t *testing.T) {
		tr := newTree(t)
		tr.disk(sas+"sda", both)
		tr.disk(second+"sdb", with(attrs{"ro": "1"}))
		if got := tr.one(); !got.ReadOnly {
			t.Error("read-only over one of two paths: ReadOnly = false; want true")
		}
		tr = newTree(t)
		tr.disk(sas+"sda", both)
		tr.disk(second+"sdb", both)
		if err := os.Remove(filepath.Join(tr.dev, "sdb")); err != nil {
			t.Fatal(err)
		}
		if got := tr.one(); got.Problem == "" {
			t.Error("not to be opened over one of two paths: no problem; want one, for it cannot be claimed")
		}
	})
	// That somebody presents one of the paths only makes it no other drive: what uses the other path uses it.
	t.Run("one presented, the other held", func(t *testing.T) {
		tr := newTree(t)
		tr.disk(sas+"sda", both)
		tr.write(filepath.Join(tr.disk(second+"sdb", both), "holders", "dm-0", "dm", "name"), "mpatha")
		if got := tr.find("sda"); len(got) != 1 || len(got[0].Uses) == 0 {
			t.Errorf("--drives sda, with its other path sdb held, presents %+v; want one drive, in use", got)
		}
	})
	// A LUN need not have a serial: then the WWN alone tells that two paths are one drive, which must not be two jobs.
	t.Run("without a serial", func(t *testing.T) {
		tr := newTree(t)
		tr.disk(sas+"sda", attrs{"wwid": wwid})
		tr.disk(second+"sdb", attrs{"wwid": wwid})
		if got := tr.find("*"); len(got) != 1 {
			t.Errorf("two paths with one WWN and no serial are %d drives, %v; want 1", len(got), names(got))
		}
	})
	for what, more := range map[string]attrs{
		"another serial": {"device/vpd_pg80": pg("ZA2")},
		"another size":   {"size": "4096"},
		"another WWN":    {"wwid": "naa.5000c500a1b2c3d5"},
		"no WWN":         {"wwid": "ABSENT"},
	} {
		tr := newTree(t)
		tr.disk(sas+"sda", both)
		tr.disk(second+"sdb", with(more))
		if got := tr.find("*"); len(got) != 2 {
			t.Errorf("one path with %s: %d drives; want 2", what, len(got))
		}
	}
	t.Run("two without WWN", func(t *testing.T) {
		tr := newTree(t)
		tr.disk(usb+"sda", attrs{"device/vpd_pg80": pg("0000")})
		tr.disk(strings.ReplaceAll(usb, "host6", "host7")+"sdb", attrs{"device/vpd_pg80": pg("0000")})
		if got := tr.find("*"); len(got) != 2 {
			t.Errorf("two drives with one serial and no WWN: %d drives; want 2", len(got))
		}
	})
}
