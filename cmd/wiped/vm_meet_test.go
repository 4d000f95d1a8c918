//go:build vm

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	drivesim "wiped/cmd/drivesim/bench"
)

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
	if node := m.nodes[c.serial]; node != "" {
		return m.byName(t, node, c.shown)
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
