package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wiped/engine/drive"
)

// How a hidden area is recorded that somebody decided to leave, and one of which nobody can tell whether it is there.
const (
	keptHidden   = ", left as it is, NOT erased"
	unseenHidden = "hidden areas not known: "
)

// decideHidden says what is to be done about areas that reads and writes do not reach, and refuses what nobody decided.
func (item *Item) decideHidden(req Request) (refusals Refusals) {
	a, i := item.Answers, item.Drive
	if opened, ok := req.opened[i.Path]; ok {
		if len(a.Hidden) > 0 || a.Problem != "" || a.HiddenWhy != "" || i.Size != opened.size {
			return Refusals{refuse(Unsafe, i.Name, opened.areas+" is open now, and the system does not see it yet",
				"unplug the drive and plug it in again, or reboot; then erase it")}
		}
		item.Hidden = opened.areas + ", opened and erased with the rest"
		return nil
	}
	areas, unseen := hiddenAreas(a.Hidden), unseen(a)
	switch {
	case areas != "" && unseen != "":
		areas += ", and " + unseen
	case unseen != "":
		areas = unseen
	case areas == "":
		item.Hidden = noHidden(a)
		return nil
	}
	switch {
	case req.KeepHidden:
		item.Hidden = areas + keptHidden
	case unseen != "":
		return Refusals{refuse(Unsafe, i.Name, "it may have a hidden area, which erasing would not reach: "+areas,
			"unplug the drive's power and plug it in again, or attach it without what is in between; or erase it with --keep-hidden, which leaves such an area as it is")}
	case !req.Unhide:
		return Refusals{refuse(Unsafe, i.Name, "it has a hidden area, which erasing would not reach: "+areas,
			"erase it with --unhide, which opens it for good, or with --keep-hidden, which leaves it as it is")}
	default:
		item.unhide, item.Hidden = true, areas+", to be opened"
		for _, h := range a.Hidden {
			if h.Why != "" {
				refusals = append(refusals, refuse(Unsafe, i.Name, h.Kind+" cannot be opened: "+h.Why, h.Next))
			}
		}
	}
	return refusals
}

// unseen says of what an ATA drive has announced, and does not answer for; empty: nothing. No other drives announce such areas.
func unseen(a drive.Answers) string {
	if a.Set != "ATA" || a.HiddenWhy == "" {
		return ""
	}
	return unseenHidden + a.HiddenWhy
}

// noHidden is what is on record of a drive that announces no hidden area.
func noHidden(a drive.Answers) string {
	switch {
	case a.HiddenWhy != "" || a.Problem != "":
		return "not known: " + cmp.Or(a.HiddenWhy, a.Problem)
	case a.Set == "ATA":
		return "none"
	}
	return ""
}

// opening is what was opened for a request, and how large the drive must be since.
type opening struct {
	areas string
	size  int64 // bytes
}

func hiddenAreas(list []drive.Hidden) string {
	var areas []string
	for _, h := range list {
		areas = append(areas, fmt.Sprintf("%s of %d bytes", h.Kind, h.Bytes))
	}
	return strings.Join(areas, " and ")
}

// unhide opens the hidden areas of the items that are to have it so, which nobody else may use meanwhile. The sizes of
// these drives change, so that the request is to be planned anew.
func (e *Engine) unhide(items []Item, req *Request) error {
	req.opened = map[string]opening{}
	items = slices.DeleteFunc(every(items), func(i Item) bool { return !i.unhide })
	for n := range items {
		items[n].Also = nil // it is in the list itself
	}
	claims, err := e.claimAll(items)
	if err != nil {
		return err
	}
	defer closeAll(claims)
	var refusals Refusals
	for n, item := range items {
		if r := openAreas(item, claims[n]); r != nil {
			refusals = append(refusals, r)
			continue
		}
		o := opening{hiddenAreas(item.Answers.Hidden), item.Drive.Size}
		for _, h := range item.Answers.Hidden {
			o.size += h.Bytes
		}
		req.opened[item.Drive.Path] = o
		e.cfg.Log.Info("hidden areas opened", "drive", item.Drive.Name, "serial", item.Drive.Serial, "areas", o.areas)
	}
	return refusals.orNil()
}

// openAreas opens the hidden areas of one claimed drive.
func openAreas(item Item, c drive.Claim) *Refusal {
	f, err := c.Firmware()
	if err == nil {
		defer f.Close()
		err = f.Unhide()
	}
	if err == nil {
		err = c.Rescan()
	}
	if err == nil {
		return nil
	}
	r := &Refusal{Kind: Unsafe, What: item.Drive.Name, Why: "its hidden area could not be opened: " + drive.Clean(err.Error()),
		Next: "erase it with --keep-hidden, or destroy it", Cause: err}
	var said *drive.RefusedError
	if errors.As(err, &said) && said.Next != "" {
		r.Next = said.Next
	}
	return r
}
