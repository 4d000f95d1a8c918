//go:build vm && crash

package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/cmd/drivesim/volatile"
)

// powered is a machine whose drives lose, with the power, what they have not flushed.
type powered struct {
	*machine
	random *rand.Rand
	disks  []*poweredDisk
	fast   []*crashDrive
	slow   []*crashDrive // so slow that they come to checkpoints inside of passes

	keys     string // of people
	instants []*instant
	writers  []io.Writer // one for each disk

	mu     sync.Mutex
	supply *volatile.Machine
	plugs  map[string]*volatile.Drive
}

// poweredDisk is what keeps its bytes: a file on the host.
type poweredDisk struct {
	name, serial, device string
	more                 string // options of qemu's block layer
	size                 int64
	file                 *os.File
}

// cacheBytes is how much a drive holds back at most.
const cacheBytes = 8 << 20

// powerUp gives every drive an empty cache and a power supply that is on.
func (p *powered) powerUp() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.supply, p.plugs = volatile.NewMachine(p.random), map[string]*volatile.Drive{}
	for _, d := range p.disks {
		plug, err := p.supply.NewDrive(d.file, d.size, cacheBytes)
		if err != nil {
			p.t.Fatal(err)
		}
		p.plugs[d.name] = plug
	}
}

func (p *powered) plugOf(name string) *volatile.Drive {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plugs[name]
}

// serve answers qemu on a socket in the machine's folder, whatever supply is on.
func (p *powered) serve(d *poweredDisk) {
	ln, err := net.Listen("unix", filepath.Join(p.dir, d.name+".nbd"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _ = p.plugOf(d.name).Serve(conn) }()
		}
	}()
}

// nbdDisk is an emulated drive over NBD. qemu passes on every flush of the guest.
func nbdDisk(d *poweredDisk) []string {
	return []string{"-drive", "if=none,id=" + d.name + ",driver=nbd,server.type=unix,server.path=" + d.name + ".nbd,cache.direct=on" + d.more,
		"-device", d.device + ",serial=" + d.serial + ",drive=" + d.name}
}

