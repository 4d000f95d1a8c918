//go:build vm

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bootCase is a machine of its own, with no more in it than its story needs.
type bootCase struct {
	name, story string // stories: words
	firm        string // what boots it
	ready       string // on the console, where nobody can log in
	build       func(v *vms, m *machine)
}

func (b bootCase) run(t *testing.T, v *vms) {
	t.Parallel()
	m := v.machine(t, b.firm)
	if m.firm == "" {
		m.firm = "kernel and initramfs"
	}
	if b.ready != "" {
		m.ready = regexp.MustCompile("(?m)" + b.ready)
	}
	b.build(v, m)
	m.boot()
	m.stories(t, strings.Fields(b.story)...)
}

// boots are what goes wrong with a machine, and the ways to start it.
var boots = []bootCase{
	{name: "no network card", story: "nonet", ready: `^  host key`, build: func(v *vms, m *machine) {
		m.qemuArgs(false, direct(v.image, v.keyed(m), "")...)
	}},
	{name: "nobody gives addresses", story: "nodhcp", ready: `^  host key`, build: func(v *vms, m *machine) {
		m.qemuArgs(false, direct(v.image, v.keyed(m), "")...)
		m.plug([]string{"-netdev", "hubport,id=net,hubid=0", "-device", "virtio-net-pci,netdev=net,romfile="})
	}},
	{name: "two give addresses", story: "twodhcp", ready: `^  host key`, build: func(v *vms, m *machine) {
		m.qemuArgs(false, direct(v.image, v.keyed(m), "")...)
		m.plug([]string{"-netdev", "user,id=one,net=10.0.2.0/24,restrict=on", "-netdev", "user,id=two,net=10.0.3.0/24,restrict=on",
			"-netdev", "hubport,id=h1,hubid=0,netdev=one", "-netdev", "hubport,id=h2,hubid=0,netdev=two",
			"-netdev", "hubport,id=net,hubid=0", "-device", "virtio-net-pci,netdev=net,romfile="})
	}},
	{name: "no key", story: "nokey", ready: `^  NOBODY CAN LOG IN`, build: func(v *vms, m *machine) {
		m.qemuArgs(true, direct(v.image, v.initramfs(), "")...)
		m.stick(map[string]string{"authorized_keys": v.keys})
		m.plug(usbBus, []string{"-drive", "if=none,id=stick,file=stick.img,format=raw"})
	}},
	{name: "kernel arguments", story: "arguments", build: func(v *vms, m *machine) {
		m.filled("keep", 8)
		m.filled("free", 8)
		line, _, _ := strings.Cut(v.keys, "\n") // the admin's
		m.firm, m.asks = "kernel and initramfs, key by kernel argument", "admin"
		damaged := map[string]string{"hostkeys/ssh_host_ed25519_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"}
		m.qemuArgs(true, direct(v.image, v.withOverlay(m, damaged), `wiped.key="`+strings.ReplaceAll(line, `"`, `\"`)+
			`" wiped.hostname=rack-9 wiped.protect=labk* wiped.protect=[ wiped.drives=[ wiped.colour=blue`)...)
		m.filled("gone", 8)
		m.stick(map[string]string{"authorized_keys": v.keys}) // a drive with our label that is not ours
		m.plug(disk("stick", "ide-hd,bus=ide.0,serial=LABEVIL"))
		m.plug(disk("keep", "virtio-blk-pci,serial=LABKEEP"), disk("free", "virtio-blk-pci,serial=LABFREE"),
			[]string{"-device", "virtio-scsi-pci,id=scsi"}, disk("gone", "scsi-hd,bus=scsi.0,serial=LABGONE,id=gonedisk"))
		m.early = early{"drivers are loaded", "device_del gonedisk\n"} // before anybody can log in
	}},
	{name: "drive that does not answer", story: "slow", build: func(v *vms, m *machine) {
		m.filled("dying", 8)
		v.ordinary(m, "")
		m.plug([]string{"-drive", "if=none,id=dying,file=dying.img,format=raw,throttling.bps-total=10", "-device", "ide-hd,bus=ide.0,serial=LABDYING,drive=dying"})
	}},
	{name: "state partition pulled, two network cards", story: "pulled", build: func(v *vms, m *machine) {
		m.ext4("state", "STATE", 32)
		v.ordinary(m, "wiped.state=STATE wiped.ip=10.0.2.15/24,10.0.2.2", "-device", "virtio-scsi-pci,id=scsi")
		m.plug(disk("state", "scsi-hd,bus=scsi.0,serial=LABSTATE,id=statedisk"))
		m.plug([]string{"-netdev", "hubport,id=second,hubid=0", "-device", "virtio-net-pci,netdev=second,romfile=,mac=52:54:00:12:34:99"})
	}},
	{name: "clock of 1970", story: "clock", build: func(v *vms, m *machine) {
		v.ordinary(m, "", "-rtc", "base=1970-01-01T00:00:00")
	}},
	{name: "state partition", story: "state", build: func(v *vms, m *machine) {
		m.ext4("state", "STATE", 32)
		v.ordinary(m, "wiped.state=LABEL=STATE", disk("state", "virtio-blk-pci,serial=LABSTATE")...)
	}},
	{name: "state partition read-only", story: "readonly", build: func(v *vms, m *machine) {
		m.ext4("state", "STATE", 16)
		v.ordinary(m, "wiped.state=STATE", "-drive", "if=none,id=state,file=state.img,format=raw,readonly=on", "-device", "virtio-blk-pci,serial=LABSTATE,drive=state")
	}},
	{name: "state partition full", story: "full", build: func(v *vms, m *machine) {
		m.ext4("state", "STATE", 16)
		m.fill("state")
		v.ordinary(m, "wiped.state=STATE", disk("state", "virtio-blk-pci,serial=LABSTATE")...)
	}},
	{name: "state partition with a damaged host key", story: "damaged", ready: `^  PROBLEM: the server does not start`, build: func(v *vms, m *machine) {
		m.ext4("state", "STATE", 32)
		m.put("state", "hostkeys", "ssh_host_ed25519_key", "damaged\n")
		v.ordinary(m, "wiped.state=STATE", disk("state", "virtio-blk-pci,serial=LABSTATE")...)
	}},
	{name: "no drives, host keys given", story: "bare", build: func(v *vms, m *machine) {
		files := map[string]string{"authorized_keys": v.keys}
		for short, name := range map[string]string{"host": "ssh_host_ed25519_key", "certificate": "certificate_ed25519_key"} {
			file := filepath.Join(m.dir, short)
			must(m.t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "given", "-f", file)
			text, err := os.ReadFile(file)
			if err != nil {
				m.t.Fatal(err)
			}
			files["hostkeys/"+name] = string(text)
		}
		m.qemuArgs(true, direct(v.image, v.withOverlay(m, files), "")...)
	}},
	// Of the ways to start, and of the processors that are emulated, this one wakes up again from a sleep.
	{name: "ISO as CD", story: "answers suspend", firm: "ISO, CD, SeaBIOS", build: func(v *vms, m *machine) {
		v.fromISO(m, "q35", "-cpu", "qemu64", "-drive", "if=none,id=iso,format=raw,readonly=on,file="+v.iso(), "-device", "ide-cd,bus=ide.0,drive=iso,bootindex=0")
	}},
	{name: "ISO as USB disk", story: "answers", firm: "ISO, USB disk, SeaBIOS", build: func(v *vms, m *machine) {
		v.fromISO(m, "q35", "-drive", "if=none,id=iso,format=raw,file=iso.img,cache=unsafe", "-device", "usb-storage,bus=usb.0,drive=iso,bootindex=0")
		must(m.t, "cp", v.iso(), m.image("iso"))
	}},
	{name: "ISO under UEFI with Secure Boot", story: "secure", firm: "ISO, USB disk, OVMF with Secure Boot", build: func(v *vms, m *machine) {
		must(m.t, "cp", ovmfVars, filepath.Join(m.dir, "vars.fd"))
		must(m.t, "cp", v.iso(), m.image("iso"))
		m.early = early{"with the kernel's messages", "sendkey down\nsendkey ret\n"} // which say whether Secure Boot is on
		v.fromISO(m, "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
			"-drive", "if=pflash,unit=0,format=raw,readonly=on,file="+ovmfCode, "-drive", "if=pflash,unit=1,format=raw,file=vars.fd",
			"-drive", "if=none,id=iso,format=raw,file=iso.img,cache=unsafe", "-device", "usb-storage,bus=usb.0,drive=iso,bootindex=0")
	}},
}

// OVMF that enforces Secure Boot, and variables with Microsoft's keys, as a PC comes with.
const (
	ovmfCode = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
	ovmfVars = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"
)

func (v *vms) iso() string { return filepath.Join(v.image, "wiped.iso") }

// keyed is the initramfs with the keys of all people laid over it.
func (v *vms) keyed(m *machine) string {
	return v.withOverlay(m, map[string]string{"authorized_keys": v.keys})
}

// ordinary is a machine with a network card and one drive.
func (v *vms) ordinary(m *machine, kernelArgs string, more ...string) {
	m.filled("vblk0", 8)
	m.qemuArgs(true, direct(v.image, v.keyed(m), kernelArgs)...)
	m.plug(disk("vblk0", "virtio-blk-pci,serial=LABVBLK0"), more)
}

// fromISO is a machine that its firmware boots. Its keys are on a stick beside the ISO.
func (v *vms) fromISO(m *machine, board string, more ...string) {
	m.filled("vblk0", 8)
	m.stick(map[string]string{"authorized_keys": v.keys})
	m.qemuArgs(true, "-machine", board)
	m.plug(disk("vblk0", "virtio-blk-pci,serial=LABVBLK0"), usbBus, disk("stick", "usb-storage,bus=usb.0"), more)
}
