//go:build vm

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	drivesim "wiped/cmd/drivesim/bench"
)

var updateDrives = flag.Bool("update-drives", false, "write docs/drives.md anew from what happened")

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

// TestVMDrives meets every kind of drive with every method, and drives that lie, fail and hide: docs/drives.md is its result.
func TestVMDrives(t *testing.T) {
	v := prerequisites(t)
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

// run boots the machine, starts all jobs at once and holds each end against its cell.
func (g group) run(t *testing.T, v *vms) []string {
	m := v.machine(t, "kernel and initramfs, "+g.name)
	var lines []string
	zoned := 0
	for n := range g.cells {
		c := &g.cells[n]
		switch kind, rest, _ := strings.Cut(c.drive, " "); kind {
		case "":
		case "zoned":
			c.serial, c.node = fmt.Sprintf("nullb%d", zoned), fmt.Sprintf("nullb%d", zoned) // they have none
			zoned++
			lines = append(lines, c.drive)
		default:
			c.serial = fmt.Sprintf("%s%02d", strings.ToUpper(kind), n)
			lines = append(lines, c.line(kind, rest))
		}
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
	for n, c := range g.cells {
		ended.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			rows[n] = m.meet(t, c)
		})
	}
	ended.Wait()
	return rows
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
			if !strings.Contains(out, fmt.Sprintf("%q", cmp.Or(c.node, c.serial))) {
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
	for n := range cells {
		if c := &cells[n]; c.nameless() {
			if _, node, _ := strings.Cut(" "+list, " "+c.serial+"="); node != "" {
				c.node, _, _ = strings.Cut(node, " ")
			}
		}
	}
	return nil
}

// meet lets wiped erase one drive, and holds its words, its exit code, its certificate and the medium against each other.
func (m *machine) meet(t *testing.T, c cell) (row string) {
	if c.before != "" {
		if out, errOut, code := m.ssh("operator", strings.ReplaceAll(c.before, "SERIAL", c.serial)); code != 0 {
			t.Errorf("%s: %s: exit code %d: %s%s", c.kind, c.before, code, out, errOut)
		}
	}
	if c.swapped != "" {
		if _, _, err := drivesim.Ask("tcp:127.0.0.1:"+m.control, c.serial, "swap", c.swapped); err != nil {
			t.Errorf("%s: %v", c.kind, err)
		}
	}
	command := strings.TrimSpace(fmt.Sprintf("erase %s --wait %s", m.named(t, c), c.flags))
	name := fmt.Sprintf("%s, %s, %s", c.kind, c.drive, command)
	out, errOut, code := m.ssh("operator", command)
	said := strings.TrimSpace(out + errOut)
	last := said[strings.LastIndexByte(said, '\n')+1:]
	if !regexp.MustCompile(c.says).MatchString(last) || code != exits[c.outcome] {
		t.Errorf("%s:\n%s\nexit code %d; want %d and %q", name, said, code, exits[c.outcome], c.says)
	}
	t.Logf("%s: exit code %d: %s", name, code, last)
	erased := strings.Contains(last, "] ") && regexp.MustCompile(`\] \S+ erased: `).MatchString(last)
	if erased != (c.outcome == isErased || c.outcome == isSurvived) {
		t.Errorf("%s: it is called erased: %v; and the outcome is to be %q", name, erased, c.outcome)
	}
	m.certified(t, name, said, erased)
	m.onMedium(t, name, c, erased)
	method := regexp.MustCompile(`started: .*?, serial \S+, (\S+) \(`).FindStringSubmatch(said)
	word := "-"
	if method != nil {
		word = method[1]
	} else if asked := regexp.MustCompile(`--(method|level) (\S+)`).FindStringSubmatch(c.flags); asked != nil {
		word = asked[2]
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", c.kind, word, c.outcome, plain(last))
}

// named is how the drives of a cell are named and confirmed: by the serial, or by the names and what confirms each.
func (m *machine) named(t *testing.T, c cell) (words string) {
	if c.node != "" {
		return m.byName(t, c.node, c.shown)
	}
	if c.spaces == 0 {
		return c.serial + " --confirm " + c.serial
	}
	var number int
	if _, err := fmt.Sscanf(c.serial, "NVME%d", &number); err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range c.spaces {
		names = append(names, m.byName(t, fmt.Sprintf("nvme%dn%d", number, n+1), "")) // the kernel was connected to them in this order
	}
	return strings.Join(names, " ")
}

// byName names a drive by the kernel's name, and confirms it with what wiped shows for it, which is to look like shown.
func (m *machine) byName(t *testing.T, drive, shown string) string {
	confirm := m.confirms(t, drive)
	if !regexp.MustCompile(shown).MatchString(confirm) {
		t.Errorf("%s is to be confirmed by %q; want %q", drive, confirm, shown)
	}
	if confirm == "" {
		return drive
	}
	return drive + " --confirm '" + confirm + "'"
}

// confirms is what confirms a drive, as wiped says it.
func (m *machine) confirms(t *testing.T, drive string) string {
	out, errOut, _ := m.ssh("viewer", "drive "+drive+" --json")
	var doc struct{ Confirm string }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Errorf("drive %s: %v: %s%s", drive, err, out, errOut)
	}
	return doc.Confirm
}

// certified holds the certificate of the job that was started against its end.
func (m *machine) certified(t *testing.T, name, said string, erased bool) {
	id := regexp.MustCompile(`job (\d+) started`).FindStringSubmatch(said)
	if id == nil {
		return
	}
	out, _, _ := m.ssh("viewer", "certificate "+id[1]+" --format json")
	var doc struct {
		Result, Scope string
		Level         *string
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || (doc.Result == "erased") != erased || (doc.Level != nil) != erased || doc.Scope != "logical" {
		t.Errorf("%s: its certificate: %v %+v", name, err, doc)
	}
}

// onMedium looks at what is really there, past the kernel and the drive's own words.
func (m *machine) onMedium(t *testing.T, name string, c cell, erased bool) {
	if strings.HasPrefix(c.drive, "zoned") {
		return // nothing but the kernel can look at it
	}
	if c.drive == "" {
		medium, err := os.ReadFile(m.image(strings.ToLower(c.serial)))
		c.held(t, name, medium, err, erased)
		return
	}
	_, medium, err := drivesim.Ask("tcp:127.0.0.1:"+m.control, c.serial, "read", "0", "0")
	c.held(t, name, medium, err, erased)
	if !strings.Contains(c.drive, "ns=2") || strings.Contains(c.drive, "file=") {
		return // or there is a file system on the second namespace
	}
	_, medium, err = drivesim.Ask("tcp:127.0.0.1:"+m.control, c.serial, "read", "0", "0", "2")
	if c.spaces == 1 { // nobody named it
		c.gone, c.stays, erased = false, true, false
	}
	c.held(t, name+", namespace 2", medium, err, erased)
}

// held holds what is on a medium against what is said of it.
func (c cell) held(t *testing.T, name string, medium []byte, err error, erased bool) {
	if err != nil || len(medium) == 0 {
		t.Errorf("%s: look at the medium: %d bytes, %v", name, len(medium), err)
		return
	}
	old := bytes.Count(medium, []byte("OLD CONTENT "))
	hidden := strings.Contains(c.flags, "--keep-hidden")
	if (erased || c.gone) && old > 0 && !hidden {
		t.Errorf("%s: its medium holds the old content %d times", name, old)
	}
	if most := len(medium) / sparsest; c.stays && old < most {
		t.Errorf("%s: the old content is there %d times; want at least %d", name, old, most)
	}
}

// sparsest is how many bytes of a medium hold the old content once at the least: that of some drives has numbers in between.
const sparsest = 80

// plain is a status line without what differs from run to run.
func plain(line string) string {
	line = regexp.MustCompile(`^\[job \d+\] \S+ `).ReplaceAllString(line, "")
	line = strings.ReplaceAll(line, "while the drive erased itself: ", "") // who noticed first that it is gone
	line = regexp.MustCompile(`, logical: .*$`).ReplaceAllString(line, "")
	line = regexp.MustCompile(`, \d+ errors, [0-9hms]+`).ReplaceAllString(line, "")
	line = regexp.MustCompile(`^(sd[a-z]+|nvme\d+n\d+): `).ReplaceAllString(line, "")
	line = regexp.MustCompile(`(?:SCSI|ATA|NVME|LAB)[A-Z]*\d+|~dev-[0-9a-f]+`).ReplaceAllString(line, "SERIAL")
	line = regexp.MustCompile(`\b(sd[a-z]+|nvme\d+n\d+|nullb\d+)\b`).ReplaceAllString(line, "DRIVE")
	return strings.ReplaceAll(regexp.MustCompile(`\b\d{3,} bytes`).ReplaceAllString(line, "N bytes"), "|", "\\|")
}

// checkTable holds docs/drives.md against what happened.
func checkTable(t *testing.T, rows [][]string) {
	var text strings.Builder
	text.WriteString(tableHead)
	for n, g := range groups {
		fmt.Fprintf(&text, "\n## %s\n\n| drive | method | outcome | what wiped says |\n|---|---|---|---|\n%s\n", g.name, strings.Join(rows[n], "\n"))
	}
	file := filepath.Join("..", "..", "docs", "drives.md")
	if *updateDrives && !t.Failed() {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
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
