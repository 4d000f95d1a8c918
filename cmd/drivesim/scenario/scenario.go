// Package scenario reads what simulated drives are told to be and to do: one line of text for each drive. It knows the words and
// their limits, and nothing of how a drive does any of it.
package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"wiped/cmd/drivesim/erase"
)

// Drive is one simulated drive.
type Drive struct {
	Kind string // scsi or ata
	Name string // what the control calls it; letters, digits, "-" and "_"

	Vendor, Model, Firmware, Serial []byte
	WWN                             uint64 // 0: none
	RPM                             int    // 1: it does not rotate
	Size                            int64  // bytes of the medium, hidden areas included
	Claims                          int64  // bytes that it says it has; 0: the truth
	Sector, Physical                int    // bytes
	File                            string // the medium; empty: memory
	Fill                            []byte // what is on it at first, over and over

	Sanitize               []string // of block, crypto, overwrite
	Security, Enhanced     bool     // ATA
	Frozen, SanitizeFrozen bool
	Locked                 []byte // the user password of a drive that is locked; nil: it is not
	Master                 []byte
	Maximum                bool // the security level: the master password does not unlock it
	Attempts               int  // tries at the password that are left
	HPA, AMA, DCO          int64
	HasHPA, HasAMA, HasDCO bool
	FreezeHPA, FreezeDCO   bool
	Bad                    []uint64 // blocks that can be neither read nor written
	Flips, Drops, Hangs    []uint64 // blocks: read with a wrong bit; written in word alone; never answered
	ReadOnly               bool
	FixedSense, OldSense   bool // ATA: registers in sense data of the fixed format; as kernels before 2024 laid it out
	DescriptorSense        bool // SCSI
	NoRSOC, CutPages       bool
	DropSense, DropCount   bool
	Rate                   int64 // bytes a second; 0: as fast as it goes
	Failing                bool  // SMART says that it will fail
	Hours, Celsius         int
	Reallocated, Pending   int
	Leaves                 string // what an erase leaves: zeros, ones, noise, vendor
	On                     []string
	Erase                  erase.Behaviour // of the kinds in On
}

// Scenario is all of a file.
type Scenario struct {
	Drives  []Drive
	NVMe    []string // lines of drives of the other kind, without the word nvme
	Zoned   []string // lines of zoned drives of the kernel's null_blk, without the word zoned
	Control []string // addresses where the control listens besides the usual one
}

// Parse reads a scenario: a drive a line, blank lines and lines that begin with # aside.
func Parse(text string) (s Scenario, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "":
		case "nvme":
			s.NVMe = append(s.NVMe, rest)
		case "zoned":
			s.Zoned = append(s.Zoned, rest)
		case "control":
			s.Control = append(s.Control, strings.TrimSpace(rest))
		default:
			if strings.HasPrefix(word, "#") {
				continue
			}
			d, err := ParseDrive(line, len(s.Drives)+1)
			if err != nil {
				return Scenario{}, fmt.Errorf("drive %q: %w", line, err)
			}
			if slices.ContainsFunc(s.Drives, func(x Drive) bool { return x.Name == d.Name }) {
				return Scenario{}, fmt.Errorf("drive %q: there is a drive %s already", line, d.Name)
			}
			s.Drives = append(s.Drives, d)
		}
	}
	return s, nil
}

