package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wiped/engine/journal"
)

// Cancel ends jobs for good, all or none, and returns when their ends are on disk or after patience has passed; a view
// whose state is no result yet is of a job that still waits for its drive.
func (e *Engine) Cancel(ids []uint64, patience time.Duration) (views []View, err error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	jobs, err := e.cancelAll(ids)
	for _, j := range jobs {
		if j.done != nil {
			select {
			case <-j.done:
			case <-ctx.Done():
			}
		}
		views = append(views, j.view())
	}
	return views, err
}

// cancelAll looks the jobs up and cancels them while none of them can be resumed.
func (e *Engine) cancelAll(ids []uint64) (jobs []*job, err error) {
	e.ending.Lock()
	defer e.ending.Unlock()
	var refusals Refusals
	for _, id := range unique(ids) {
		j, err := e.job(id)
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			refusals = append(refusals, refusal)
		case err != nil:
			return nil, err
		case j.isInDrive():
			refusals = append(refusals, j.inDriveRefusal())
		case j.ended():
			refusals = append(refusals, refuse(Unsafe, fmt.Sprintf("job %d", id), "it has ended already: "+string(j.state()), fmt.Sprintf("job %d", id)))
		}
		jobs = append(jobs, j)
	}
	if len(refusals) > 0 {
		return nil, refusals
	}
	for _, j := range jobs {
		err := j.cancel()
		if r, ok := err.(*Refusal); ok {
			return nil, Refusals{r}
		}
		if err != nil {
			return nil, fmt.Errorf("the end of job %d could not be recorded: %w", j.rec.ID, err)
		}
	}
	return jobs, nil
}

// inDrive tells whether the drive was told to erase itself and has not ended as far as is known. The caller holds mu.
func (j *job) inDrive() bool { return j.live && j.plan.sent && j.found.firmware.Ended.IsZero() }

func (j *job) isInDrive() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.inDrive()
}

func (j *job) inDriveRefusal() *Refusal {
	return refuse(Unsafe, fmt.Sprintf("job %d", j.rec.ID), "its drive erases itself, and no drive can be stopped from that", fmt.Sprintf("watch %d", j.rec.ID))
}

// cancel halts a job that runs, and ends one that is interrupted.
func (j *job) cancel() error {
	j.mu.Lock()
	if j.live {
		defer j.mu.Unlock()
		if j.inDrive() {
			return j.inDriveRefusal() // it was told so just now
		}
		j.halt(errCancelled)
		return nil
	}
	before := j.found
	j.found.cancelled = true
	j.found.passes = append(slices.Clone(before.passes), j.partial()...)
	if at := j.plan.resume; at != nil {
		j.found.mark = at.offset
	}
	j.mu.Unlock()
	result, reason := j.judge()
	last := j.closing(result, reason)
	err := j.e.cfg.Journal.End(j.rec.ID, j.end(result, reason, last.Time), last.Event)
	if errors.Is(err, journal.ErrEnded) && !j.ended() {
		err = j.takeRecorded(&last.Event) // an earlier try, that was said to have failed
	}
	if err != nil {
		j.history.undo(last.Seq)
		j.mu.Lock()
		j.found = before
		j.mu.Unlock()
		if errors.Is(err, journal.ErrEnded) {
			return nil // just now, by itself
		}
		return err
	}
	j.publish(last)
	j.e.forget(j.rec.ID)
	return nil
}

// partial is the pass that an interruption stopped, as far as its checkpoint knows it.
func (j *job) partial() []journal.PassRun {
	at := j.plan.resume
	if at == nil || at.offset == 0 || at.pass > j.plan.passes {
		return nil
	}
	bad := resumed(*at, j.resumedBad)
	return []journal.PassRun{{Title: j.title(at.pass), Bad: ranges(bad), BadBytes: bad.Bytes(), Merged: j.isMerged(*at, bad), BytesWritten: at.offset - bad.Bytes()}}
}
