package engine

import (
	"errors"
	"fmt"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// pickUp goes on following the drives that were told to erase themselves before the program ended. Where the drive
// cannot be reached now, the job is interrupted, and resume picks it up.
func (e *Engine) pickUp(jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	all, err := e.find()
	if err != nil {
		return fmt.Errorf("pick up the drives that erase themselves: %w", err)
	}
	for _, j := range jobs {
		err := e.pickUpOne(j, all)
		if err == nil && j.plan.out {
			e.cfg.Log.Info("the drive is still at the command that an earlier run of the server sent; it is waited for", "job", j.rec.ID, "drive", j.rec.Drive.Name)
			continue
		}
		if err == nil {
			e.cfg.Log.Info("drive that erases itself picked up", "job", j.rec.ID, "drive", j.rec.Drive.Name)
			continue
		}
		e.cfg.Log.Warn("drive that erased itself not picked up", "job", j.rec.ID, "drive", j.rec.Drive.Name, "err", err)
		if err := j.interrupt(lostSightWhy(err)); err != nil {
			return fmt.Errorf("pick up the drives that erase themselves: %w", err)
		}
	}
	return nil
}

// lostSightWhy is why a job waits whose drive cannot be picked up.
func lostSightWhy(err error) string {
	return fmt.Sprintf("the drive was told to erase itself and cannot be asked now: %s; %s", drive.Clean(err.Error()), wayBack(err))
}

// wayBack is what helps where a drive cannot be picked up.
func wayBack(err error) string {
	switch {
	case errors.Is(err, drive.ErrHeld):
		return "find and end what holds it"
	case errors.Is(err, drive.ErrChanged):
		return "attach the one that was told to"
	}
	return "attach it"
}

func (e *Engine) pickUpOne(j *job, all []drive.Drive) error {
	items, err := present(j.targets, all)
	if err != nil {
		return err
	}
	claims, err := e.claimOf(j, items)
	if err != nil {
		return err
	}
	items[0].Also = items[1:]
	j.bind(items[0], claims)
	j.know(func(fw *journal.Firmware, _ journal.Time) { fw.PickedUp++ })
	e.mu.Lock()
	defer e.mu.Unlock()
	j.begin()
	return nil
}

// claimOf claims the drives of a job that was picked up, or that will be when the command of an earlier process has returned:
// until then they are claimed by that one, and must not be asked anything.
func (e *Engine) claimOf(j *job, items []Item) (claims []drive.Claim, err error) {
	if j.plan.out = e.orders.out(j.rec.ID); j.plan.out {
		for range items {
			claims = append(claims, &awaited{})
		}
		return claims, nil
	}
	if err := j.ownNames(items); err != nil {
		return nil, err
	}
	return claimEach(items)
}

// claimEach claims all drives or none.
func claimEach(items []Item) (claims []drive.Claim, err error) {
	for _, item := range items {
		c, err := item.drive.Claim()
		if err != nil {
			closeAll(claims)
			return nil, err
		}
		claims = append(claims, c)
	}
	return claims, nil
}

// among finds the drive of a target among those that are present now.
func (t target) among(all []drive.Drive) (Item, error) {
	err := drive.ErrGone
	for _, d := range all {
		i := d.Info()
		if i.Serial != t.rec.Serial {
			continue
		}
		if err = t.want.Same(i.ID); err != nil {
			continue
		}
		item := Item{Drive: i, Confirm: confirmWord(i, all), drive: d}
		if item.Confirm == "" {
			return Item{}, fmt.Errorf("%s (serial %s): another drive here has the same serial, and no WWN tells them apart", t.rec.Name, t.rec.Serial)
		}
		return item, nil
	}
	return Item{}, fmt.Errorf("%s (serial %s): %w", t.rec.Name, t.rec.Serial, err)
}

// others are the further drives of a job, as they are now.
func (j *job) others(all []drive.Drive) (items []Item, err error) {
	return present(j.targets[1:], all)
}

// present are the drives of targets, as they are now.
func present(targets []target, all []drive.Drive) (items []Item, err error) {
	for _, t := range targets {
		item, err := t.among(all)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
