// Package mmc tells what an eMMC or SD card is, from what the kernel read when it found the card: sysfs alone, no command is
// sent. It knows no order to a card, only why none is given.
package mmc

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"wiped/engine/drive"
)

// Set is the language of eMMC (JESD84-B51) and SD cards.
type Set struct{}

// whole is the name of a card's user area. Its boot and general purpose partitions and its RPMB have names that go on.
var whole = regexp.MustCompile(`^mmcblk[0-9]+$`)

// Name is MMC, of which a card is one kind or another.
func (Set) Name() string { return "MMC" }

// Speaks tells a card by its name.
func (Set) Speaks(n drive.Node) bool { return whole.MatchString(n.Info.Name) }

// Ask needs no descriptor. What it returns of wear is as old as the card's presence: the kernel does not ask again.
func (Set) Ask(_ *os.File, n drive.Node) (drive.Answers, error) {
	c := card(filepath.Join(n.Sys, "device"))
	if c.text("cid") == "" && c.text("csd") == "" {
		return drive.Answers{}, fmt.Errorf("read %s: the kernel shows no card there", c)
	}
	a := drive.Answers{Set: c.kind(), Identity: drive.Identity{Model: c.text("name"), Firmware: c.text("fwrev"), Serial: drive.Serial(c.text("serial"))},
		Facts: c.facts(), Kept: kept(n)}
	if a.Set == "" {
		a.Problem = "the kernel says that it is a card of type " + c.text("type") + ", which is not known here"
	}
	return a, nil
}

// Firmware is for drives that erase themselves.
func (Set) Firmware(*os.File, drive.Node) (drive.Firmware, error) { return nil, drive.ErrUnsupported }

// card is the folder of a card in sysfs.
type card string

// text reads an attribute; what is absent or unreadable is empty.
func (c card) text(attr string) string {
	b, err := os.ReadFile(filepath.Join(string(c), attr))
	if err != nil {
		return ""
	}
	return drive.Clean(string(b))
}

// kind is eMMC or SD. The kernel's MMC includes the removable cards that came before eMMC.
func (c card) kind() string {
	switch kind := c.text("type"); kind {
	case "MMC":
		return "eMMC"
	case "SD", "SDcombo":
		return "SD"
	}
	return ""
}

// parts are the ends of the names of what else is on a card.
var parts = []struct {
	end  *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`^boot[0-9]+$`), "boot partition"},
	{regexp.MustCompile(`^gp[0-9]+$`), "general purpose partition"},
	{regexp.MustCompile(`^rpmb$`), "RPMB"},
}

// kept names the parts of a card that erasing its user area leaves alone. Depending on the kernel they are block devices
// beside the card or folders in it; the RPMB may be a node in /dev alone, or none at all.
func kept(n drive.Node) (found []string) {
	names := map[string]bool{}
	folders := []string{filepath.Dir(n.Sys), n.Sys, filepath.Join(n.Sys, "device")}
	if filepath.IsAbs(n.Info.Path) {
		folders = append(folders, filepath.Dir(n.Info.Path))
	}
	for _, folder := range folders {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			names[e.Name()] = true
		}
	}
	rpmb := card(filepath.Join(n.Sys, "device")).number("raw_rpmb_size_mult") > 0
	for _, p := range parts {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if end, ok := strings.CutPrefix(name, n.Info.Name); ok && p.end.MatchString(end) {
				found = append(found, p.what+" "+name)
				rpmb = rpmb && end != "rpmb"
			}
		}
	}
	if rpmb {
		found = append(found, "RPMB")
	}
	return found
}
