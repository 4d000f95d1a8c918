//go:build vm

package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	drivesim "wiped/cmd/drivesim/bench"
)

var updateDrives = flag.Bool("update-drives", false, "write docs/drives.md anew from what happened")

// drivesTable is what TestVMDrives makes.
var drivesTable = filepath.Join("..", "..", "docs", "drives.md")

// controlPort is where the simulator in the guest takes orders.
const controlPort = "7777"

// group is a machine full of drives.
type group struct {
	name  string
	cells []cell
	qemu  func(m *machine)
}

var groups = []group{
	{"SCSI", scsiDrives, nil},
	{"ATA", ataDrives, nil},
	{"NVMe over TCP", overTCP, nil},
	{"qemu", qemus, qemuDrives},
}

// TestVMDrives meets every kind of drive with every method, and drives that lie, fail and hide: docs/drives.md is its result. With VM=short
// it meets some of each kind, all in one machine.
func TestVMDrives(t *testing.T) {
	v := prerequisites(t)
	if vmShort(t) {
		someDrives(t, v)
		return
	}
	var mu sync.Mutex
	rows := make([][]string, len(groups))
	t.Run("drives", func(t *testing.T) {
		for n, g := range groups {
			t.Run(g.name, func(t *testing.T) {
				got := g.run(t, v)
				mu.Lock()
				defer mu.Unlock()
				rows[n] = got
			})
		}
	})
	checkTable(t, rows)
}

// someDrives meets the drives of someCells. It never writes docs/drives.md: each of its lines is to stand there.
func someDrives(t *testing.T, v *vms) {
	if *updateDrives {
		t.Fatal("docs/drives.md is made of all drives. Next: -update-drives without VM=short")
	}
	all := allCells()
	some := someCells(all)
	rows := group{"some of each kind", some, qemuDrives}.run(t, v)
	table, err := os.ReadFile(drivesTable)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if !strings.Contains("\n"+string(table), "\n"+row+"\n") {
			t.Errorf("this is no line of docs/drives.md; make test-vm tells the whole table:\n%s", row)
		}
	}
	t.Logf("left out: %d of %d drives; make nightly meets them all", len(all)-len(some), len(all))
}

// run boots the machine, starts all jobs at once and holds each end against its cell.
func (g group) run(t *testing.T, v *vms) []string {
	m := v.machine(t, "kernel and initramfs, "+g.name)
	m.nodes = map[string]string{}
	var lines []string
	many := map[string]int{} // of each kind: the kernel counts so too
	for n := range g.cells {
		c := &g.cells[n]
		kind, rest, _ := strings.Cut(c.drive, " ")
		switch kind {
		case "":
		case "zoned":
			c.serial = fmt.Sprintf("nullb%d", many[kind]) // they have none
			m.nodes[c.serial] = c.serial
			lines = append(lines, c.drive)
		default:
			c.serial = fmt.Sprintf("%s%02d", strings.ToUpper(kind), many[kind])
			lines = append(lines, c.line(kind, rest))
		}
		many[kind]++
	}
	initrd := v.keyed(m)
	args := ""
	if lines != nil {
		m.ext4("state", "STATE", 16)
		initrd = v.simulated(m, append(lines, "control tcp:0.0.0.0:"+controlPort))
		args = "rdinit=/drivesim"
		if strings.Contains(strings.Join(lines, " "), "file=") {
			args += " wiped.state=LABEL=STATE" // on a namespace of the drive that is kept in a file
		}
	}
	m.qemuArgs(true, direct(v.image, initrd, args)...)
	m.memory(2048)
	if g.qemu != nil {
		g.qemu(m)
	}
	m.boot()
	m.awaitDrives(t, g.cells)
	rows := make([]string, len(g.cells))
	var ended sync.WaitGroup
	turn := make(chan struct{}, 8) // two processors, and a TCG at that
	for _, n := range longestFirst(g.cells) {
		turn <- struct{}{}
		ended.Go(func() {
			defer func() { <-turn }()
			rows[n] = m.meet(t, g.cells[n])
		})
	}
	ended.Wait()
	return rows
}

// vmShort tells whether few drives are to be met: VM=short.
func vmShort(t *testing.T) bool {
	form := cmp.Or(os.Getenv("VM"), "full")
	if form != "full" && form != "short" {
		t.Fatalf("VM is %q; it is full or short", form)
	}
	return form == "short"
}

