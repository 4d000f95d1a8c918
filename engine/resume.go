package engine

import (
	"errors"
	"fmt"
	"slices"

	"wiped/engine/drive"
)

// Interrupted lists the jobs that can be resumed, in the order of their ids.
func (e *Engine) Interrupted() (ids []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, j := range e.jobs {
		if j.state() == Interrupted {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Resume lets interrupted jobs go on, all or none. Each drive is looked at as for Erase; one without a serial or WWN of
// its own must be confirmed again.
func (e *Engine) Resume(ids []uint64, confirm []string) ([]View, error) {
	e.submitting.Lock()
	defer e.submitting.Unlock()
	if e.stopping() {
		return nil, stoppingRefusal()
	}
	all, err := e.find()
	if err != nil {
		return nil, err
	}
	var jobs []*job
	var items []Item
	var refusals Refusals
	for _, id := range unique(ids) {
		j, item, refusal := e.resumable(id, all)
		if refusal != nil {
			refusals = append(refusals, refusal)
			continue
		}
		jobs, items = append(jobs, j), append(items, item)
	}
	refusals = append(refusals, e.resumeRefusals(items, confirm)...)
	if len(refusals) > 0 {
		return nil, refusals
	}
	claims, err := e.claimAll(items)
	if err != nil {
		return nil, err
	}
	views, err := e.restart(jobs, items, claims)
	if err != nil {
		closeAll(claims)
		return nil, fmt.Errorf("no job was resumed: %w", err)
	}
	return views, nil
}

func unique(ids []uint64) []uint64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// resumable finds an interrupted job and the drive it worked on, wherever that is now.
func (e *Engine) resumable(id uint64, all []drive.Drive) (*job, Item, *Refusal) {
	j, err := e.job(id)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return nil, Item{}, refusal
	}
	what := fmt.Sprintf("job %d", id)
	if err != nil {
		return nil, Item{}, &Refusal{Kind: Unsafe, What: what, Why: "its record cannot be read", Next: "see the server's log", Cause: err}
	}
	if s := j.state(); s != Interrupted {
		return nil, Item{}, refuse(Unsafe, what, "it is not interrupted: it is "+string(s), fmt.Sprintf("job %d", id))
	}
	if e.orders.out(id) {
		return nil, Item{}, refuse(Unsafe, what, "its drive is still at the command that an earlier run of the server sent", "wait until it has ended, then resume "+fmt.Sprint(id))
	}
	var closest error
	for _, d := range all {
		i := d.Info()
		if i.Serial != j.rec.Drive.Serial {
			continue
		}
		if closest = j.targets[0].want.Same(i.ID); closest == nil {
			item := Item{Drive: i, Confirm: confirmWord(i, all), drive: d}
			if item.Also, closest = j.others(all); closest == nil {
				closest = j.ownNames([]Item{item})
			}
			if closest == nil {
				return j, item, nil
			}
		}
	}
	if closest != nil {
		return nil, Item{}, &Refusal{Kind: Unsafe, What: what, Why: closest.Error(), Next: fmt.Sprintf("erase the drive anew, or cancel %d", id), Cause: closest}
	}
	return nil, Item{}, refuse(Unsafe, what, fmt.Sprintf("its drive %s (serial %s) is not present", j.rec.Drive.Name, j.rec.Drive.Serial),
		fmt.Sprintf("attach it, then resume %d; or cancel %d", id, id))
}

func (e *Engine) resumeRefusals(items []Item, confirm []string) (refusals Refusals) {
	e.mu.Lock()
	for _, item := range every(items) {
		for _, o := range obstacles(item.Drive, e.cfg, e.takenBy(item.Drive.ID)) {
			refusals = append(refusals, refuse(Unsafe, item.Drive.Name, o.why, o.next))
		}
	}
	e.mu.Unlock()
	for _, r := range unconfirmed(every(items), confirm) {
		own := slices.ContainsFunc(every(items), func(i Item) bool {
			return r.Kind == Unconfirmed && i.Drive.Name == r.What && (i.Drive.OwnSerial() || i.Drive.WWN != "")
		})
		if !own {
			refusals = append(refusals, r)
		}
	}
	return refusals
}

// restart replaces each interrupted job by one that goes on from its checkpoint. That they wait again is on disk before
// any of them begins.
func (e *Engine) restart(old []*job, items []Item, claims []drive.Claim) (views []View, err error) {
	e.ending.Lock()
	defer e.ending.Unlock()
	var jobs []*job
	for n, o := range old {
		if s := o.state(); s != Interrupted {
			return nil, refuse(Unsafe, fmt.Sprintf("job %d", o.rec.ID), "it is not interrupted any more: it is "+string(s), fmt.Sprintf("job %d", o.rec.ID))
		}
		r, err := e.cfg.Journal.Job(o.rec.ID)
		if err != nil {
			return nil, err
		}
		j := e.newJob(r)
		j.history = o.history // numbers go on, and those who watch keep watching
		claims = j.bind(items[n], claims)
		if j.plan.resume != nil {
			for _, c := range j.claims(*j.plan.resume) {
				j.total += c.area.Length
			}
		}
		jobs = append(jobs, j)
	}
	for n, j := range jobs {
		if err := j.change(); err != nil {
			for _, j := range jobs[:n+1] {
				_ = j.interrupt("it could not be resumed") // best effort: a start of the program would do it
			}
			return nil, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range jobs {
		j.begin()
		views = append(views, j.view())
	}
	return views, nil
}
