package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wiped/cmd/wiped-image/archive"
	"wiped/cmd/wiped-image/debian"
	"wiped/cmd/wiped-image/iso"
	"wiped/cmd/wiped-image/kmod"
)

func TestCommandLine(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, exitDone, "wiped-image overlay --out FILE DIR"},
		{nil, exitUsage, "--wiped and --out are needed. Next: wiped-image --help"},
		{[]string{"--size", "1"}, exitUsage, "unknown flag: --size"},
		{[]string{"bin/wiped"}, exitUsage, "words that are no flags"},
		{[]string{"--wiped", "x", "--out", empty, "--pins", "maybe"}, exitUsage, "strict, warn or off"},
		{[]string{"pin"}, exitUsage, "--out is missing. Next: wiped-image pin --help"},
		{[]string{"overlay", empty}, exitUsage, "--out is missing. Next: wiped-image overlay --help"},
		{[]string{"overlay", "--out", filepath.Join(empty, "x"), t.TempDir()}, exitError, "is empty"},
		{[]string{"--wiped", "/nonexistent", "--out", empty, "--cache", empty}, exitError, "Next: make build"},
	} {
		var out bytes.Buffer
		if code := run(c.args, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%v: code %d, %q; want %d, %q", c.args, code, out.String(), c.code, c.says)
		}
	}
}

func TestDynamicProgramIsRefused(t *testing.T) {
	b := &build{order: order{wiped: "/bin/sh"}}
	if err := b.checkWiped(); err == nil || !strings.Contains(err.Error(), "is not static") {
		t.Errorf("error is %v, want one that says that it is not static", err)
	}
}

func TestBuildTime(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "1700000000": 1700000000} {
		t.Setenv("SOURCE_DATE_EPOCH", text)
		if got, err := buildTime(); err != nil || got.Unix() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := buildTime(); err == nil {
		t.Error("yesterday was taken as a number")
	}
}

// TestVersionsLock has every package of the image pinned, the kernel among them.
func TestVersionsLock(t *testing.T) {
	list, err := debian.ParseManifest(versionsLock)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(imagePackages, iso.Packages) {
		if !slices.ContainsFunc(list, func(p debian.Package) bool { return p.Name == name }) {
			t.Errorf("versions.lock has no %s. Next: make image-update", name)
		}
	}
	if !slices.ContainsFunc(list, func(p debian.Package) bool { return strings.HasPrefix(p.Name, kernelPrefix+"6.") }) {
		t.Error("versions.lock has no kernel. Next: make image-update")
	}
}

// TestPins has versions that nobody has any more: strict is an error with the next steps, warn asks for the newest ones.
func TestPins(t *testing.T) {
	bin := t.TempDir()
	sum := strings.Repeat("a", 64)
	for name, text := range map[string]string{
		"apt-get":   "#!/bin/sh\necho \"E: Version '1' for 'old' was not found\" >&2\nexit 100\n",
		"apt-cache": "#!/bin/sh\nfor p; do case $p in -*|*::*|show) ;; *) printf 'Package: %s\\nVersion: 2\\nDepends: linux-image-6.1.0-99-amd64\\nSHA256: " + sum + "\\n\\n' $p;; esac; done\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	var log bytes.Buffer
	b := &build{order: order{cache: t.TempDir(), pins: pinsStrict}, log: &log}
	_, err := b.choose()
	if err == nil || !strings.Contains(err.Error(), "Debian has replaced that version") || !strings.Contains(err.Error(), "make image-update") {
		t.Errorf("strict: %v", err)
	}
	b.pins = pinsWarn
	list, err := b.choose()
	if err != nil || !slices.ContainsFunc(list, func(p debian.Package) bool { return p.Name == "smartmontools" && p.Version == "2" }) {
		t.Errorf("warn: %v, %v", list, err)
	}
	for _, want := range []string{"warning: versions.lock: ", "NEWEST PACKAGES", "smartmontools: 7.3-1+b1 -> 2", "linux-image-6.1.0-99-amd64: none -> 2"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the warning lacks %q: %s", want, log.String())
		}
	}
	log.Reset()
	b.pins = pinsOff
	if list, err := b.choose(); err != nil || len(list) == 0 || log.Len() != 0 {
		t.Errorf("off: %v, %v, %s", list, err, log.String())
	}
}

func TestModulesListIsWellFormed(t *testing.T) {
	list, err := kmod.ParseList(modulesList)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ahci", "nvme", "mpt3sas", "megaraid_sas", "hpsa", "aacraid", "virtio_blk", "usb_storage", "uas", "mmc_block", "e1000e", "r8169", "tg3", "virtio_net"} {
		if !slices.ContainsFunc(list, func(w kmod.Wish) bool { return w.Name == name && w.Essential }) {
			t.Errorf("%s is not among the essential modules", name)
		}
	}
}

func TestFirmwareList(t *testing.T) {
	tree := archive.Tree{}
	tree.Bytes("lib/firmware/isci/a.bin", 0o644, nil)
	got := firmwareList(tree, map[string][]string{"tigon/tg3.bin": {"tg3"}, "isci/a.bin": {"isci"}})
	if want := "there   isci/a.bin (isci)\nmissing tigon/tg3.bin (tg3)\n"; !strings.HasSuffix(got, want) {
		t.Errorf("list is\n%s\nwant\n%s", got, want)
	}
}

// packedKernel has the header of a vmlinuz with one set-up sector and a payload.
func packedKernel(data string) []byte {
	b := make([]byte, 1024+16+len(data))
	b[0x1f1] = 1
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint32(b[0x248:], 16)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(data)))
	copy(b[1024+16:], data)
	return b
}

func TestPayload(t *testing.T) {
	if got, err := payload(packedKernel("kernel")); err != nil || string(got) != "kernel" {
		t.Errorf("payload is %q, %v", got, err)
	}
	for _, b := range [][]byte{nil, make([]byte, 4096), packedKernel("kernel")[:1040]} {
		if got, err := payload(b); err == nil {
			t.Errorf("%d bytes gave %q", len(b), got)
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(packedKernel("kernel"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := payload(b); err == nil && len(got) > len(b) {
			t.Errorf("%d bytes out of %d", len(got), len(b))
		}
	})
}

// TestWholeImage builds twice with apt and compares. It is not skipped but silent without WIPED_TEST_IMAGE: that it needs
// the network is no lack of this machine, and a skip would fail where skips are forbidden.
func TestWholeImage(t *testing.T) {
	if os.Getenv("WIPED_TEST_IMAGE") == "" {
		t.Log("set WIPED_TEST_IMAGE=1 to build whole images")
		return
	}
	wiped, cache := staticProgram(t), t.TempDir()
	one, other := t.TempDir(), t.TempDir()
	for _, dir := range []string{one, other} {
		var out bytes.Buffer
		if code := run([]string{"--wiped", wiped, "--out", dir, "--cache", cache}, &out, &out); code != exitDone {
			t.Fatalf("code %d: %s", code, out.String())
		}
		t.Log(out.String())
		cache = t.TempDir() // the second one fetches and unpacks afresh
	}
	for _, name := range []string{"vmlinuz", "initramfs.zst", "wiped.iso", "cmdline", "wiped.ipxe", "manifest.txt", "firmware.txt"} {
		a, errA := os.ReadFile(filepath.Join(one, name))
		b, errB := os.ReadFile(filepath.Join(other, name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: two builds differ (%v, %v)", name, errA, errB)
		}
	}
}
