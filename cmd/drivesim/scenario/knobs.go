package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"wiped/cmd/drivesim/erase"
)

// Knob is one word of a drive's line.
type Knob struct {
	Value string // what stands behind "="; empty: nothing may; in brackets: it may be left out
	About string
	set   func(d *Drive, v string) error
}

// wwnUnset marks a drive that is to have no WWN until check has seen it.
const wwnUnset = 1

// Knobs is every word there is.
var Knobs = map[string]Knob{
	"name":     {"NAME", "what the control calls it, d1 and so on if not given", setName},
	"vendor":   {"TEXT", "of INQUIRY; hex:4142 is any bytes, here and in the other texts", setText(func(d *Drive) *[]byte { return &d.Vendor })},
	"model":    {"TEXT", "", setText(func(d *Drive) *[]byte { return &d.Model })},
	"firmware": {"TEXT", "", setText(func(d *Drive) *[]byte { return &d.Firmware })},
	"serial":   {"TEXT", "may be empty, and two drives may share one", setText(func(d *Drive) *[]byte { return &d.Serial })},
	"wwn":      {"HEX|none", "", setWWN},
	"rpm":      {"N", "rotation rate; 1, as if not given: it does not rotate", setInt(func(d *Drive) *int { return &d.RPM })},
	"size":     {"SIZE", "of the medium, hidden areas included: 16M", setSize(func(d *Drive) *int64 { return &d.Size })},
	"claims":   {"SIZE", "the size that it says it has", setSize(func(d *Drive) *int64 { return &d.Claims })},
	"sector":   {"512|520|528|4096", "", setSector},
	"physical": {"BYTES", "of a physical sector", setInt(func(d *Drive) *int { return &d.Physical })},
	"file":     {"PATH", "where the medium is, instead of in memory", setString(func(d *Drive) *string { return &d.File })},
	"fill":     {"TEXT", `what is on it at first, over and over: "OLD CONTENT "`, setText(func(d *Drive) *[]byte { return &d.Fill })},
	"blank":    {"", "zeros are on it at first", func(d *Drive, _ string) error { d.Fill = nil; return nil }},

	"sanitize":        {"WAYS", "of block,crypto,overwrite", setSanitize},
	"security":        {"[normal]", "ATA security, with enhanced erase unless only normal is named", setSecurity},
	"frozen":          {"", "security is frozen, as BIOSes leave it", setBool(func(d *Drive) *bool { d.secure(); return &d.Frozen })},
	"sanitize-frozen": {"", "sanitize is frozen", setBool(func(d *Drive) *bool { return &d.SanitizeFrozen })},
	"locked":          {"PASSWORD", "it is locked with this user password", setLocked},
	"master":          {"PASSWORD", "the master password", setText(func(d *Drive) *[]byte { return &d.Master })},
	"maximum":         {"", "the master password does not unlock it", setBool(func(d *Drive) *bool { return &d.Maximum })},
	"attempts":        {"N", "tries at the password that are left, 5 if not given", setInt(func(d *Drive) *int { return &d.Attempts })},
	"hpa":             {"SIZE|none", "a host protected area of that size; none: no such feature", setHPA},
	"freeze-hpa":      {"", "SET MAX ADDRESS, or ACCESSIBLE MAX ADDRESS, is frozen", setBool(func(d *Drive) *bool { return &d.FreezeHPA })},
	"ama":             {"SIZE", "an area hidden by ACCESSIBLE MAX ADDRESS, on a drive without HPA", setAMA},
	"dco":             {"SIZE", "an area hidden by DEVICE CONFIGURATION", setDCO},
	"freeze-dco":      {"", "DEVICE CONFIGURATION is frozen", setBool(func(d *Drive) *bool { d.HasDCO = true; return &d.FreezeDCO })},

	"bad":              {"LBA,...", "sectors that can be neither read nor written", setSectors(func(d *Drive) *[]uint64 { return &d.Bad })},
	"flips":            {"LBA,...", "sectors that are read with one wrong bit", setSectors(func(d *Drive) *[]uint64 { return &d.Flips })},
	"drops":            {"LBA,...", "sectors that keep what they hold: writing them is acknowledged", setSectors(func(d *Drive) *[]uint64 { return &d.Drops })},
	"hangs":            {"LBA,...", "sectors to whose reading and writing there is no answer", setSectors(func(d *Drive) *[]uint64 { return &d.Hangs })},
	"read-only":        {"", "", setBool(func(d *Drive) *bool { return &d.ReadOnly })},
	"fixed-sense":      {"[old]", "ATA registers come in sense data of the fixed format; old: laid out as by kernels before 2024", setFixed},
	"descriptor-sense": {"", "SCSI sense data is of the descriptor format", setBool(func(d *Drive) *bool { return &d.DescriptorSense })},
	"no-rsoc":          {"", "REPORT SUPPORTED OPERATION CODES is not there", setBool(func(d *Drive) *bool { return &d.NoRSOC })},
	"vpd-truncated":    {"", "INQUIRY's pages end half way", setBool(func(d *Drive) *bool { return &d.CutPages })},
	"drop-status":      {"sense|count", "the HBA swallows sense data, or makes the Count register 0", setDrop},
	"slow":             {"SIZE", "bytes a second", setSize(func(d *Drive) *int64 { return &d.Rate })},
	"failing":          {"", "SMART says that it will fail", setBool(func(d *Drive) *bool { return &d.Failing })},
	"hours":            {"N", "powered on", setInt(func(d *Drive) *int { return &d.Hours })},
	"celsius":          {"N", "", setInt(func(d *Drive) *int { return &d.Celsius })},
	"reallocated":      {"N", "sectors", setInt(func(d *Drive) *int { return &d.Reallocated })},
	"pending":          {"N", "sectors", setInt(func(d *Drive) *int { return &d.Pending })},

	"took":         {"DURATION", "how long an erase lasts; nothing if not given", setTook},
	"leaves":       {"zeros|ones|noise|vendor", "what a block, security or format erase leaves", setLeaves},
	"on":           {"KINDS", "the words below hold for these of sanitize,format,security only", setOn},
	"lie":          {"", "it says done and keeps the data", setErase(func(b *erase.Behaviour) { b.Content = erase.Nothing })},
	"lie-half":     {"", "it says done and erases the first half", setErase(func(b *erase.Behaviour) { b.Content = erase.Half })},
	"lie-progress": {"", "it is in progress for ever, from 99 % on", setErase(func(b *erase.Behaviour) { b.Told = erase.Endless })},
	"forget":       {"[erased]", "it accepts the erase and never knew of any; the data stays, or is erased all the same", setTold(erase.Forgotten)},
	"other":        {"[erased]", "its status is that of another erase", setTold(erase.Other)},
	"fail":         {"", "the erase fails at its end", setErase(func(b *erase.Behaviour) { b.FailAt = 100 })},
	"fail-at":      {"PERCENT", "the erase fails there", setPercent(func(b *erase.Behaviour) *int { return &b.FailAt })},
	"refuse":       {"", "the erase is advertised and not accepted", setErase(func(b *erase.Behaviour) { b.Refuse = true })},
	"hang":         {"", "it answers nothing once the erase has begun", setErase(func(b *erase.Behaviour) { b.Hang = true })},
	"vanish":       {"PERCENT", "it is gone there", setPercent(func(b *erase.Behaviour) *int { return &b.VanishAt })},
	"power-loss":   {"PERCENT", "it loses power there, once", setPercent(func(b *erase.Behaviour) *int { return &b.PowerLossAt })},
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

func setName(d *Drive, v string) error {
	if !nameForm.MatchString(v) {
		return errors.New("a name is 1 to 32 letters, digits, - and _")
	}
	d.Name = v
	return nil
}

func setText(field func(*Drive) *[]byte) func(*Drive, string) error {
	return func(d *Drive, v string) (err error) {
		*field(d), err = text(v)
		return err
	}
}

func setString(field func(*Drive) *string) func(*Drive, string) error {
	return func(d *Drive, v string) error { *field(d) = v; return nil }
}

func setBool(field func(*Drive) *bool) func(*Drive, string) error {
	return func(d *Drive, _ string) error { *field(d) = true; return nil }
}

func setInt(field func(*Drive) *int) func(*Drive, string) error {
	return func(d *Drive, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 1<<20 {
			return fmt.Errorf("%q is no number from 0 to 1048576", v)
		}
		*field(d) = n
		return nil
	}
}

func setSize(field func(*Drive) *int64) func(*Drive, string) error {
	return func(d *Drive, v string) (err error) {
		*field(d), err = size(v)
		return err
	}
}

func setErase(change func(*erase.Behaviour)) func(*Drive, string) error {
	return func(d *Drive, _ string) error { change(&d.Erase); return nil }
}

func setPercent(field func(*erase.Behaviour) *int) func(*Drive, string) error {
	return func(d *Drive, v string) (err error) {
		*field(&d.Erase), err = percent(v)
		return err
	}
}

func setTold(told erase.Told) func(*Drive, string) error {
	return func(d *Drive, v string) error {
		d.Erase.Told, d.Erase.Content = told, erase.Nothing
		if v == "erased" {
			d.Erase.Content = erase.Whole
		} else if v != "" {
			return fmt.Errorf("%q is not erased", v)
		}
		return nil
	}
}

func setWWN(d *Drive, v string) error {
	if d.WWN = wwnUnset; v == "none" {
		return nil
	}
	n, err := strconv.ParseUint(v, 16, 64)
	if err != nil || n <= wwnUnset {
		return fmt.Errorf("%q is neither none nor 16 hex digits", v)
	}
	d.WWN = n
	return nil
}

func setSector(d *Drive, v string) error {
	switch v {
	case "512", "520", "528", "4096":
		d.Sector, _ = strconv.Atoi(v)
		return nil
	}
	return fmt.Errorf("no drive has sectors of %q bytes", v)
}

func setSanitize(d *Drive, v string) (err error) {
	d.Sanitize, err = oneOf(v, "block", "crypto", "overwrite")
	return err
}

func setSecurity(d *Drive, v string) error {
	d.Security, d.Enhanced = true, v == ""
	if v != "" && v != "normal" {
		return fmt.Errorf("%q is not normal", v)
	}
	return nil
}

// secure gives a drive the security that a state of it implies, where none was named.
func (d *Drive) secure() {
	if !d.Security {
		d.Security, d.Enhanced = true, true
	}
}

func setLocked(d *Drive, v string) (err error) {
	d.secure()
	if d.Locked, err = text(v); err == nil && len(d.Locked) > 32 {
		err = errors.New("a password has at most 32 bytes")
	}
	return err
}

func setHPA(d *Drive, v string) (err error) {
	if d.HasHPA = v != "none"; d.HasHPA {
		d.HPA, err = size(v)
	}
	return err
}

func setAMA(d *Drive, v string) (err error) {
	d.HasHPA, d.HasAMA = false, true
	d.AMA, err = size(v)
	return err
}

func setDCO(d *Drive, v string) (err error) {
	d.HasDCO = true
	d.DCO, err = size(v)
	return err
}

func setSectors(field func(*Drive) *[]uint64) func(*Drive, string) error {
	return func(d *Drive, v string) error {
		for _, word := range strings.Split(v, ",") {
			n, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				return fmt.Errorf("%q is no sector", word)
			}
			*field(d) = append(*field(d), n)
		}
		return nil
	}
}

func setFixed(d *Drive, v string) error {
	d.FixedSense, d.OldSense = true, v == "old"
	if v != "" && v != "old" {
		return fmt.Errorf("%q is not old", v)
	}
	return nil
}

func setDrop(d *Drive, v string) error {
	list, err := oneOf(v, "sense", "count")
	for _, word := range list {
		d.DropSense, d.DropCount = d.DropSense || word == "sense", d.DropCount || word == "count"
	}
	return err
}

func setTook(d *Drive, v string) error {
	took, err := time.ParseDuration(v)
	if err != nil || took < 0 {
		return fmt.Errorf("%q is no duration", v)
	}
	d.Erase.Took = took
	return nil
}

func setLeaves(d *Drive, v string) error {
	if _, err := oneOf(v, "zeros", "ones", "noise", "vendor"); err != nil {
		return err
	}
	d.Leaves = v
	return nil
}

func setOn(d *Drive, v string) (err error) {
	d.On, err = oneOf(v, "sanitize", "format", "security")
	return err
}
