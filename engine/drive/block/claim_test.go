package block

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// must runs a program as root.
func must(t testing.TB, words ...string) string {
	t.Helper()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", words, err, out)
	}
	return strings.TrimSpace(string(out))
}

// attach makes a loop device over a new file of that many MiB.
func attach(t testing.TB, mib int, args ...string) (dev, path string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	path = filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, make([]byte, mib<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	dev = must(t, append(append([]string{"losetup", "-f", "--show"}, args...), path)...)
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	return dev, path
}

func find(t testing.TB, dev string) drive.Drive {
	t.Helper()
	s, err := New(dev)
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Find()
	if err != nil || len(found) != 1 {
		t.Fatalf("Find(%s) = %v, %v; want one drive", dev, found, err)
	}
	return found[0]
}

func claimed(t testing.TB, d drive.Drive) drive.Claim {
	t.Helper()
	c, err := d.Claim()
	if err != nil {
		t.Fatalf("Claim() = %v; want no error", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// page is memory as direct I/O wants it.
func page(n int) []byte {
	buf := make([]byte, n+4096)
	skip := 4096 - int(uintptr(unsafe.Pointer(&buf[0]))%4096)
	return buf[skip : skip+n : skip+n]
}

func TestRealLoop(t *testing.T) {
	dev, path := attach(t, 8)
	d := find(t, dev)
	i := d.Info()
	if i.Name != filepath.Base(dev) || i.Path != dev || i.Size != 8<<20 || i.LogicalSector != 512 || i.Transport != "loop" || i.Layer != "loop device on "+path ||
		i.ReadOnly || i.Problem != "" || len(i.Uses) != 0 || !strings.HasPrefix(i.Serial, "~loop-") || i.ID.DiskSeq == 0 || i.ID.Boot == "" || len(i.ID.Keys) != 2 {
		t.Errorf("Info() = %+v; want %s of 8 MiB, not used, with a serial from %s", i, dev, path)
	}
	again := find(t, dev).Info()
	if err := i.ID.Same(again.ID); err != nil || again.Serial != i.Serial {
		t.Errorf("Same(the next look) = %v; want no error", err)
	}
	c := claimed(t, d)
	if err := c.Check(); err != nil {
		t.Errorf("Check() = %v; want no error", err)
	}
	// One claim at a time, in this process and any other; and it does not count as use by others.
	if second, err := d.Claim(); !errors.Is(err, drive.ErrHeld) {
		t.Errorf("second Claim() = %v, %v; want ErrHeld", second, err)
	}
	if uses := find(t, dev).Info().Uses; len(uses) != 0 {
		t.Errorf("uses while we claim it ourselves = %v; want none", uses)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", dev).CombinedOutput(); err == nil {
		t.Errorf("mkfs.ext4 of a claimed drive = %s; want it refused", out)
	}
	w, err := c.Writer()
	if err != nil {
		t.Fatalf("Writer() = %v; want no error", err)
	}
	text := page(8192)
	copy(text, bytes.Repeat([]byte("wiped!! "), 1024))
	if n, err := w.WriteAt(text, 1<<20); n != len(text) || err != nil {
		t.Errorf("WriteAt = %d, %v; want %d, nil", n, err, len(text))
	}
	if n, err := w.WriteAt(text, 8<<20); err == nil {
		t.Errorf("WriteAt behind the end = %d, nil; want an error", n)
	}
	if err := w.Flush(); err != nil {
		t.Errorf("Flush() = %v; want no error", err)
	}
	for what, reader := range map[string]func() (drive.Reader, error){"claim": c.Reader, "drive": d.Reader} {
		r, err := reader()
		if err != nil {
			t.Fatalf("Reader() of the %s = %v; want no error", what, err)
		}
		got := page(len(text))
		if n, err := r.ReadAt(got, 1<<20); n != len(text) || err != nil || !bytes.Equal(got, text) {
			t.Errorf("ReadAt of the %s's reader = %d, %v, right: %v; want what was written", what, n, err, bytes.Equal(got, text))
		}
		if n, err := r.ReadAt(got, 8<<20-4096); n != 4096 || err == nil {
			t.Errorf("ReadAt over the end = %d, %v; want 4096 and an error", n, err)
		}
		_ = r.Close()
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close() of the writer = %v; want no error", err)
	}
	if below, _ := os.ReadFile(path); !bytes.Equal(below[1<<20:1<<20+8192], text) || bytes.Count(below, []byte{0}) != len(below)-8192 {
		t.Error("the file behind the drive does not hold what was written, and nothing else")
	}
	// Written below, past the drive's cache: a fresh reader of the claim sees it.
	if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteAt([]byte("changed"), 1<<20)
		_ = f.Sync()
		_ = f.Close()
	}
	r, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	if got := page(4096); true {
		if _, err := r.ReadAt(got, 1<<20); err != nil || !bytes.HasPrefix(got, []byte("changed")) {
			t.Errorf("ReadAt after a change below = %q, %v; want the change", got[:8], err)
		}
	}
	_ = r.Close()
	if err := c.Close(); err != nil {
		t.Errorf("Close() = %v; want no error", err)
	}
	_ = claimed(t, d).Close()
}

func TestRealLoopUsed(t *testing.T) {
	dev, path := attach(t, 16)
	d := find(t, dev)
	must(t, "mkfs.ext4", "-q", dev)
	where := t.TempDir()
	must(t, "mount", dev, where)
	defer func() { _ = unix.Unmount(where, unix.MNT_DETACH) }()
	if c, err := d.Claim(); !errors.Is(err, drive.ErrHeld) {
		t.Errorf("Claim() of a mounted drive = %v, %v; want ErrHeld", c, err)
	}
	i := find(t, dev).Info()
	if len(i.Uses) == 0 || i.Uses[0].What != "mounted on "+where || i.Uses[0].Hint != "umount "+where {
		t.Errorf("uses of a mounted drive = %v; want mounted on %s", i.Uses, where)
	}
	// The same bytes under another name are in use all the same.
	twin := must(t, "losetup", "-f", "--show", path)
	defer func() { _ = exec.Command("losetup", "-d", twin).Run() }()
	if uses := find(t, twin).Info().Uses; len(uses) == 0 {
		t.Errorf("uses of %s, over the file of %s which is mounted = none; want some", twin, dev)
	}
	if err := unix.Unmount(where, 0); err != nil {
		t.Fatal(err)
	}
	_ = claimed(t, d).Close()
}

// Between the look that was confirmed and the claim another file comes under the name: the claim notices.
func TestReplacedBeforeTheClaim(t *testing.T) {
	dev, _ := attach(t, 4)
	d := find(t, dev)
	must(t, "losetup", "-d", dev)
	if c, err := d.Claim(); !errors.Is(err, drive.ErrGone) {
		t.Errorf("Claim() of a detached loop device = %v, %v; want ErrGone", c, err)
	}
	for _, mib := range []int{4, 5} {
		other := filepath.Join(t.TempDir(), "other.img")
		if err := os.WriteFile(other, make([]byte, mib<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("losetup", dev, other).CombinedOutput(); err != nil {
			t.Skipf("somebody else took %s: %s", dev, out)
		}
		if c, err := d.Claim(); !errors.Is(err, drive.ErrChanged) {
			t.Errorf("Claim() after a file of %d MiB came under the name = %v, %v; want ErrChanged", mib, c, err)
		}
		if err := d.Info().ID.Same(find(t, dev).Info().ID); !errors.Is(err, drive.ErrChanged) {
			t.Errorf("Same() after a file of %d MiB came under the name = %v; want ErrChanged", mib, err)
		}
		must(t, "losetup", "-d", dev)
	}
}

// A claimed loop device is not detached before the claim ends; one that changes its size is not the drive any more.
func TestChangedUnderTheClaim(t *testing.T) {
	dev, _ := attach(t, 4)
	d := find(t, dev)
	c := claimed(t, d)
	_ = exec.Command("losetup", "-d", dev).Run()
	if err := c.Check(); err != nil {
		t.Errorf("Check() after losetup -d, which the claim puts off = %v; want no error", err)
	}
	_ = c.Close()
	if c, err := d.Claim(); err == nil {
		t.Errorf("Claim() after losetup -d came through = %v, nil; want an error", c)
	}
	dev, path := attach(t, 4)
	c = claimed(t, find(t, dev))
	if err := os.Truncate(path, 6<<20); err != nil {
		t.Fatal(err)
	}
	must(t, "losetup", "-c", dev)
	if err := c.Check(); !errors.Is(err, drive.ErrChanged) {
		t.Errorf("Check() after the drive grew = %v; want ErrChanged", err)
	}
	for what, open := range map[string]func() error{
		"Writer": func() error { _, err := c.Writer(); return err }, "Reader": func() error { _, err := c.Reader(); return err }} {
		if err := open(); !errors.Is(err, drive.ErrChanged) {
			t.Errorf("%s() after the drive grew = %v; want ErrChanged", what, err)
		}
	}
}

func TestRealLoopVariants(t *testing.T) {
	dev, _ := attach(t, 4, "-r")
	if i := find(t, dev).Info(); !i.ReadOnly || i.Problem != "" {
		t.Errorf("Info() of a read-only loop device = %+v; want read-only and no problem", i)
	}
	dev, _ = attach(t, 4, "-b", "4096")
	if i := find(t, dev).Info(); i.LogicalSector != 4096 || i.Size != 4<<20 {
		t.Errorf("Info() of a loop device of 4096-byte sectors = %+v; want 4096, 4 MiB", i)
	}
	dev, _ = attach(t, 4, "-P")
	cmd := exec.Command("sfdisk", "-q", dev)
	cmd.Stdin = strings.NewReader("label: dos\n,2048\n,\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no sfdisk: %v: %s", err, out)
	}
	name := filepath.Base(dev)
	for n, place := range [][]string{{"2048", "2048"}, {"4096", "4096"}} { // a kernel may have no parser of partition tables
		if _, err := os.Stat(dev + "p" + fmt.Sprint(n+1)); err != nil {
			must(t, "addpart", dev, fmt.Sprint(n+1), place[0], place[1])
		}
	}
	if i := find(t, dev).Info(); strings.Join(i.Partitions, " ") != name+"p1 "+name+"p2" {
		t.Errorf("partitions of %s = %v; want %sp1, %sp2", dev, i.Partitions, name, name)
	}
	part := dev + "p1"
	must(t, "mkswap", part)
	must(t, "swapon", part)
	defer func() { _ = exec.Command("swapoff", part).Run() }()
	d := find(t, dev)
	if uses := d.Info().Uses; len(uses) != 1 || uses[0].What != name+"p1: swap" {
		t.Errorf("uses of %s = %v; want %sp1 is swap", dev, uses, name)
	}
	if c, err := d.Claim(); !errors.Is(err, drive.ErrHeld) {
		t.Errorf("Claim() of a drive with swap on a partition = %v, %v; want ErrHeld", c, err)
	}
}

// TestOver: a drive with two paths is read over each of them, past what was written over the first.
func TestOver(t *testing.T) {
	dev, file := attach(t, 1)
	second := must(t, "losetup", "-f", "--show", file)
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", second).Run() })
	head, other := find(t, dev).(*device), find(t, second).(*device)
	head.others = append(head.others, other)
	c := claimed(t, head)
	p, ok := c.(drive.Paths)
	if !ok || p.Others() != 1 {
		t.Fatalf("a claim of two paths is %T", c)
	}
	w, err := c.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	mark := page(4096)
	copy(mark, bytes.Repeat([]byte("MARK"), 1024))
	if _, err := w.WriteAt(mark, 8192); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := p.Over(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := page(4096)
	if _, err := r.ReadAt(got, 8192); err != nil || !bytes.Equal(got, mark) {
		t.Errorf("over the other path: %q, %v", got[:8], err)
	}
	third, _ := attach(t, 1)
	if alone := claimed(t, find(t, third)); alone.(drive.Paths).Others() != 0 {
		t.Error("a drive with one path has others")
	}
}
