//go:build vm

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// commandTime is how long a command may take before it counts as hung.
const commandTime = 3 * time.Minute

// ssh runs one command as one of the people.
func (m *machine) ssh(who, command string) (out, errOut string, code int) {
	args := append([]string{"-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=20"}, clientArgs(m.people, m.port, who, "-T", "op@127.0.0.1", command)...)
	ctx, stop := context.WithTimeout(context.Background(), commandTime)
	defer stop()
	cmd := exec.CommandContext(ctx, "ssh", args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	_ = cmd.Run()
	var kept []string
	for _, line := range strings.Split(e.String(), "\n") {
		if !strings.HasPrefix(line, "Warning: Permanently added") {
			kept = append(kept, line)
		}
	}
	return o.String(), strings.TrimSpace(strings.Join(kept, "\n")), cmd.ProcessState.ExitCode()
}

// memory gives the machine more than is usual.
func (m *machine) memory(mib int) {
	for n, arg := range m.args {
		if arg == "-m" {
			m.args[n+1] = fmt.Sprint(mib)
		}
	}
}

// simulated is the initramfs with the simulator of drives, what it needs, and its drives.
func (v *vms) simulated(m *machine, lines []string) (initrd string) {
	state, err := os.ReadFile(m.image("state"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.control = freePort(m.t)
	return v.lab(m, map[string][]byte{"etc/drivesim": []byte(strings.Join(lines, "\n") + "\n"), "etc/simulated.2": state})
}

// lab is the initramfs with the people's keys, and over it the programs of others, the simulator of drives and files.
func (v *vms) lab(m *machine, files map[string][]byte) (initrd string) {
	dir, overlay := m.t.TempDir(), filepath.Join(m.t.TempDir(), "sim.zst")
	files = maps.Clone(files)
	files["drivesim"] = m.built(v.image, "..", "drivesim")
	for name, text := range files {
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o755); err != nil {
			m.t.Fatal(err)
		}
	}
	must(m.t, v.maker, "overlay", "--out", overlay, dir)
	initrd = v.keyed(m)
	all := m.built(initrd)
	for _, more := range [][]byte{m.built(v.image, "lab.zst"), m.built(overlay)} {
		all = append(all, make([]byte, (4-len(all)%4)%4)...) // the kernel wants each at a multiple of 4
		all = append(all, more...)
	}
	if err := os.WriteFile(initrd, all, 0o600); err != nil {
		m.t.Fatal(err)
	}
	return initrd
}

// built is a file that make test-vm makes.
func (m *machine) built(path ...string) []byte {
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		m.t.Fatalf("%v. Next: make test-vm, which builds it", err)
	}
	return text
}

func freePort(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// qemuDrives are those of the group qemu.
func qemuDrives(m *machine) {
	for _, name := range []string{"labnvme0", "labnvme1", "labnvme2", "labscsi0", "labscsi1", "labata0"} {
		m.filled(name, 8)
	}
	m.plug(
		disk("labnvme0", "nvme,serial=LABNVME0"),
		[]string{"-device", "nvme,serial=LABNVME1,id=nvme1"},
		disk("labnvme1", "nvme-ns,bus=nvme1,nsid=1,eui64=0x5254000000000001,logical_block_size=4096,physical_block_size=4096"),
		disk("labnvme2", "nvme,serial=LABNVME2"),
		[]string{"-device", "virtio-scsi-pci,id=scsi"},
		disk("labscsi0", "scsi-hd,bus=scsi.0,serial=LABSCSI0"),
		disk("labscsi1", "scsi-hd,bus=scsi.0,serial=LABSCSI1"),
		disk("labata0", "ide-hd,bus=ide.0,serial=LABATA0"),
	)
}
