package engine

import (
	"cmp"
	"fmt"
	"strings"

	"wiped/engine/drive"
)

// How a hidden area is recorded that somebody decided to leave, and one of which nobody can tell whether it is there.
const (
	keptHidden   = ", left as it is, NOT erased"
	unseenHidden = "hidden areas not known: "
	unasked      = "hidden areas not looked at: "
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

// unseen says what nobody could look for in an ATA drive: what it has announced and does not answer for, or anything, where it
// does not answer at all. Empty: nothing. No other drives announce such areas.
func unseen(a drive.Answers) string {
	switch {
	case a.Set != "ATA":
		return ""
	case a.HiddenWhy != "":
		return unseenHidden + a.HiddenWhy
	case a.Problem != "":
		return unasked + a.Problem
	}
	return ""
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
