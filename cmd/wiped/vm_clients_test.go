//go:build vm

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// clientsTime is how long all commands of the clients may take.
const clientsTime = 10 * time.Minute

// clientsScript is what the machine is for. The kernel meets the NVMe drives over the loopback.
const clientsScript = "/drivesim check /etc/clients.txt && ifconfig lo up && " +
	"/nvme-clients -test.run '^TestClients$' -test.v -clients /etc/nvme-clients.txt\n"

// TestClients holds the simulated drives against hdparm, sg3_utils, nvme-cli, smartctl and the kernel, which know nothing of
// wiped: what they make of a drive is what the scripts beside the simulator expect.
func TestClients(t *testing.T) {
	v := prerequisites(t)
	m := v.machine(t, "kernel and initramfs, the clients")
	program := filepath.Join(t.TempDir(), "nvme-clients")
	build := exec.Command("go", "test", "-c", "-tags", "vm", "-trimpath", "-o", program, "../drivesim/nvmetcp")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	drivesim := filepath.Join("..", "drivesim")
	initrd := v.lab(m, map[string][]byte{
		"nvme-clients":         m.built(program),
		"etc/clients.txt":      m.built(drivesim, "testdata", "clients.txt"),
		"etc/nvme-clients.txt": m.built(drivesim, "nvmetcp", "testdata", "clients.txt"),
		"etc/drivesim.sh":      []byte(clientsScript),
	})
	m.qemuArgs(false, direct(v.image, initrd, "rdinit=/drivesim")...)
	m.memory(1024)
	m.ready = regexp.MustCompile(`(?m)^== line \d+: `)
	m.boot()
	select {
	case <-m.gone:
	case <-time.After(clientsTime):
		t.Errorf("the machine is not off after %s", clientsTime)
	}
	console := m.console()
	if !strings.Contains(console, "drivesim: the script ended with 0 ") {
		t.Errorf("not all is as expected; the console:\n%s", console)
	}
	for line := range strings.Lines(console) {
		if regexp.MustCompile(`^\d+ commands, |^FAIL|^--- |the script ended`).MatchString(line) {
			t.Log(strings.TrimSpace(line))
		}
	}
}
