//go:build vm

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// vms is what all virtual machines have in common.
type vms struct {
	image  string // the folder that make image wrote
	maker  string // the program wiped-image, for overlays
	people string // keys
	keys   string // lines of authorized_keys
}

func (v *vms) initramfs() string { return filepath.Join(v.image, "initramfs.zst") }

// prerequisites fails with what to do where something is missing: no story of this stage is ever left out.
func prerequisites(t *testing.T) *vms {
	t.Helper()
	var missing []string
	for _, p := range []struct{ program, from string }{
		{"qemu-system-x86_64", "qemu-system-x86"}, {"mkfs.vfat", "dosfstools"}, {"mcopy", "mtools"}, {"mkfs.ext4", "e2fsprogs"},
		{"ssh", "openssh-client"}, {"ssh-keygen", "openssh-client"},
	} {
		if _, err := exec.LookPath(p.program); err != nil {
			missing = append(missing, p.from)
		}
	}
	if _, err := os.Stat(ovmfCode); err != nil {
		missing = append(missing, "ovmf")
	}
	if missing != nil {
		t.Fatalf("programs are missing. Next: apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	image := os.Getenv("WIPED_IMAGE")
	if image == "" {
		image = filepath.Join("..", "..", "bin", "image")
	}
	v := &vms{people: t.TempDir(), maker: filepath.Join(t.TempDir(), "wiped-image")}
	var err error
	if v.image, err = filepath.Abs(image); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vmlinux", "initramfs.zst", "cmdline", "wiped.iso"} {
		if _, err := os.Stat(filepath.Join(v.image, name)); err != nil {
			t.Fatalf("%v. Next: make image", err)
		}
	}
	must(t, "go", "build", "-o", v.maker, "../wiped-image")
	if err := os.Mkdir(filepath.Join(v.people, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if v.keys, err = newPeople(v.people); err != nil {
		t.Fatal(err)
	}
	return v
}

// machine makes a machine that is not started yet.
func (v *vms) machine(t testing.TB, firm string) *machine {
	return &machine{t: t, dir: t.TempDir(), people: v.people, firm: firm}
}

// stories runs files of testdata/vm against a machine, one after the other.
func (m *machine) stories(t *testing.T, names ...string) {
	for _, name := range names {
		if t.Failed() {
			return // what follows builds on it
		}
		t.Run(name, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Files: []string{filepath.Join("testdata", "vm", name+".txtar")},
				Setup: m.setUp, Condition: condition, RequireExplicitExec: true, RequireUniqueNames: true, Cmds: vmVerbs(),
			})
		})
	}
}

// TestVM boots the image as people do and works it through ssh.
func TestVM(t *testing.T) {
	v := prerequisites(t)
	t.Run("stage", v.stage)
}

// stage is a machine with a drive of each kind, and a USB stick that configures it.
func (v *vms) stage(t *testing.T) {
	m := v.machine(t, "kernel and initramfs")
	at := func(name string) string { return filepath.Join(m.dir, name+".img") }
	for name, mib := range map[string]int{"nvme0": 32, "ns1": 16, "ns2": 16, "scsi0": 32, "ata0": 32, "vblk0": 16, "sd0": 8, "twin1": 8, "twin2": 8} {
		filled(t, at(name), mib)
	}
	stick(t, at("stick"), map[string]string{"authorized_keys": "\xef\xbb\xbf" + strings.ReplaceAll(v.keys, "\n", "\r\n"), "wiped.conf": "hostname = bench-7\r\n"})
	m.qemuArgs(true, direct(v.image, v.initramfs(), "")...)
	for _, d := range [][]string{
		disk("nvme0", "nvme,serial=LABNVME0"),
		{"-device", "nvme,serial=LABNVME1,id=nvme1"},
		disk("ns1", "nvme-ns,bus=nvme1,nsid=1,eui64=0x5254000000000001"),
		disk("ns2", "nvme-ns,bus=nvme1,nsid=2,eui64=0x5254000000000002,logical_block_size=4096,physical_block_size=4096"),
		{"-device", "nvme,serial=LABTWINS,id=twins"},
		disk("twin1", "nvme-ns,bus=twins,nsid=1"),
		disk("twin2", "nvme-ns,bus=twins,nsid=2"),
		{"-device", "virtio-scsi-pci,id=scsi"},
		disk("scsi0", "scsi-hd,bus=scsi.0,serial=LABSCSI0,id=scsidisk"),
		disk("ata0", "ide-hd,bus=ide.0,serial=LABATA0"),
		disk("vblk0", "virtio-blk-pci,serial=LABVBLK0"),
		{"-device", "sdhci-pci"},
		disk("sd0", "sd-card"),
		{"-device", "qemu-xhci,id=usb"},
		disk("stick", "usb-storage,bus=usb.0,serial=LABSTICK"),
	} {
		m.args = append(m.args, d...)
	}
	m.boot()
	m.stories(t, "look")
}

const ovmfCode = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"

var _ = fmt.Sprint
var _ = regexp.MustCompile
