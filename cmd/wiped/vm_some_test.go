package main

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
)

// allCells are the drives of all groups.
func allCells() []cell { return slices.Concat(scsiDrives, ataDrives, overTCP, qemus) }

// once are the words that a short run has at least once, on whatever drive. Of what the simulator is told: every lie of a drive and of the HBA
// before it, what a drive hides, and how it goes; a word that ends with = has any value. Of the flags of a drive that was erased: its own
// commands, and what is done about a hidden area.
var once = []string{
	"lie", "lie-half", "format-lie", "forget", "forget=erased", "other", "other=erased", "stale",
	"drop-status=sense", "drop-status=count", "fixed-sense", "hpa=", "dco=", "ns=", "vanish=",
	"sanitize-overwrite", "sanitize-crypto", "format-unit", "format-user-data", "format-crypto", "security-erase", "security-erase-enhanced",
	"--unhide", "--keep-hidden",
}

// traits are what this cell adds to a short run: its peer with its outcome, words of once, a loss of power over its transport, and that it
// is not the drive that was confirmed.
func (c *cell) traits() []string {
	all, words := []string{c.peer() + ", " + c.outcome}, strings.Fields(c.drive)
	if c.outcome == isErased {
		words = append(words, strings.Fields(c.flags)...)
	}
	for _, word := range words {
		key, _, _ := strings.Cut(word, "=")
		switch {
		case key == "power-loss":
			all = append(all, c.peer()+", power-loss")
		case slices.Contains(once, word):
			all = append(all, word)
		case slices.Contains(once, key+"="):
			all = append(all, key+"=")
		}
	}
	if c.swapped != "" {
		all = append(all, "swapped")
	}
	return all
}

// peer is what kind of drive it is: the first word for the simulator, or what qemu emulates.
func (c *cell) peer() string {
	if c.drive != "" {
		return strings.Fields(c.drive)[0]
	}
	return strings.TrimRight(strings.Join(strings.Fields(c.kind)[:2], " "), ",")
}

// someCells are the drives of a short run: so many of all that each trait is there once. The one that adds most comes first, and the first
// of the table among equals.
func someCells(all []cell) (some []cell) {
	met := map[string]bool{}
	for {
		best, most := -1, 0
		for n := range all {
			if adds := missing(all[n].traits(), met); adds > most {
				best, most = n, adds
			}
		}
		if best < 0 {
			return some
		}
		some = append(some, all[best])
		for _, trait := range all[best].traits() {
			met[trait] = true
		}
	}
}

func missing(traits []string, met map[string]bool) (many int) {
	for _, trait := range traits {
		if !met[trait] {
			many++
		}
	}
	return many
}

// longestFirst are the places of the cells, those first whose drives take longest by themselves: the others are met meanwhile.
func longestFirst(cells []cell) []int {
	places := make([]int, len(cells))
	for n := range places {
		places[n] = n
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(cells[b].took(), cells[a].took()) })
	return places
}

// took is how long the drive is at its erase command, as the simulator is told.
func (c *cell) took() (longest time.Duration) {
	for _, word := range strings.Fields(c.drive) {
		if key, value, _ := strings.Cut(word, "="); key == "took" || key == "format-took" {
			took, _ := time.ParseDuration(value) // the simulator refuses what is no duration
			longest = max(longest, took)
		}
	}
	return longest
}

// TestSomeCells holds the choice of a short run against the whole table.
func TestSomeCells(t *testing.T) {
	all := allCells()
	some := someCells(all)
	count := func(cells []cell, is func(c cell) bool) (many int) {
		for _, c := range cells {
			if is(c) {
				many++
			}
		}
		return many
	}
	check := func(what string, is func(c cell) bool) {
		t.Helper()
		if count(all, is) == 0 || count(some, is) == 0 {
			t.Errorf("%s: %d of %d cells are in the table, %d in the short run", what, count(all, is), len(all), count(some, is))
		}
	}
	for _, peer := range []string{"scsi", "ata", "nvme", "zoned", "qemu NVMe", "qemu SCSI", "qemu SATA"} {
		check(peer, func(c cell) bool { return c.peer() == peer })
	}
	for _, transport := range []string{"scsi ", "ata ", "nvme "} {
		check(transport+"power-loss", func(c cell) bool {
			return strings.HasPrefix(c.drive, transport) && strings.Contains(c.drive, " power-loss")
		})
		for outcome := range exits {
			check(transport+outcome, func(c cell) bool { return strings.HasPrefix(c.drive, transport) && c.outcome == outcome })
		}
	}
	check("swapped", func(c cell) bool { return c.swapped != "" })
	for _, word := range once {
		check(word, func(c cell) bool {
			return strings.Contains(" "+c.drive+" ", " "+word) || strings.Contains(c.flags+" ", word+" ")
		})
	}
	for _, c := range all { // a lie that once does not know would be left out by chance
		if c.drive != "" && (c.outcome == lieCaught || c.outcome == isUnknown) && len(c.traits()) < 2 {
			t.Errorf("%s, %s: none of its knobs is one of once", c.kind, c.drive)
		}
	}
	if len(some) > len(all)/3 {
		t.Errorf("a short run has %d of %d drives", len(some), len(all))
	}
	for n, c := range some {
		t.Logf("%2d %s: %s", n, strings.Join(c.traits(), "; "), c.kind)
	}
}

func TestLongestFirst(t *testing.T) {
	cells := []cell{{drive: "scsi size=4M"}, {drive: "ata took=2s"}, {}, {drive: "nvme took=1s format-took=90s"}, {drive: "scsi took=2s lie"}}
	if got, want := longestFirst(cells), []int{3, 1, 4, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
}
