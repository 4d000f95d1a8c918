//go:build vm

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func (m *machine) image(name string) string { return filepath.Join(m.dir, name+".img") }

// filled makes a drive of so many MiB that is full of what once was on it.
func (m *machine) filled(name string, mib int) {
	m.t.Helper()
	if err := os.WriteFile(m.image(name), bytes.Repeat([]byte("OLD CONTENT "), mib<<20/12+1)[:mib<<20], 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func must(t testing.TB, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", program, args, err, out)
	}
}

// stick makes a USB stick as one comes out of a shop, with one partition, FAT with the label WIPED, and files in it.
func (m *machine) stick(files map[string]string) {
	t, file := m.t, m.image("stick")
	t.Helper()
	const size, first = 16 << 20, 2048
	mbr := make([]byte, size)
	entry := mbr[446:]
	entry[4] = 0x0e // FAT16, LBA
	binary.LittleEndian.PutUint32(entry[8:], first)
	binary.LittleEndian.PutUint32(entry[12:], size/512-first)
	mbr[510], mbr[511] = 0x55, 0xaa
	if err := os.WriteFile(file, mbr, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "mkfs.vfat", "-n", "WIPED", "--offset", "2048", file, "15360")
	for name, text := range files {
		from := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, "mcopy", "-i", file+"@@1M", from, "::"+name)
	}
}

// ext4 makes a file system with a label.
func (m *machine) ext4(name, label string, mib int) {
	t, file := m.t, m.image(name)
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(mib) << 20); err != nil {
		t.Fatal(err)
	}
	must(t, "mkfs.ext4", "-q", "-F", "-L", label, "-m", "0", file)
}

// put writes a file into a folder of an ext4 file system, which is made.
func (m *machine) put(name, folder, file, text string) {
	from := filepath.Join(m.dir, file)
	if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	for _, request := range []string{"mkdir " + folder, fmt.Sprintf("write %s %s/%s", from, folder, file)} {
		must(m.t, "debugfs", "-w", "-R", request, m.image(name))
	}
}

// fill leaves no block free on a file system.
func (m *machine) fill(name string) {
	photos := filepath.Join(m.dir, "photos")
	for n, size := 0, 1<<20; size >= 1024; n++ {
		if err := os.WriteFile(photos, bytes.Repeat([]byte{'p'}, size), 0o600); err != nil {
			m.t.Fatal(err)
		}
		out, err := exec.Command("debugfs", "-w", "-R", fmt.Sprintf("write %s photo%d", photos, n), m.image(name)).CombinedOutput()
		if err != nil || bytes.Contains(out, []byte("Could not allocate")) {
			size /= 4
		}
	}
	_ = exec.Command("e2fsck", "-fy", m.image(name)).Run() // 1: it mended what debugfs left half done
}

// withOverlay lays files over an initramfs, as a second one that the kernel unpacks after it.
func (v *vms) withOverlay(m *machine, files map[string]string) (initrd string) {
	t := m.t
	t.Helper()
	initrd = filepath.Join(m.dir, "initrd")
	dir := t.TempDir()
	for name, text := range files {
		to := filepath.Join(dir, "etc/wiped", name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay := filepath.Join(t.TempDir(), "config.zst")
	must(t, v.maker, "overlay", "--out", overlay, dir)
	first, err := os.ReadFile(v.initramfs())
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(overlay)
	if err != nil {
		t.Fatal(err)
	}
	first = append(first, make([]byte, (4-len(first)%4)%4)...) // the kernel wants each at a multiple of 4
	if err := os.WriteFile(initrd, append(first, second...), 0o600); err != nil {
		t.Fatal(err)
	}
	return initrd
}

// usbBus is where sticks are plugged in.
var usbBus = []string{"-device", "qemu-xhci,id=usb"}

// plug adds devices.
func (m *machine) plug(devices ...[]string) {
	for _, d := range devices {
		m.args = append(m.args, d...)
	}
}

// disk is an emulated drive over an image in the machine's folder.
func disk(name, device string) []string {
	return []string{"-drive", "if=none,id=" + name + ",file=" + name + ".img,format=raw,cache=unsafe,discard=unmap,detect-zeroes=off", "-device", device + ",drive=" + name}
}