// newPowered makes a machine with a state partition and three drives, one of them slow, so that it comes to checkpoints inside of passes.
func newPowered(t *testing.T, v *vms, random *rand.Rand) *powered {
	p := &powered{machine: v.machine(t, "power cuts"), random: random, keys: v.keys}
	p.ext4("state", "STATE", 32)
	p.disks = []*poweredDisk{
		{name: "state", serial: "LABSTATE", device: "virtio-blk-pci", size: 32 << 20},
		{name: "one", serial: "LABONE", device: "virtio-blk-pci", size: 24 << 20},
		{name: "two", serial: "LABTWO", device: "nvme", size: 24 << 20},
		{name: "slow", serial: "LABSLOW", device: "scsi-hd,bus=scsi.0", size: 12 << 20, more: ",throttling.bps-write=1500000"},
	}
	p.writers = make([]io.Writer, len(p.disks))
	p.qemuArgs(true, direct(v.image, v.keyed(p.machine), "wiped.state=LABEL=STATE")...)
	p.plug([]string{"-device", "virtio-scsi-pci,id=scsi"})
	for _, d := range p.disks {
		f, err := os.OpenFile(p.image(d.name), os.O_RDWR|os.O_CREATE, 0o600)
		if err == nil {
			err = f.Truncate(d.size)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		d.file = f
		p.serve(d)
		p.plug(nbdDisk(d))
	}
	return p
}

// findDrives makes the drives under erase as the suite looks at them.
func (p *powered) findDrives() {
	for _, d := range p.disks[1:] {
		drive := &crashDrive{name: d.name, serial: d.serial, size: d.size, content: fileContent(p.image(d.name), d.size),
			fill: func(content []byte) error {
				plug := p.plugOf(d.name)
				if err := plug.Write(content, 0, false); err != nil {
					return err
				}
				return plug.Flush()
			}}
		if d.more == "" {
			p.fast = append(p.fast, drive)
		} else {
			p.slow = append(p.slow, drive)
		}
	}
}

// powerUpStation makes the suite's view of the machine: the same checks as after a kill.
func powerUpStation(t *testing.T, v *vms, p *powered, figures *crashFigures) *crashStation {
	pem, err := os.ReadFile(filepath.Join(v.people, "keys", "admin"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	p.findDrives()
	s := &crashStation{bench: &bench{t: t, dir: v.people, signer: signer}, memory: newMemory(), figures: figures, rng: p.random}
	s.say = func() string { return p.console() }
	s.leftBehind = func() {}
	s.restart = func() {
		p.powerUp()
		p.bootAgain()
		s.addr = "127.0.0.1:" + p.port
	}
	return s
}

// bootAttempts is how often a boot may hang under emulation. What survived a cut is not touched by that.
const bootAttempts = 8

func (p *powered) bootAgain() {
	p.t.Helper()
	for attempt := 1; ; attempt++ {
		p.start()
		err := p.awaitReady(0)
		for more := 0; errors.Is(err, errHung) && more < 3; more++ { // the host may have had no time for it
			err = p.awaitReady(0)
		}
		if err == nil {
			p.t.Logf("ready %.1f s after the start of the machine, attempt %d", time.Since(p.begun).Seconds(), attempt)
			return
		}
		if !errors.Is(err, errHung) && !errors.Is(err, errTaken) || attempt == bootAttempts {
			p.t.Fatalf("after a power cut the machine does not come up: %v; the console:\n%s", err, p.console())
		}
		p.kill()
	}
}

// cut takes the power away, ends qemu, boots again on what survived, and looks.
func (p *powered) cut(s *crashStation, name string) {
	p.t.Helper()
	if err := p.supply.Cut(); err != nil {
		p.t.Fatal(err)
	}
	p.kill()
	p.lookAtInstants(s, name)
	lost := p.supply.Counts.Lost
	s.figures.count(func(f *crashFigures) { f.Cuts[name]++; f.Lost += lost })
	p.t.Logf("%s: %s: %+v", s.where, name, p.supply.Counts)
	s.after()
}

// powerMoments are what the power is cut in. Each leaves the machine right before the cut.
var powerMoments = []struct {
	name string
	aim  func(p *powered, s *crashStation)
}{
	{"passes", func(p *powered, s *crashStation) {
		s.begin("dod-3", "random", "vsitr", "schneier")
		p.cutAfter(s, 300, 5*time.Second)
	}},
	{"a pass, behind a checkpoint inside it", func(p *powered, s *crashStation) {
		s.drives = p.slow
		s.refill()
		s.begin("zero", "random")
		time.Sleep(5300 * time.Millisecond) // checkpoints are 5 s apart
		p.cutAfter(s, 40, 2*time.Second)
	}},
	{"the end of jobs", func(p *powered, s *crashStation) {
		for _, d := range s.drives {
			s.order("random", false, d)
		}
		p.cutAfter(s, 130, 4*time.Second) // not many more are needed
	}},
	{"submission", func(p *powered, s *crashStation) {
		s.order("random", false, s.drives...)
		p.cutAfter(s, 20, 3*time.Second)
	}},
	{"write:", func(p *powered, s *crashStation) { talking(s); p.cutAfter(s, 100, 3*time.Second) }},
	{"just acknowledged", func(p *powered, s *crashStation) { s.begin("zero"); s.untilState("erased") }},
	{"resume", func(p *powered, s *crashStation) {
		s.begin("vsitr", "ops-ii")
		s.untilPass()
		p.cut(s, "passes")
		s.resumeAll()
		p.cutAfter(s, 200, 4*time.Second)
	}},
}

// TestCrashPowerCuts cuts the power of a machine at moments that chance picks. What its drives had not flushed is lost, its state's too, or
// kept in part; then it boots on what is left. CUT_SECONDS is how long it goes on.
func TestCrashPowerCuts(t *testing.T) {
	seed := uint64(setting(t, "CRASH_SEED", time.Now().UnixNano()))
	limit := time.Duration(setting(t, "CUT_SECONDS", 300)) * time.Second
	t.Logf("CRASH_SEED=%d CUT_SECONDS=%.0f", seed, limit.Seconds())
	if limit == 0 {
		t.Log("left out: power cuts; make nightly has them")
		return
	}
	figures := &crashFigures{Seed: seed, Kills: map[string]int{}, Shown: map[string]int{}, Cuts: map[string]int{}}
	figures.note(t, "power")
	useBinary(t)
	scratch(t)
	v := prerequisites(t)
	p := newPowered(t, v, rand.New(rand.NewPCG(seed, 3)))
	s := powerUpStation(t, v, p, figures)
	s.restart()
	begun := time.Now()
	for n := p.random.IntN(len(powerMoments)); time.Since(begun) < limit && !t.Failed(); n++ {
		m := powerMoments[n%len(powerMoments)]
		s.where = fmt.Sprintf("cut %d of CRASH_SEED=%d", n, seed)
		s.drives = p.fast
		s.refill()
		m.aim(p, s)
		p.cut(s, m.name)
		s.settle()
	}
	s.checkEverything()
}
