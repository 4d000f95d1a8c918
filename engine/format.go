package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wiped/engine/drive"
)

// FormatRequest asks to bring a drive to another sector size, such as from 520 bytes to 512.
type FormatRequest struct {
	Drive   string // a word that names it
	Sector  int    // bytes
	Confirm []string
}

// sectorSizes are those that this system can read and write.
var sectorSizes = []int{512, 4096}

// Format begins to bring a drive to another sector size and follows it, telling how far it is (0 to 1) each second. What
// was on the drive cannot be read afterwards, but it is not erased. If ctx ends, the drive goes on by itself.
func (e *Engine) Format(ctx context.Context, req FormatRequest, tell func(part float64)) error {
	item, err := e.planFormat(req)
	if err != nil {
		return err
	}
	c, err := item.drive.Claim()
	if err != nil {
		return claimRefusal(item.Drive, err)
	}
	defer c.Close()
	// Once more, now that nobody else can begin to use it.
	again, err := e.planFormat(req)
	if err == nil {
		err = item.Drive.ID.Same(again.Drive.ID)
	}
	if err != nil {
		return err
	}
	f, err := c.Firmware()
	if err != nil {
		return refuse(Unsafe, item.Drive.Name, "it cannot be told to: "+drive.Clean(err.Error()), "drive "+arg(item.Drive.Name))
	}
	defer f.Close()
	if err := f.Format(req.Sector); err != nil {
		return formatRefusal(item.Drive, err)
	}
	e.cfg.Log.Info("drive told to format itself", "drive", item.Drive.Name, "serial", item.Drive.Serial, "sector", req.Sector)
	if err := followFormat(ctx, f, e.cfg.Tick, tell); err != nil {
		return err
	}
	if err := c.Rescan(); err != nil {
		return fmt.Errorf("the drive is formatted, and the system does not look at it again (%w); unplug it and plug it in again", err)
	}
	return nil
}

func reached(a drive.Answers, action drive.Action) []drive.Reach {
	ability, _ := a.Ability(action)
	return ability.Reaches
}

func formatRefusal(i drive.Info, err error) error {
	r := &Refusal{Kind: Unsafe, What: i.Name, Why: drive.Clean(err.Error()), Next: "drive " + arg(i.Name), Cause: err}
	var said *drive.RefusedError
	if errors.As(err, &said) {
		r.Why = said.Error()
		if said.Next != "" {
			r.Next = said.Next
		}
	}
	return r
}

// followFormat returns when the drive says that it has ended.
func followFormat(ctx context.Context, f drive.Firmware, tick time.Duration, tell func(float64)) error {
	silent := 0
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(tick):
		}
		s, err := f.Status(drive.FormatUnit)
		switch {
		case err != nil:
			if silent++; silent > 60 {
				return fmt.Errorf("the drive does not answer any more: %w", err)
			}
		case s.Phase == drive.Running:
			silent = 0
			tell(s.Done)
		case s.Phase == drive.Succeeded:
			return nil
		default:
			return fmt.Errorf("the drive's format failed or is not known to it (%s); format it again, or destroy it", s.Text)
		}
	}
}

// planFormat holds a request against the safety rules: those of an erase, but for the size, which a drive with odd sectors
// does not have.
func (e *Engine) planFormat(req FormatRequest) (Item, error) {
	all, err := e.find()
	if err != nil {
		return Item{}, err
	}
	if !slices.Contains(sectorSizes, req.Sector) {
		return Item{}, refuse(Invalid, "", fmt.Sprintf("there are no sectors of %d bytes that this system can use", req.Sector), "use --sector-size 512 or 4096")
	}
	d, refusal := resolve(req.Drive, all)
	if refusal != nil {
		return Item{}, refusal
	}
	items := []Item{{Drive: d.Info(), Confirm: confirmWord(d.Info(), all), drive: d}}
	e.ask(items)
	item := items[0]
	e.mu.Lock()
	by := e.takenBy(item.Drive.ID)
	e.mu.Unlock()
	var refusals Refusals
	sized := item.Drive
	if sized.Size == 0 {
		sized.Size, sized.LogicalSector = 512, 512
	}
	for _, o := range obstacles(sized, e.cfg, by) {
		refusals = append(refusals, refuse(Unsafe, item.Drive.Name, o.why, o.next))
	}
	a := item.Answers
	switch {
	case a.Another != "":
		refusals = append(refusals, another(item))
	case a.Set != "SCSI":
		refusals = append(refusals, refuse(Unsafe, item.Drive.Name, "its kind of drive cannot change the size of its sectors here", "drive "+arg(item.Drive.Name)))
	case a.Busy != "":
		refusals = append(refusals, refuse(Unsafe, item.Drive.Name, "it is busy: "+a.Busy, "wait until it is ready"))
	case len(reached(a, drive.FormatUnit)) > 0:
		refusals = append(refusals, refuse(Unsafe, item.Drive.Name, "formatting it would also end what is on "+describe(reached(a, drive.FormatUnit)[0], all), "drive "+arg(item.Drive.Name)))
	case a.Sector == req.Sector && a.Unformatted == "":
		refusals = append(refusals, refuse(Unsafe, item.Drive.Name, fmt.Sprintf("its sectors have %d bytes already", req.Sector), "drive "+arg(item.Drive.Name)))
	}
	if len(refusals) == 0 {
		refusals = append(refusals, unconfirmed(items, req.Confirm)...)
	}
	return item, refusals.orNil()
}

// oddSize tells whether a drive has no size because the system cannot use sectors of its kind.
func oddSize(i drive.Info) bool {
	return i.Size == 0 && i.LogicalSector > 0 && !slices.Contains(sectorSizes, i.LogicalSector)
}

func oddSectors(i drive.Info) string {
	return fmt.Sprintf("its sectors have %d bytes, which this system can neither read nor write", i.LogicalSector)
}
