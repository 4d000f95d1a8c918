package engine

import (
	"errors"
	"fmt"
	"slices"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// Erase starts one job for each drive of a request. All are checked and claimed first: if any is refused, none is
// started and the error, Refusals, holds every reason. When it returns the jobs are on disk.
func (e *Engine) Erase(req Request) ([]View, error) {
	e.submitting.Lock()
	defer e.submitting.Unlock()
	if e.stopping() {
		return nil, stoppingRefusal()
	}
	items, err := e.Plan(req)
	if err == nil && slices.ContainsFunc(every(items), func(i Item) bool { return i.unhide }) {
		if err = e.unhide(items, &req); err == nil && e.stopping() {
			err = stoppingRefusal()
		}
		if err == nil {
			items, err = e.Plan(req) // their sizes are others now
		}
	}
	if err != nil {
		return nil, err
	}
	claims, err := e.claimAll(items)
	if err != nil {
		return nil, err
	}
	jobs, err := e.keep(items, req)
	if err != nil {
		closeAll(claims)
		return nil, fmt.Errorf("no job was started, for it could not be recorded: %w", err)
	}
	var views []View
	e.mu.Lock()
	defer e.mu.Unlock()
	for n, rec := range jobs {
		j := e.newJob(journal.Record{Job: *rec})
		claims = j.bind(items[n], claims)
		j.begin()
		views = append(views, j.view())
	}
	return views, nil
}

func stoppingRefusal() *Refusal {
	return refuse(Unsafe, "", "the server is stopping", "log in again later")
}

// bind gives a job its drives: those of the item, with the first claims. It returns the claims that are left.
func (j *job) bind(item Item, claims []drive.Claim) (left []drive.Claim) {
	for n, i := range every([]Item{item}) {
		t := &j.targets[n]
		t.want, t.path, t.claim, t.group = i.Drive.ID, i.Drive.Path, claims[0], i.Drive.Controller
		t.zoned, t.paths, t.optimal = i.Drive.Zoned, i.Drive.Paths, i.Drive.OptimalIO
		claims = claims[1:]
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unguarded()
	return claims
}

// claimAll claims every drive of the items, in the order of every, and then looks at all of them once more, now that
// nobody else can begin to use them.
func (e *Engine) claimAll(items []Item) (claims []drive.Claim, err error) {
	var refusals Refusals
	for _, item := range every(items) {
		c, err := item.drive.Claim()
		if err != nil {
			refusals = append(refusals, claimRefusal(item.Drive, err))
			continue
		}
		claims = append(claims, c)
	}
	if len(refusals) == 0 {
		var drives []drive.Drive
		if drives, err = e.find(); err == nil {
			refusals = e.lookAgain(items, drives)
		}
	}
	if err == nil {
		err = refusals.orNil()
	}
	if err != nil {
		closeAll(claims)
		return nil, err
	}
	return claims, nil
}

func claimRefusal(i drive.Info, err error) *Refusal {
	why, next := "it cannot be claimed: "+journal.Escape(err.Error()), "drive "+arg(i.Name)
	if errors.Is(err, drive.ErrHeld) {
		why, next = "in use: "+drive.ErrHeld.Error(), "find and end what holds it (fuser "+i.Path+" on the station)"
	}
	return &Refusal{Kind: Unsafe, What: i.Name, Why: why, Next: next, Cause: err}
}

// lookAgain compares what is present now with what was planned.
func (e *Engine) lookAgain(items []Item, now []drive.Drive) (refusals Refusals) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, item := range every(items) {
		at := slices.IndexFunc(now, func(d drive.Drive) bool { return d.Info().Path == item.Drive.Path })
		if at < 0 {
			refusals = append(refusals, refuse(Unsafe, item.Drive.Name, drive.ErrGone.Error(), "drives"))
			continue
		}
		i := now[at].Info()
		if err := item.Drive.ID.Same(i.ID); err != nil {
			refusals = append(refusals, &Refusal{Kind: Unsafe, What: i.Name, Why: err.Error(), Next: "drives", Cause: err})
		}
		for _, o := range obstacles(i, e.cfg, e.takenBy(i.ID)) {
			refusals = append(refusals, refuse(Unsafe, i.Name, o.why, o.next))
		}
	}
	return refusals
}

func (e *Engine) keep(items []Item, req Request) ([]*journal.Job, error) {
	var jobs []*journal.Job
	for _, item := range items {
		job, err := e.record(item, req)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, e.cfg.Journal.Submit(jobs...)
}

func closeAll(claims []drive.Claim) {
	for _, c := range claims {
		_ = c.Close() // read-only: nothing can be lost
	}
}
