package scsi

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/sg"
)

// asker gathers what a drive answers.
type asker struct {
	unit
	node drive.Node
	drive.Answers
}

// unsaid is all that is known of hidden areas over USB where page 89h is missing. Whether ATA is spoken there is not tried out:
// sticks have hung at commands that they do not know.
const unsaid = "the device on the USB does not say whether it is a bridge with an ATA drive behind it, so that hidden areas could not be looked for"

// ask asks everything. What a drive refuses is left out; one that loses answers is left alone after the second.
func ask(dev sg.Device, n drive.Node) (drive.Answers, error) {
	patient := &patience{Device: dev}
	q := &asker{unit: unit{patient}, node: n}
	i, err := q.inquiry()
	if err != nil {
		return drive.Answers{}, fmt.Errorf("INQUIRY: %w", err)
	}
	q.Set, q.Bridge = "SCSI", bridge(n)
	q.Identity = drive.Identity{Vendor: i.vendor, Model: i.product, Firmware: i.revision}
	q.HiddenWhy = "SCSI drives do not say whether their capacity was reduced"
	if version := versions[i.version]; version != "" {
		q.fact("standard", version, "INQUIRY")
	}
	if i.kind != directAccess && i.kind != hostManaged || i.absent {
		q.Problem = fmt.Sprintf("it is no disk by what it says (peripheral device type %02xh)", i.kind)
		return q.Answers, nil
	}
	c := q.condition()
	zoned, translated := q.pages()
	if q.Another != "" {
		q.Problem = cmp.Or(q.Problem, q.Another)
	}
	zoned = zoned || i.kind == hostManaged
	if i.kind == hostManaged {
		q.fact("zoned", "host-managed", "INQUIRY")
	}
	q.reached(q.format(i, zoned))
	if translated {
		return q.Answers, drive.ErrTranslated
	}
	if n.Info.Transport == "usb" {
		q.HiddenWhy = unsaid
		q.fact("behind the bridge", unsaid, "VPD page 00h")
	}
	q.abilities(i, c)
	if patient.lost > 1 && q.Problem == "" {
		q.Problem = drive.Clean("it stopped answering: " + patient.err.Error())
	}
	return q.Answers, nil
}

func (q *asker) fact(name, value, source string) {
	q.Facts = append(q.Facts, drive.Fact{Name: name, Value: value, Source: source})
}

// condition says what the drive is doing, and what went wrong last.
func (q *asker) condition() condition {
	c, err := q.unit.condition()
	if err != nil {
		q.fact("condition", drive.Clean("unknown: "+err.Error()), requestSense)
		return c
	}
	q.Busy = c.busy()
	switch c.state {
	case sanitizeFailed:
		q.fact("sanitize", "the last one failed ("+c.String()+"); the drive takes nothing but another one", c.source)
	case corrupt, formatFailed:
		q.unformatted(c.String())
	case unknown, notReady, startingUp:
		q.fact("condition", "not ready: "+c.String(), c.source)
	}
	return c
}

func (q *asker) unformatted(said string) {
	q.Unformatted = "its format is not complete (" + said + ")"
	q.Problem = q.Unformatted + ": format it anew"
}

// pages reads the vital product data; zoned tells whether the drive has zones by them, translated whether it is an ATA drive.
func (q *asker) pages() (zoned, translated bool) {
	list, err := q.page(0)
	if err != nil {
		return false, false
	}
	has := parsePages(list)
	q.names(has)
	q.ownNames()
	if has[translation] {
		q.fact("translated", drive.ErrTranslated.Error(), "VPD page 89h")
	}
	for _, p := range pages {
		if !has[p.code] {
			continue
		}
		page, err := q.page(p.code)
		if err != nil {
			continue
		}
		if p.code == 0xb1 {
			q.Rotational = rotational(page)
		}
		for _, s := range p.read(page) {
			q.fact(s.name, s.value, fmt.Sprintf("VPD page %02Xh", p.code))
			zoned = zoned || s.name == "zoned"
		}
	}
	return zoned, has[translation]
}

