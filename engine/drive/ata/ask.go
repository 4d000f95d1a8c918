package ata

import (
	"os"
	"path/filepath"
	"strings"

	"wiped/engine/drive"
)

// ask puts every question to a drive; the error is for one that does not answer the first.
func (p port) ask(n drive.Node) (drive.Answers, error) {
	id, err := p.identify()
	if err != nil {
		return drive.Answers{}, err
	}
	page, _ := os.ReadFile(filepath.Join(n.Sys, "device/vpd_pg89"))
	a := drive.Answers{Set: "ATA", Identity: id.identity(), Facts: id.facts(), Rotational: id.rotational(), Bridge: bridge(n, translator(page))}
	a.Facts = append(a.Facts, ownNames(a.Identity, n.Info)...)
	var state sanitizeState
	if id.bit(59, 12) {
		if state, err = p.sanitizeStatus(); err != nil {
			state.text = drive.Clean(err.Error())
		}
		if words := state.words(); words != "" {
			a.Facts = append(a.Facts, drive.Fact{Name: "sanitize status", Value: words, Source: "SANITIZE STATUS EXT"})
		}
		a.Busy = state.busy()
	}
	a.Abilities = abilities(&id, state)
	if sec := id.security(); sec.locked {
		a.Locked, a.Unlock = lockedWhy, sec.wayOut(n.Info.Name)
	}
	switch {
	case a.Busy == "":
		a.Hidden, a.HiddenWhy = p.hidden(&id)
	case id.maxAddress() != "" || id.overlay():
		a.HiddenWhy = "the drive does not answer for them while it is sanitizing"
	}
	more, another := unreached(id.size(), n.Info.Size)
	a.Hidden = append(a.Hidden, more...)
	if r := p.another(&id, n.Info); r != nil {
		another = r.Why
	}
	if another != "" {
		a.Problem, a.Another = another, another
		forbid(a.Abilities, another)
	}
	return a, nil
}

// abilities are all actions that ATA has, with why this drive cannot do them now.
func abilities(id *identify, state sanitizeState) (all []drive.Ability) {
	for _, s := range sanitizes {
		ability := drive.Ability{Action: s.action}
		ability.Why, ability.Next = sanitizeBlocked(id, state, s.bit)
		all = append(all, ability)
	}
	for _, mode := range []struct {
		action   drive.Action
		enhanced bool
	}{{drive.SecurityErase, false}, {drive.SecurityEraseEnhanced, true}} {
		ability := drive.Ability{Action: mode.action, Takes: id.eraseTime(mode.enhanced), Blocks: true}
		ability.Why, ability.Next = id.security().blocked(mode.enhanced)
		if ability.Why == "" && state.running {
			ability.Why, ability.Next = "it is sanitizing", "wait for its end"
		}
		all = append(all, ability)
	}
	return all
}

// forbid takes from a drive what it can do: orders would reach another one, or not all that the system takes for it.
func forbid(all []drive.Ability, why string) {
	for n := range all {
		if all[n].Why == "" {
			all[n].Why, all[n].Next = why, lookAgain
		}
	}
}

// translator names what translates SCSI to ATA, from VPD page 89h (SAT-4 section 12.4.2): vendor and product in bytes
// 8..31. The kernel's own libata is none that stands in between, and gives an empty name.
func translator(page []byte) string {
	if len(page) < 36 || page[1] != 0x89 {
		return ""
	}
	name := drive.Clean(string(page[8:16]))
	if name == "linux" {
		return ""
	}
	return strings.TrimSpace(name + " " + drive.Clean(string(page[16:32])))
}

// bridge is what stands between a drive and this machine, as far as the bus and the translator tell.
func bridge(n drive.Node, translator string) string {
	name := translator
	if name == "" && n.Info.Vendor != vendor {
		name = n.Info.Vendor
	}
	kind := map[string]string{"usb": "USB bridge", "sas": "SAS HBA"}[n.Info.Transport]
	switch {
	case kind == "":
		return translator
	case name == "":
		return kind
	}
	return kind + " " + name
}