// ParseDrive reads one line. number is for the name of a drive that is given none.
func ParseDrive(line string, number int) (Drive, error) {
	words, err := split(line)
	if err != nil {
		return Drive{}, err
	}
	if len(words) == 0 || (words[0] != "scsi" && words[0] != "ata") {
		return Drive{}, errors.New("it begins with scsi or ata")
	}
	d := ordinary(words[0], number)
	for _, word := range words[1:] {
		name, value, given := strings.Cut(word, "=")
		k, ok := Knobs[name]
		if !ok {
			return Drive{}, fmt.Errorf("there is no %q", name)
		}
		if k.Value != "" && !given && !strings.HasPrefix(k.Value, "[") {
			return Drive{}, fmt.Errorf("%s needs =%s", name, k.Value)
		}
		if k.Value == "" && given {
			return Drive{}, fmt.Errorf("%s takes no value", name)
		}
		if err := k.set(&d, value); err != nil {
			return Drive{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return d, d.check()
}

// ordinary is a drive that nothing was said of.
func ordinary(kind string, number int) Drive {
	d := Drive{Kind: kind, Name: fmt.Sprintf("d%d", number), Vendor: []byte("DRIVESIM"), Model: []byte("SCSI SIMULATED"), Firmware: []byte("SIM1"),
		RPM: 1, Size: 16 << 20, Sector: 512, Fill: []byte("OLD CONTENT "), Attempts: 5, Hours: 1234, Celsius: 31, Leaves: "zeros",
		On: []string{"sanitize", "format", "security"}}
	d.Serial = []byte("SIM" + d.Name)
	if kind == "ata" {
		d.Vendor, d.Model, d.HasHPA = []byte("ATA"), []byte("SIMULATED ATA DRIVE"), true
	}
	return d
}

const largest = 64 << 30

// check is what only the whole of a line can tell.
func (d *Drive) check() error {
	d.Physical = max(d.Physical, d.Sector)
	d.Size -= d.Size % int64(d.Sector)
	if d.Size > largest || max(d.HPA, d.AMA, d.DCO) > largest {
		return errors.New("a medium has at most 64 GiB; claims= makes a drive say that it has more")
	}
	hidden := d.HPA + d.AMA + d.DCO
	switch {
	case d.WWN == wwnUnset:
		d.WWN = 0
	case d.WWN == 0:
		d.WWN = madeWWN(d.Kind, d.Name, d.Serial)
	}
	switch {
	case d.Size < 64*int64(d.Sector):
		return errors.New("it is smaller than 64 sectors")
	case hidden%int64(d.Sector) != 0:
		return errors.New("a hidden area is no whole number of sectors")
	case hidden > d.Size-64*int64(d.Sector):
		return errors.New("the hidden areas leave less than 64 sectors")
	case d.HasAMA && d.HPA > 0:
		return errors.New("a drive has HPA or AMA, not both")
	case d.Kind == "ata" && d.Sector%512 != 0 || d.Physical%d.Sector != 0:
		return errors.New("no drive has sectors of that size")
	case d.Kind == "scsi" && (hidden > 0 || d.HasAMA || d.HasDCO || d.Security || d.Frozen || d.Locked != nil):
		return errors.New("HPA, AMA, DCO and security are ATA's")
	case d.Kind == "ata" && len(d.Serial) > 20, d.Kind == "ata" && len(d.Model) > 40, len(d.Firmware) > 8, len(d.Serial) > 200, len(d.Vendor) > 8:
		return errors.New("a text is longer than its field")
	}
	return nil
}

// madeWWN is an NAA 5 identifier that no manufacturer gives out, the same at each start.
func madeWWN(kind, name string, serial []byte) uint64 {
	h := fnv.New64a()
	h.Write(bytes.Join([][]byte{[]byte(kind), []byte(name), serial}, []byte{0}))
	return 0x5d51700000000000 | h.Sum64()&0xfffffffff
}

// Can tells whether a way to sanitize is in the drive.
func (d *Drive) Can(method string) bool { return slices.Contains(d.Sanitize, method) }

// Behaviour is how the drive does erases of a kind: as it was told for the kinds of On, and honestly for the others.
func (d *Drive) Behaviour(k erase.Kind) erase.Behaviour {
	if slices.Contains(d.On, map[erase.Kind]string{erase.Sanitize: "sanitize", erase.Format: "format", erase.Security: "security"}[k]) {
		return d.Erase
	}
	return erase.Behaviour{Took: d.Erase.Took}
}
