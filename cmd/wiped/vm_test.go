//go:build vm

package main

import (
	"os"
	"os/exec"
	"path/filepath"
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
	var files []string
	for _, name := range names {
		files = append(files, filepath.Join("testdata", "vm", name+".txtar"))
	}
	testscript.RunT(inTurn{t}, testscript.Params{Files: files, Setup: m.setUp, Condition: condition, RequireExplicitExec: true,
		RequireUniqueNames: true, Cmds: vmVerbs()})
}

// inTurn is a test that runs the stories in the order in which they are named, for they follow each other.
type inTurn struct{ *testing.T }

func (t inTurn) Parallel() {}

func (t inTurn) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(inTurn{t}) })
}

func (t inTurn) Verbose() bool { return testing.Verbose() }

// TestVM boots the image as people do and works it through ssh. With -parallel 1 the seconds that it tells are those of a
// machine that has nothing else to do.
func TestVM(t *testing.T) {
	v := prerequisites(t)
	t.Run("stage", v.stage)
	for _, b := range boots {
		t.Run(b.name, func(t *testing.T) { b.run(t, v) })
	}
}

// stage is a machine with a drive of each kind, and a USB stick that configures it. Its stories follow each other.
func (v *vms) stage(t *testing.T) {
	m := v.machine(t, "kernel and initramfs, all kinds of drives")
	for name, mib := range map[string]int{"nvme0": 32, "ns1": 16, "ns2": 16, "scsi0": 32, "pair1": 16, "pair2": 16, "ata0": 32, "vblk0": 16, "sd0": 8} {
		m.filled(name, mib)
	}
	m.stick(map[string]string{"authorized_keys": "\xef\xbb\xbf" + strings.ReplaceAll(v.keys, "\n", "\r\n"), "wiped.conf": "hostname = bench-7\r\n"})
	m.qemuArgs(true, direct(v.image, v.initramfs(), "")...)
	m.plug(
		disk("nvme0", "nvme,serial=LABNVME0"),
		[]string{"-device", "nvme,serial=LABNVME1,id=nvme1"},
		disk("ns1", "nvme-ns,bus=nvme1,nsid=1,eui64=0x5254000000000001"),
		disk("ns2", "nvme-ns,bus=nvme1,nsid=2,eui64=0x5254000000000002,logical_block_size=4096,physical_block_size=4096"),
		[]string{"-device", "virtio-scsi-pci,id=scsi"},
		disk("scsi0", "scsi-hd,bus=scsi.0,serial=LABSCSI0,id=scsidisk"),
		disk("pair1", "scsi-hd,bus=scsi.0,serial=LABPAIR,wwn=0x5000c50000000001"),
		disk("pair2", "scsi-hd,bus=scsi.0,serial=LABPAIR,wwn=0x5000c50000000002,logical_block_size=4096,physical_block_size=4096"),
		disk("ata0", "ide-hd,bus=ide.0,serial=LABATA0"),
		disk("vblk0", "virtio-blk-pci,serial=LABVBLK0"),
		[]string{"-device", "sdhci-pci"},
		disk("sd0", "sd-card"),
		usbBus,
		disk("stick", "usb-storage,bus=usb.0"),
		[]string{"-device", "usb-kbd,bus=usb.0"},
	)
	m.boot()
	m.stories(t, "look", "stick", "zero", "certificates")
	if file := os.Getenv("WIPED_CONSOLE"); file != "" { // for docs/console.txt
		if err := os.WriteFile(file, []byte(m.console()), 0o644); err != nil {
			t.Error(err)
		}
	}
	m.stories(t, "random", "pair", "namespaces", "sessions", "keyboard", "power", "vanish", "reboot", "poweroff")
}
