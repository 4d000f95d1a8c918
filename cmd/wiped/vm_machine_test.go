//go:build vm

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	silence  = 30 * time.Second // without a word on the console a boot has hung: one in twelve does, under TCG. Some complain of it
	bootTime = 3 * time.Minute
	attempts = 3
)

// machine is a virtual machine that boots the image.
type machine struct {
	t       testing.TB
	dir     string // of its files
	port    string // of this host, that leads to port 22
	closed  []string
	network bool
	args    []string // for qemu, without the network card
	said    *lockedBuffer
	ready   *regexp.Regexp // on the console, where nobody can log in; nil: hello answers
	firm    string         // what boots it, for people
	cmd     *exec.Cmd
	monitor io.WriteCloser
	gone    chan struct{}
	begun   time.Time
	people  string // the folder with the keys
	control string // port of this host that leads to the simulator of drives in the guest; "": there is none
	asks    string // who tries to log in; "": the viewer
	early   early
	nodes   map[string]string // the kernel's names of drives that cannot be told by their serials, by what the simulator calls them
}

// early is what is typed at the monitor of qemu when the console first shows something.
type early struct{ on, types string }

// otherPorts are those on which nobody must answer.
var otherPorts = []string{"23", "80", "111", "443", "2222", "5900", "8080"}

// card is a network card with a way in to port 22, and one to each of the others, on ports of this host that are free now.
func (m *machine) card() []string {
	m.closed = nil
	args := "user,id=net,restrict=on"
	for _, guest := range append([]string{"22"}, otherPorts...) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			m.t.Fatal(err)
		}
		defer ln.Close() // not before all are found, or one is found twice
		_, host, _ := net.SplitHostPort(ln.Addr().String())
		args += ",hostfwd=tcp:127.0.0.1:" + host + "-:" + guest
		if guest == "22" {
			m.port = host
		} else {
			m.closed = append(m.closed, host)
		}
	}
	if m.control != "" {
		args += ",hostfwd=tcp:127.0.0.1:" + m.control + "-:" + controlPort
	}
	return []string{"-netdev", args, "-device", "virtio-net-pci,netdev=net,romfile="}
}

// boot starts the machine and waits until it is ready; a boot that hangs is thrown away and begun again.
func (m *machine) boot() {
	m.t.Helper()
	for attempt := 1; ; attempt++ {
		m.start()
		err := m.awaitReady(0)
		switch {
		case err == nil:
			m.t.Logf("%s: ready %.1f s after the start of the machine", m.firm, time.Since(m.begun).Seconds())
			return
		case !errors.Is(err, errHung) && !errors.Is(err, errTaken), attempt == attempts:
			m.t.Fatalf("%v; the console:\n%s", err, m.console())
		}
		m.t.Logf("attempt %d: %v; begun again. The console:\n%s", attempt, err, m.console())
		m.kill()
	}
}

func (m *machine) start() {
	m.t.Helper()
	_ = os.Remove(m.consoleFile())
	args := m.args
	if m.network {
		args = append(m.card(), args...)
	}
	m.cmd = exec.Command("qemu-system-x86_64", args...)
	m.cmd.Dir = m.dir
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also if the tests are killed
	m.said = &lockedBuffer{}
	m.cmd.Stdout, m.cmd.Stderr = m.said, m.said
	var err error
	if m.monitor, err = m.cmd.StdinPipe(); err != nil {
		m.t.Fatal(err)
	}
	m.begun = time.Now()
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	cmd, gone := m.cmd, make(chan struct{})
	m.gone = gone
	go func() { _ = cmd.Wait(); close(gone) }()
	m.t.Cleanup(func() { _ = cmd.Process.Kill(); <-gone })
}

func (m *machine) kill() {
	_ = m.cmd.Process.Kill()
	<-m.gone
}

func (m *machine) consoleFile() string { return filepath.Join(m.dir, "console") }

func (m *machine) console() string {
	text, _ := os.ReadFile(m.consoleFile())
	return string(bytes.ReplaceAll(text, []byte("\r"), nil))
}

var (
	errHung  = errors.New("the machine hung: it says nothing more")
	errTaken = errors.New("somebody took one of the ports")
)

// awaitReady waits until somebody can log in, or until what ready wants stands on the console beyond from.
func (m *machine) awaitReady(from int) error {
	size, last, typed := -1, time.Now(), m.early.on == "" || from > 0
	for end := time.Now().Add(bootTime); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		select {
		case <-m.gone:
			if strings.Contains(m.said.String(), "host forwarding") {
				return errTaken
			}
			return fmt.Errorf("qemu ended: %s", m.said)
		default:
		}
		text := m.console()
		if len(text) != size {
			size, last = len(text), time.Now()
		}
		if !typed && strings.Contains(text, m.early.on) {
			typed = true
			if _, err := io.WriteString(m.monitor, m.early.types); err != nil {
				return err
			}
		}
		if time.Since(last) > silence || strings.Contains(text[min(from, len(text)):], "BUG: soft lockup") {
			return errHung
		}
		if m.ready != nil {
			if len(text) >= from && m.ready.MatchString(text[from:]) {
				return nil
			}
			continue
		}
		if m.answers() {
			return nil
		}
	}
	return fmt.Errorf("not ready after %s", bootTime)
}

// answers tells whether somebody can log in; which host key answers is not asked here.
func (m *machine) answers() bool {
	args := append([]string{"-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=2"}, clientArgs(m.people, m.port, cmp.Or(m.asks, "viewer"), "-T", "op@127.0.0.1", "hello")...)
	out, err := exec.Command("ssh", args...).Output()
	return err == nil && string(out) == "Hello! How are you?\n"
}

// qemuArgs are those of every machine; what follows them is a machine's own.
func (m *machine) qemuArgs(network bool, more ...string) {
	m.args = []string{"-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max", "-smp", "2", "-m", "512",
		"-nodefaults", "-no-user-config", "-display", "none", "-serial", "file:console", "-monitor", "stdio"}
	m.network = network
	m.args = append(m.args, more...)
}

// q35 is a machine without what would slow its boot.
var q35 = []string{"-machine", "q35,usb=off,vmport=off,hpet=off"}

// direct boots kernel and initramfs without a boot loader.
func direct(image, initrd, kernelArgs string) []string {
	fixed, err := os.ReadFile(filepath.Join(image, "cmdline"))
	if err != nil {
		fixed = nil // prerequisites says so
	}
	line := strings.TrimSpace("console=ttyS0 " + strings.TrimSpace(string(fixed)) + " random.trust_cpu=on " + kernelArgs)
	return append(q35, "-kernel", filepath.Join(image, "vmlinux"), "-initrd", initrd, "-append", line)
}