// line is what the simulator is told: it calls the drive by its serial, also where wiped is not to see that serial.
func (c *cell) line(kind, rest string) string {
	words := []string{kind, "name=" + c.serial}
	if !c.nameless() {
		words = append(words, "serial="+c.serial)
	}
	words = append(words, rest)
	if !strings.Contains(rest, "blank") {
		words = append(words, `fill="OLD CONTENT "`)
	}
	return strings.Join(words, " ")
}

// nameless tells whether the drive has a serial by which the cell cannot be told.
func (c *cell) nameless() bool {
	return strings.Contains(c.drive, "serial=") || strings.Contains(c.drive, "vpd-truncated")
}

// awaitDrives waits until the kernel has found them all.
func (m *machine) awaitDrives(t *testing.T, cells []cell) {
	t.Helper()
	err := eventually(func() error {
		if err := m.findNodes(cells); err != nil {
			return err
		}
		out, _, _ := m.ssh("viewer", "drives --json")
		for _, c := range cells {
			if !strings.Contains(out, fmt.Sprintf("%q", cmp.Or(m.nodes[c.serial], c.serial))) {
				return fmt.Errorf("drive %s (%s) is not there: %s", c.serial, c.drive, out)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v; the console:\n%s", err, m.console())
	}
}

// findNodes finds where the kernel has the drives that cannot be told by a serial.
func (m *machine) findNodes(cells []cell) error {
	if !slices.ContainsFunc(cells, func(c cell) bool { return c.nameless() }) {
		return nil
	}
	list, _, err := drivesim.Ask("tcp:127.0.0.1:"+m.control, "list")
	if err != nil {
		return err
	}
	for _, c := range cells {
		if _, node, _ := strings.Cut(" "+list, " "+c.serial+"="); c.nameless() && node != "" {
			m.nodes[c.serial], _, _ = strings.Cut(node, " ")
		}
	}
	return nil
}

// checkTable holds docs/drives.md against what happened.
func checkTable(t *testing.T, rows [][]string) {
	var text strings.Builder
	text.WriteString(tableHead)
	for n, g := range groups {
		fmt.Fprintf(&text, "\n## %s\n\n| drive | method | outcome | what wiped says |\n|---|---|---|---|\n%s\n", g.name, strings.Join(rows[n], "\n"))
	}
	if *updateDrives && !t.Failed() {
		if err := os.WriteFile(drivesTable, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(drivesTable)
	if err != nil || string(have) != text.String() {
		t.Errorf("docs/drives.md (%v) is not what happened; -update-drives writes it anew:\n%s", err, text.String())
	}
}

const tableHead = `# Drives: what was met, and what came of it

Made by ` + "`make test-vm`" + `: each line is a drive that the appliance met in a virtual machine, through the kernel's own drivers, worked by
the stock ssh client. Beside wiped's word and exit code, each line's certificate was held against them, and the medium was read past the
drive, but for zoned drives. A drive that is called erased held nothing of its old content, in every line but those with --keep-hidden,
which say that a hidden area is NOT erased; a namespace that nobody named held all of its own.

**What has met only a simulator:** SANITIZE of SCSI, ATA and NVMe, ATA SECURITY ERASE UNIT, HPA, AMA and DCO were met on drives that
cmd/drivesim simulates, over TCMU and NVMe/TCP; SCSI FORMAT UNIT and NVMe Format with SES 1 (user data erase) on qemu's drives too.
NVMe Format with SES 2 (cryptographic erase) is refused on qemu's: they do not announce it (FNA), though they would take it.

**How far the simulator can be trusted:** ` + "`make test-clients`" + ` holds it against programs that know nothing of wiped, in a virtual machine
of its own: 179 commands of hdparm, sg3_utils and smartctl to SCSI and ATA drives, and 134 of nvme-cli, smartctl and dd to NVMe drives,
each with the answer that it must give. Where the drives and wiped misread a standard in the same way, and these programs never ask,
nothing here would show it.

**What is not met at all:** hardware of any kind. Zoned drives that speak ATA or SCSI: those here are the kernel's null_blk. eMMC: its
boot partitions, secure erase and sanitize. SATA behind a real HBA or a USB bridge: the ATA drives are behind the simulator's translation,
and that a drive in a dock is asked in ATA where the dock says that there is one, and is not where it says nothing, is met by unit tests.
Drives that hang at their erase, or say for ever that they are at it, are met by ` + "`make test-faults`" + `, with a wiped of less patience.
`
