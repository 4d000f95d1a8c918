package engine

import (
	"errors"
	"fmt"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// finish records how the job ended, frees the drive, and then says so: nobody hears of an end that is not on disk.
func (j *job) finish() {
	if j.goesOnInside() {
		j.leaveInside()
		return
	}
	result, reason := j.judge()
	last := j.closing(result, reason)
	if result == Interrupted {
		if err := j.e.cfg.Journal.Change(last.Event); err != nil {
			j.e.cfg.Log.Error("interruption not recorded; the next start will find it", "job", j.rec.ID, "err", err)
		}
	} else if !j.recordEnd(j.end(result, reason, last.Time), &last.Event) {
		return
	}
	j.giveBack()
	j.publish(last)
	j.rest()
	j.e.cfg.Log.Info("job ended", "job", j.rec.ID, "drive", j.rec.Drive.Name, "serial", j.rec.Drive.Serial, "result", last.Result, "reason", last.Reason)
	if result != Interrupted {
		j.e.forget(j.rec.ID)
	}
}

func (j *job) judge() (State, string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.begun = !j.started.IsZero()
	return judge(j.found)
}

// closing is the last update.
func (j *job) closing(result State, reason string) Update {
	j.mu.Lock()
	e := j.snapshot()
	e.State = string(result)
	e.Outcome = &journal.Outcome{Result: string(result), Level: j.rec.Method.Level, Verification: j.verification(), Reason: journal.Text(reason)}
	j.mu.Unlock()
	e.Seq = j.history.next()
	return Update{Event: e, Milestone: true, keep: true}
}

// verification is the scope of the verification, with what became of it unless it passed. The caller holds mu.
func (j *job) verification() string {
	switch v := j.found.read; {
	case j.rec.Verify == "none" || v.Result == "passed":
		return j.scope()
	case v.Result == "":
		return j.scope() + ": not done"
	default:
		return j.scope() + ": " + v.Result
	}
}

// healthAfter is what the drive says of its condition after all that was to be done was done.
func (j *job) healthAfter(result State) *journal.Health {
	t := j.targets[0]
	if result == Cancelled || result == Interrupted || j.gaveUp() {
		return nil // nobody is to wait for it
	}
	if err := t.claim.Check(); err != nil {
		return nil // whatever is under its name now, it is another drive
	}
	i := t.info()
	if j.e.mute(i) != 0 {
		return nil
	}
	return healthRecord(j.e.cfg.Health.Fresh(i))
}

// info is what is known of the drive of a target.
func (t target) info() drive.Info {
	return drive.Info{Name: t.rec.Name, Path: t.path, Size: t.rec.SizeBytes, Transport: t.rec.Transport, ID: t.want, Controller: t.group}
}

// recordEnd keeps trying until the end is on disk: a full disk must not turn a finished job into silence. It gives up
// only when the program ends; the next start then finds the job as interrupted, with its last checkpoint. The number of
// the last event grows past what is said meanwhile, and its time with it: a job ends when that is on record.
func (j *job) recordEnd(end journal.End, last *journal.Event) bool {
	for wait := time.Second; ; {
		err := j.e.cfg.Journal.End(j.rec.ID, end, *last)
		if errors.Is(err, journal.ErrEnded) {
			err = j.takeRecorded(last)
		}
		if err == nil {
			return true
		}
		j.e.cfg.Log.Error("the end of a job cannot be recorded: make room under the state directory", "job", j.rec.ID, "err", err)
		j.mu.Lock()
		e := j.snapshot()
		j.mu.Unlock()
		e.Action = "wait: the end cannot be recorded, the state directory does not take it"
		j.history.undo(last.Seq)
		e.Seq = j.history.next()
		j.publish(Update{Event: e, Milestone: wait == time.Second})
		last.Seq, last.Time = j.history.next(), e.Time
		end.Ended = last.Time
		select {
		case <-time.After(wait):
			wait = min(2*wait, 30*time.Second)
		case <-j.e.stop:
			j.giveBack()
			j.rest()
			return false
		}
	}
}

// takeRecorded takes the end that is on record already for the job's: an earlier try may have put it there although it failed.
// What was not told to anybody gets the number and the time at which it is.
func (j *job) takeRecorded(last *journal.Event) error {
	kept, err := j.e.cfg.Journal.Renew(j.rec.ID, last.Seq, last.Time)
	if err != nil {
		return err
	}
	if kept.State != last.State {
		j.e.cfg.Log.Error("defect: a job that has ended ends again; its first end counts", "job", j.rec.ID, "first", kept.State, "now", last.State)
	}
	*last = kept
	return nil
}

// giveBack frees the turn, and the drive as soon as nothing is out to it any more: what comes back last does that.
func (j *job) giveBack() {
	j.e.turns.leave(j.turn)
	if j.e.strand(j) {
		j.e.cfg.Log.Warn("a request to the drive has not returned: the drive stays busy until it does", "job", j.rec.ID, "drive", j.rec.Drive.Name)
		return
	}
	freed := make(chan struct{})
	go func() {
		defer close(freed)
		j.free()
	}()
	select {
	case <-freed:
	case <-time.After(j.e.cfg.Limits.HaltSilence): // to close it may mean to wait for what the system still has for it
		j.e.stillBusy(j)
	}
}

// free closes all that the job has open of its drives, and releases them.
func (j *job) free() {
	j.mu.Lock()
	handles := j.handles
	j.handles = nil
	j.mu.Unlock()
	for _, h := range handles {
		_ = h.Close() // given up: nothing of it counts any more
	}
	for _, t := range j.targets {
		if err := t.claim.Close(); err != nil {
			j.e.cfg.Log.Error("give the drive back", "job", j.rec.ID, "drive", t.rec.Name, "err", err)
		}
	}
	j.e.release(j.rec.ID)
}

// rest lets those who watch know that nothing more will come.
func (j *job) rest() {
	j.mu.Lock()
	j.live = false
	j.mu.Unlock()
	j.e.news.ring()
}

// end gathers all that the certificate will be made from.
func (j *job) end(result State, reason string, at journal.Time) journal.End {
	health := j.healthAfter(result)
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.found
	if f.read.Result == "" {
		f.read.Result = "not done"
	}
	end := journal.End{Health: health,
		Started: j.started, Ended: at, Result: string(result), Reason: reason, Passes: f.passes, Verification: f.read,
		Software: j.e.cfg.Software, Interrupted: j.interruptions(), CachesPassed: j.direct,
		Clock: j.e.cfg.Clock(), KeyOrigin: j.e.cfg.KeyOrigin, Firmware: f.firmware,
	}
	if f.firmware != nil {
		kept := *f.firmware
		kept.Samples = nil
		end.Firmware, end.Evidence = &kept, firmwareEvidence(kept, f.read)
	} else {
		end.Evidence = overwriteEvidence(f)
	}
	if !j.direct {
		end.Evidence = append(end.Evidence, "the system did not allow direct I/O; its cache was dropped before reading back")
	}
	return end
}

// overwriteEvidence is what the certificate of an overwriting job rests on.
func overwriteEvidence(f findings) (list []string) {
	if n, left := f.unfinished(); left > 0 {
		list = append(list, fmt.Sprintf("pass %d of %d ended early: below byte %d all was written or is listed as unwritable, and %d bytes from there on were not reached",
			n, f.planned, f.mark, left))
	}
	if n := f.complete(); n > 0 {
		list = append(list, fmt.Sprintf("%d of %d passes were written over %d addressable bytes, each followed by a flush", n, f.planned, f.size))
	}
	if f.read.Result == "passed" {
		list = append(list, fmt.Sprintf("%d bytes were read back through a fresh descriptor and equal what the last pass wrote", f.read.BytesRead))
	}
	if f.startedOver {
		list = append(list, "after an interruption the drive did not hold what it had flushed; all passes were written again")
	}
	return list
}

func (j *job) interruptions() (n int) {
	j.history.mu.Lock()
	defer j.history.mu.Unlock()
	for _, u := range j.history.updates {
		if u.State == string(Interrupted) {
			n++
		}
	}
	if fw := j.found.firmware; fw != nil {
		n += fw.PickedUp // without a word in the history
	}
	return n
}

// interrupt marks a job that no goroutine works on.
func (j *job) interrupt(reason string) error {
	j.mu.Lock()
	e := j.snapshot()
	j.mu.Unlock()
	e.State, e.Action = string(Interrupted), "wait"
	e.Outcome = &journal.Outcome{Result: string(Interrupted), Level: j.rec.Method.Level, Verification: j.rec.Verify + ": not done", Reason: journal.Text(reason)}
	e.Seq = j.history.next()
	if err := j.e.cfg.Journal.Change(e); err != nil {
		return err
	}
	j.publish(Update{Event: e, Milestone: true, keep: true})
	return nil
}
