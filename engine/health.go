package engine

import (
	"wiped/engine/drive"
	"wiped/engine/journal"
)

// healthRecord is a drive's health as it is kept; nil where nothing is known.
func healthRecord(h drive.Health) *journal.Health {
	if h.Word == "" {
		return nil
	}
	return &journal.Health{Word: h.Word, Reasons: h.Reasons, Celsius: h.Celsius, Hours: h.Hours, Reallocated: h.Reallocated,
		Pending: h.Pending, Wear: h.Wear, Source: journal.Text(h.Source)}
}