// format says what the drive is formatted to, and whether it would be formatted to something else. The size is in bytes; 0: it
// is not known.
func (q *asker) format(i inquiry, zoned bool) (size int64) {
	c, err := q.capacity(i)
	var said refusal
	if errors.As(err, &said) && (classify(said.Sense) == corrupt || classify(said.Sense) == formatFailed) {
		q.unformatted(said.Sense.String())
	}
	if err == nil {
		q.Sector = c.sector
		q.Facts = append(q.Facts, c.facts(zoned)...)
		size = c.size(zoned)
	}
	m, failed := q.modes()
	if failed != nil {
		return size
	}
	if err != nil { // as of one whose format did not come to its end
		q.Sector = m.sector
	}
	if m.protected {
		q.fact("write protected", "yes", "MODE SENSE (10)")
	}
	if err == nil && m.sector != 0 && m.sector != c.sector {
		q.fact("next format", fmt.Sprintf("to sectors of %d bytes", m.sector), "MODE SENSE (10)")
	}
	return size
}

// reached holds the size that the drive says against the one that the system has for it, which may be from before a format,
// or of another drive in the same place. A drive that is at something, or has no valid format, is not judged.
func (q *asker) reached(size int64) {
	seen := q.node.Info.Size
	switch {
	case size == 0 || seen <= 0 || q.Busy != "" || q.Problem != "":
	case size < seen:
		q.Another = fmt.Sprintf("it says that it has %d bytes, and the system sees %d: it is not, or not any more, this drive", size, seen)
		q.Problem = q.Another
	case size > seen:
		q.Hidden = append(q.Hidden, drive.Hidden{Kind: "area that the system does not reach", Bytes: size - seen,
			Why:  fmt.Sprintf("the system sees only %d bytes of the drive", seen),
			Next: "attach it without the bridge, or unplug it and plug it in again"})
	}
}

// abilities says what the drive can do to itself. A drive that is at something can begin nothing else.
func (q *asker) abilities(i inquiry, c condition) {
	var refused error // the first answer stands for all if the drive does not have the question
	for _, o := range orders {
		var a drive.Ability
		switch {
		case q.Busy != "":
			a = drive.Ability{Action: o.action, Why: "it is busy with itself: " + q.Busy, Next: "wait until that has ended"}
		case c.state == sanitizeFailed && o.service == 0:
			a = drive.Ability{Action: o.action, Why: "its last sanitize failed, and until one succeeds it takes no other command", Next: "sanitize it again"}
		default:
			support, units, err := byte(meaningless), byte(0), refused
			if err == nil {
				support, units, err = q.support(o)
			}
			if lacks(err) {
				refused = err
			}
			a = q.judge(o, i, c, support, err)
			if a.Why == "" && q.reachesOthers(units) {
				a.Reaches = siblings(q.node)
			}
		}
		if a.Why == "" && q.unreadableAfter(o.action) {
			a.Warn = "afterwards no sector can be read until it is written, as the drive says: what it did cannot be verified, and the job ends FAILED; " +
				"overwrite the drive then, or instead"
		}
		q.Abilities = append(q.Abilities, a)
	}
}

// unreadableAfter tells whether the drive says that its sectors cannot be read after an action.
func (q *asker) unreadableAfter(a drive.Action) bool {
	return slices.ContainsFunc(q.Facts, func(f drive.Fact) bool { return f.Name == "reading after "+string(a) && f.Value == untilWritten })
}

// reachesOthers tells whether a command reaches more than the logical unit it is sent to. The standard's default is that it
// does not, but a SAS drive with an actuator for each of its units may erase them all without saying so beforehand.
func (q *asker) reachesOthers(units byte) bool {
	return units == someOtherUnit || units == allUnits || units == notSaid && q.node.Info.Transport == "sas"
}

// lacks tells whether the drive does not have REPORT SUPPORTED OPERATION CODES at all.
func lacks(err error) bool {
	var said refusal
	return errors.As(err, &said) && said.Sense.Present && said.Sense.Key == sg.IllegalRequest && said.Sense.ASC == 0x20
}

// judge takes what the drive says of a command, but where it says nothing: every disk has FORMAT UNIT, and one that failed at
// a sanitize has SANITIZE and refuses the kinds of it that it lacks.
func (q *asker) judge(o order, i inquiry, c condition, support byte, err error) drive.Ability {
	var said refusal
	switch {
	case !errors.As(err, &said):
	case o.action == drive.FormatUnit && i.kind == directAccess && said.Sense.Key != sg.NotReady:
		q.fact(string(o.action), "taken to be there: it does not say which commands it has, and every disk must have it", "SBC-4")
		return drive.Ability{Action: o.action}
	case c.state == sanitizeFailed && classify(said.Sense) == sanitizeFailed:
		return drive.Ability{Action: o.action}
	}
	return o.ability(support, err)
}
