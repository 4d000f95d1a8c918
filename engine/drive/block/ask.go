package block

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/handle"
)

// askTime is how long a drive may take to answer all questions. A drive that sanitizes itself, or hangs, may never answer.
const askTime = 12 * time.Second

// Ask asks the drive in the first of the languages that know it. A question that hangs is left to itself.
func (d *device) Ask() drive.Answers {
	set := d.set(d.node())
	if set == nil {
		return drive.Answers{}
	}
	answered := make(chan drive.Answers, 1)
	go func() { answered <- d.ask(set) }()
	select {
	case a := <-answered:
		return a
	case <-time.After(askTime):
		return drive.Answers{Set: set.Name(), Problem: fmt.Sprintf("the drive did not answer within %s", askTime)}
	}
}

func (d *device) ask(set drive.CommandSet) (a drive.Answers) {
	defer func() {
		if r := recover(); r != nil { // what a drive answers must not end the program
			a = drive.Answers{Set: set.Name(), Problem: drive.Clean(fmt.Sprintf("a defect in wiped: its answers were not understood: %v", r))}
		}
	}()
	dev, err := handle.Questions(d.path())
	if err != nil {
		return drive.Answers{Set: set.Name(), Problem: drive.Clean("it cannot be asked: " + err.Error())}
	}
	defer dev.Close()
	a, err = set.Ask(dev, d.node())
	switch {
	case errors.Is(err, drive.ErrTranslated):
		return d.behind(dev, a)
	case err != nil:
		a.Set = cmp.Or(a.Set, set.Name())
		a.Problem = drive.Clean("it does not answer: " + err.Error())
	}
	return a
}

// behind asks the ATA drive that something speaks for, which gave these answers. Where it does not come through, nobody knows
// what it hides, nor what it can do.
func (d *device) behind(dev *os.File, front drive.Answers) drive.Answers {
	node := d.node()
	node.Translated = true
	set := d.set(node)
	if set == nil || set.Name() == front.Set {
		return front
	}
	a, err := set.Ask(dev, node)
	if err != nil {
		front.Set, front.HiddenWhy, front.Abilities = set.Name(), "", nil
		front.Problem = drive.Clean("what speaks for it does not let its own answers through: " + err.Error())
		return front
	}
	a.Bridge, a.Another = cmp.Or(a.Bridge, front.Bridge), cmp.Or(a.Another, front.Another)
	a.Problem = cmp.Or(a.Problem, a.Another)
	return a
}

func (d *device) node() drive.Node { return drive.Node{Sys: string(d.dir), Info: d.info} }

// set is the first language that knows a drive; nil: none does.
func (d *device) set(n drive.Node) drive.CommandSet {
	at := slices.IndexFunc(d.sets, func(s drive.CommandSet) bool { return s.Speaks(n) })
	if at < 0 {
		return nil
	}
	return d.sets[at]
}

// Rescan has the kernel ask a SCSI drive, or a SATA one behind its translation, for its size.
func (c *claim) Rescan() error {
	if err := handle.Rescan(filepath.Join(c.node.Sys, "device")); err != nil {
		return fmt.Errorf("rescan %s: %w", c.node.Info.Path, err)
	}
	return nil
}

// Firmware speaks to the drive through a descriptor of its own, made from the claimed one.
func (c *claim) Firmware() (drive.Firmware, error) {
	if c.set(c.node) == nil {
		return nil, drive.ErrUnsupported
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	dev, err := handle.Orders(c.files[0])
	if err != nil {
		return nil, err
	}
	f, err := c.set(c.node).Firmware(dev, c.node)
	if errors.Is(err, drive.ErrTranslated) {
		behind := c.node
		behind.Translated = true
		if set := c.set(behind); set != nil {
			f, err = set.Firmware(dev, behind)
		}
	}
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return nil, errors.Join(err, dev.Close())
	}
	return orders{f, dev, c}, nil
}

// orders closes the descriptor together with what speaks through it.
type orders struct {
	drive.Firmware
	dev   *os.File
	claim *claim
}

// EraseApart is Erase where the command set knows no other way.
func (o orders) EraseApart(order drive.Order) error {
	order.Held = slices.Clone(o.claim.files)
	for _, other := range order.Others {
		if c, ok := other.(*claim); ok {
			order.Held = append(order.Held, c.files...)
		}
	}
	if a, ok := o.Firmware.(drive.Apart); ok {
		return a.EraseApart(order)
	}
	return o.Erase(order.Action)
}

// Left knows nothing where the command set knows no other way.
func (o orders) Left(order drive.Order) error {
	if a, ok := o.Firmware.(drive.Apart); ok {
		return a.Left(order)
	}
	return drive.ErrNoAnswer
}

func (o orders) Close() error { return errors.Join(o.Firmware.Close(), o.dev.Close()) }
