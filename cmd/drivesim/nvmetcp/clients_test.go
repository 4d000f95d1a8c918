//go:build vm

package nvmetcp

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

var clientScript = flag.String("clients", "", "the file of commands, where TestClients runs in a guest")

// TestClients holds the drives against the kernel's driver, nvme-cli, smartctl and dd, which know nothing of wiped. It is
// root's, on a machine with the module nvme-tcp that has nothing to lose.
func TestClients(t *testing.T) {
	if *clientScript == "" {
		t.Fatal("name the file of commands. Next: -clients testdata/clients.txt, in a guest with nvme-tcp loaded")
	}
	text, err := os.ReadFile(*clientScript)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parseScript(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var d *offered
	wrong, all := 0, 0
	for _, s := range steps {
		if s.want != nil {
			all++
			if !d.run(t, s) {
				wrong++
			}
			continue
		}
		d.end()
		t.Logf("line %d: %s", s.line, s.knobs)
		d = offerDrive(t, s.knobs)
		if s.connect {
			d.connect(t)
		}
	}
	d.end()
	fmt.Printf("%d commands, %d not as expected\n", all, wrong)
	if all == 0 {
		t.Error("no command")
	}
}

// offered is a drive that the kernel can have.
type offered struct {
	s          *Subsystem
	address    netip.AddrPort
	cancel     func()
	controller Controller
	env        []string
}

func offerDrive(t *testing.T, line string) *offered {
	t.Helper()
	config, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go s.Serve(ctx, l)
	address := l.Addr().(*net.TCPAddr).AddrPort()
	return &offered{s: s, address: address, cancel: cancel, env: []string{
		"NQN=" + s.NQN(), "ADDR=" + address.Addr().String(), fmt.Sprint("PORT=", address.Port()),
	}}
}

// connect waits until the kernel has all disks, 5 s at most.
func (d *offered) connect(t *testing.T) {
	t.Helper()
	c, err := Connect(d.address, d.s.NQN(), Link{ControllerLoss: 5 * time.Second, ReconnectDelay: time.Second, Queues: 2})
	if err != nil {
		t.Fatal(err)
	}
	d.controller = c
	attached := 0
	for _, n := range d.s.config.Namespaces {
		if !n.Detached {
			attached++
		}
	}
	var disks []string
	for range 100 {
		if disks, _ = c.Disks(); len(disks) == attached {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	slices.Sort(disks)
	d.env = append(d.env, "NAME="+c.Name, "CTRL=/dev/"+c.Name)
	for i, name := range disks {
		d.env = append(d.env, fmt.Sprintf("NS%d=/dev/%s", i+1, name))
	}
}

func (d *offered) end() {
	if d != nil {
		if d.s.isSilent() { // the kernel would wait for the answer to its goodbye
			d.s.Close()
		}
		if d.controller.Name != "" {
			d.controller.Disconnect()
		}
		d.cancel()
		d.s.Close()
	}
}

// run tells whether a command's answer was the expected one.
func (d *offered) run(t *testing.T, s step) bool {
	t.Helper()
	for {
		output := d.shell(s.command)
		if s.want.MatchString(output) {
			t.Logf("line %d: %s\n%s", s.line, s.command, output)
			return true
		}
		if s.tries--; s.tries == 0 {
			t.Errorf("line %d: %s\n%s\ndoes not match %s", s.line, s.command, output, s.want)
			return false
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func (d *offered) shell(command string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", "("+command+") 2>&1; echo exit $?")
	c.Env = append(os.Environ(), d.env...)
	c.WaitDelay = time.Second
	output, err := c.Output()
	if err != nil {
		return string(output) + err.Error()
	}
	return string(output)
}
