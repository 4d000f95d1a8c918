package mmc

import (
	"path/filepath"

	"wiped/engine/drive"
)

// rated is the part of a card's life, in percent, from which on it is called worn; the same as for other drives.
const rated = 80

// Health judges a card by what an eMMC says of its wear, as of when the kernel found it. smartctl knows no cards.
func Health(n drive.Node) drive.Health {
	c := card(filepath.Join(n.Sys, "device"))
	h := drive.Health{Word: "unknown"}
	words := ""
	for which := range 2 {
		if used, ok := percent(c.text("life_time"), which); ok && (h.Wear == nil || used > *h.Wear) {
			h.Wear, words = &used, life(c.text("life_time"), which)
		}
	}
	stage := stage(c.text("pre_eol_info"))
	if h.Wear != nil || stage != 0 {
		h.Word, h.Source = "good", "the kernel"
	}
	if h.Wear != nil && *h.Wear > rated {
		h.Word, h.Reasons = "worn", append(h.Reasons, "life used: "+words)
	}
	switch {
	case stage == 3:
		h.Word, h.Reasons = "failing", append(h.Reasons, "reserve of spare blocks: "+reserves[stage])
	case stage == 2:
		h.Word, h.Reasons = "worn", append(h.Reasons, "reserve of spare blocks: "+reserves[stage])
	case h.Word == "unknown" && c.kind() == "SD":
		h.Reasons = []string{"SD cards keep no record of their wear"}
	case h.Word == "unknown":
		h.Reasons = []string{"the card says nothing of its wear"}
	}
	return h
}
