package ata

import (
	"errors"
	"fmt"

	"wiped/engine/drive"
)

// setMax makes an address the highest one, over power cycles too: bit 0 of the count of SET MAX ADDRESS says that the
// value is kept; AMA always keeps it.
func setMax(kind string, wide bool, lba uint64) taskfile {
	switch {
	case kind == ama:
		return taskfile{name: "SET ACCESSIBLE MAX ADDRESS EXT", command: 0x78, feature: 1, lba: lba, device: lbaMode, extended: true}
	case wide:
		return taskfile{name: "SET MAX ADDRESS EXT", command: 0x37, count: 1, lba: lba, device: lbaMode, extended: true}
	}
	return taskfile{name: "SET MAX ADDRESS", command: 0xf9, count: 1, lba: lba, device: lbaMode}
}

func restoreOverlay() taskfile {
	return taskfile{name: "DEVICE CONFIGURATION RESTORE", command: 0xb1, feature: 0xc0}
}

// unhide opens every hidden area: the one that the host set first, then the overlay below it, as the other way round is
// not allowed. Drives take one such change between power cycles at times, so that it may need a second go. What counts
// in the end is what the drive then says of its size.
func (e *errand) unhide() error {
	id, err := e.confirmed()
	if err != nil {
		return err
	}
	areas, why := e.hidden(&id)
	if len(areas) == 0 && why != "" {
		return &drive.RefusedError{Why: "it could not be told what is hidden: " + why, Next: powerCycle}
	}
	opened := ""
	for _, area := range areas {
		if r := e.open(area.Kind); r != nil {
			r.Why = opened + r.Why
			return r
		}
		opened += "the " + area.Kind + " was opened; "
	}
	if len(areas) == 0 {
		return nil
	}
	return e.checkOpen(opened)
}

// checkOpen finds nothing hidden any more, or says what is.
func (e *errand) checkOpen(opened string) error {
	id, err := e.confirmed()
	if err != nil {
		return err
	}
	left, why := e.hidden(&id)
	switch {
	case len(left) > 0:
		return &drive.RefusedError{Why: fmt.Sprintf("%sstill hidden: %s of %d bytes", opened, left[0].Kind, left[0].Bytes), Next: again}
	case why != "":
		return &drive.RefusedError{Why: opened + "it could not be told whether anything is still hidden: " + why, Next: again}
	}
	return nil
}

const again = powerCycle + ", and open the hidden areas again"

// open opens one area.
func (e *errand) open(kind string) *drive.RefusedError {
	id, err := e.confirmed()
	if err != nil {
		return lost(kind, err)
	}
	t := restoreOverlay()
	if kind != dco {
		max, err := e.nativeMax(kind, id.wide()) // immediately before SET MAX, which is another command else
		if err != nil {
			return lost(kind, err)
		}
		t = setMax(kind, id.wide(), max)
	}
	a, err := e.order(t, orderTime)
	switch {
	case err != nil:
		return lost(kind, err)
	case a.outcome() == accepted:
		return nil
	}
	return a.refused(fmt.Sprintf("it did not take %s for its %s: the setting is locked, or was changed since it was switched on", t.name, kind), again)
}

func lost(kind string, err error) *drive.RefusedError {
	var refused *drive.RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	return &drive.RefusedError{Why: "the " + kind + " could not be opened: " + drive.Clean(err.Error()), Next: again}
}
