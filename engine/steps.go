package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// write does one write pass, from the position's offset on.
func (j *job) write(at position) signal {
	w, err := j.claim.Writer()
	if err != nil {
		j.breakOff(fmt.Errorf("open the drive for writing: %w", err))
		return stopped
	}
	defer w.Close()
	j.sawDirect(w.Direct())
	run := j.settings(j.patterns[at.pass-1], []wipe.Range{{Offset: at.offset, Length: j.size() - at.offset}})
	if at.offset == j.size() { // interrupted between the last write and the end of the pass
		run.Extents = nil
	}
	pass := journal.PassRun{Title: j.title(at.pass), Started: j.instant()}
	stop := j.keepCheckpoints(at, w, run.Progress)
	defer stop() // also where the write panics
	if run.Extents != nil {
		err = run.Write(j.ctx, w)
	}
	stop()
	flushed := j.flush(w)
	bad := j.unwritten(at, run.Progress)
	j.settle()
	pass.Ended = j.instant()
	pass.Bad, pass.BadBytes = ranges(bad), bad.Bytes()
	pass.BytesWritten = at.offset - resumed(at, j.resumedBad).Bytes() + run.Progress.Good()
	pass.Complete = at.offset+run.Progress.Done() == j.size()
	if err != nil || errors.Is(flushed, drive.ErrGone) {
		return j.stopPass(at, pass, run.Progress.Watermark(), bad, cmp.Or(err, flushed))
	}
	return j.endPass(at, pass)
}

// stopPass ends a pass that did not come to its end. If the job can be resumed a checkpoint says how far it came, else
// its record does.
func (j *job) stopPass(at position, pass journal.PassRun, mark int64, bad wipe.Ranges, why error) signal {
	j.note(why)
	j.mu.Lock()
	interrupted := j.found.interrupted
	if !interrupted {
		j.found.passes = append(j.found.passes, pass)
	}
	j.mu.Unlock()
	if interrupted && max(mark, at.offset) > 0 {
		j.checkpoint(at, mark, bad)
	}
	return stopped
}

// endPass records a pass as complete.
func (j *job) endPass(at position, pass journal.PassRun) signal {
	j.mu.Lock()
	j.found.passes = append(j.found.passes, pass)
	j.mu.Unlock()
	j.checkpoint(position{pass: at.pass + 1}, 0, wipe.Ranges{})
	return stepDone
}

// unwritten is what this pass could not write, what a run before an interruption could not write included.
func (j *job) unwritten(at position, p *wipe.Progress) wipe.Ranges {
	bad := p.Bad()
	bad.Merge(resumed(at, j.resumedBad))
	return bad
}

// resumed is what a checkpoint says that the part of a pass before it could not write.
func resumed(at position, list []wipe.Range) (bad wipe.Ranges) {
	for _, r := range list {
		if r.Offset < at.offset {
			bad.Add(wipe.Range{Offset: r.Offset, Length: min(r.Length, at.offset-r.Offset)})
		}
	}
	return bad
}

func (j *job) flush(w drive.Writer) error {
	err := w.Flush()
	if err == nil {
		err = j.claim.Check()
	}
	if err != nil {
		j.e.cfg.Log.Error("drive did not flush", "job", j.rec.ID, "err", err)
		j.mu.Lock()
		j.found.flushFailed = true
		j.mu.Unlock()
	}
	return err
}

// keepCheckpoints writes a checkpoint every few seconds or gigabytes, each after a flush, until the function it
// returns is called. It also notices a drive that was taken away under writes that still seem to succeed.
func (j *job) keepCheckpoints(at position, w drive.Writer, p *wipe.Progress) (stop func()) {
	return j.aside(func(quit <-chan struct{}) {
		poll := time.NewTicker(min(100*time.Millisecond, j.e.cfg.CheckpointEvery))
		defer poll.Stop()
		last, done := time.Now(), int64(0)
		for {
			select {
			case <-quit:
				return
			case now := <-poll.C:
				if now.Sub(last) < j.e.cfg.CheckpointEvery && p.Done()-done < j.e.cfg.CheckpointBytes {
					continue
				}
				last, done = now, p.Done()
				j.checkpointNow(at, w, p)
			}
		}
	})
}

func (j *job) checkpointNow(at position, w drive.Writer, p *wipe.Progress) {
	mark := p.Watermark() // before the bad areas, and both before the flush
	bad := j.unwritten(at, p)
	switch err := j.flush(w); {
	case err == nil:
		j.checkpoint(at, mark, bad)
	case errors.Is(err, drive.ErrGone), errors.Is(err, drive.ErrChanged):
		j.halt(err)
	}
}

// checkpoint records that the drive holds this pass below mark. That it cannot be kept does not stop the job: it only saves
// work after a crash, and the one before is still true.
func (j *job) checkpoint(at position, mark int64, bad wipe.Ranges) {
	j.mu.Lock()
	offset := max(mark, at.offset)
	c := journal.Checkpoint{
		Time: j.now(), Seq: j.history.given(), Pass: at.pass, Offset: offset, Bad: ranges(resumed(position{offset: offset}, bad.All())),
		Done: slices.Clone(j.found.passes), Cached: !j.direct, StartedOver: j.found.startedOver,
	}
	flushFailed := j.found.flushFailed
	j.mu.Unlock()
	if flushFailed {
		return
	}
	if err := j.e.cfg.Journal.Checkpoint(j.rec.ID, c); err != nil {
		j.e.cfg.Log.Error("checkpoint not kept", "job", j.rec.ID, "err", err)
	}
}

// verify reads back what the last pass left.
func (j *job) verify() signal {
	bad := j.lastBad()
	if bad.Contains(wipe.Range{Length: j.size()}) {
		return stepDone // nothing was written, so there is nothing to read back
	}
	v, err := j.readBack(j.patterns[j.plan.passes-1], j.extents(), bad)
	j.mu.Lock()
	v.Scope, v.Seed = j.rec.Verify, j.rec.Seed
	v.Result = verdict(v, err == nil)
	j.found.read = v
	j.found.sampleBytes = j.verifyBytes()
	j.mu.Unlock()
	if err != nil {
		j.note(err)
		return stopped
	}
	return stepDone
}

// lastBad is what the last pass could not write: it cannot hold what it should, and is on record already.
func (j *job) lastBad() (bad wipe.Ranges) {
	if n := len(j.found.passes); n > 0 {
		for _, r := range j.found.passes[n-1].Bad {
			bad.Add(wipe.Range(r))
		}
	}
	return bad
}

// readBack compares areas of the drive with a pattern, through a descriptor that never wrote.
func (j *job) readBack(pattern wipe.Pattern, extents []wipe.Range, skip wipe.Ranges) (v journal.Verification, err error) {
	v.Started = j.instant()
	r, err := j.claim.Reader()
	if err != nil {
		return v, fmt.Errorf("open the drive for reading: %w", err)
	}
	defer r.Close()
	j.sawDirect(r.Direct())
	run := j.settings(pattern, extents)
	run.Skip = skip
	err = run.Verify(j.ctx, r)
	if err == nil {
		err = j.claim.Check()
	}
	p := run.Progress
	unreadable, mismatched := p.Bad(), p.Mismatched()
	j.settle()
	v.Ended = j.instant()
	v.BytesRead = p.Good() + mismatched.Bytes()
	v.Unreadable, v.UnreadableBytes = ranges(unreadable), unreadable.Bytes()
	v.Mismatches, v.MismatchBytes = ranges(mismatched), mismatched.Bytes()
	return v, err
}

// check reads back all that the checkpoint claims.
func (j *job) check(at position) signal {
	for _, c := range j.claims(at) {
		holds, err := j.holds(c)
		if err != nil {
			j.note(err)
			return stopped
		}
		if holds {
			continue
		}
		if j.found.unwritable() > 0 {
			j.breakOff(fmt.Errorf("%d bytes could not be written, and the drive lost what was", j.found.unwritable()))
			return stopped
		}
		j.startOver()
		return claimBroke
	}
	return stepDone
}

// claim is an area that should hold a pass, but for what that pass could not write. Where a later pass may have gone on
// over it after the checkpoint, it may hold that one instead.
type claim struct {
	area        wipe.Range
	pass, later int
	bad         wipe.Ranges
}

// claims is what a checkpoint says: its pass below the offset, the pass before, or its own, above.
func (j *job) claims(at position) (list []claim) {
	if at.offset > 0 {
		list = append(list, claim{area: wipe.Range{Length: at.offset}, pass: at.pass, bad: resumed(at, j.resumedBad)})
	}
	if at.pass > 1 && at.offset < j.size() {
		list = append(list, claim{wipe.Range{Offset: at.offset, Length: j.size() - at.offset}, at.pass - 1, min(at.pass, j.plan.passes), j.lastBad()})
	}
	return list
}

// holds reads an area back.
func (j *job) holds(c claim) (bool, error) {
	if c.bad.Contains(c.area) {
		return true, nil
	}
	v, err := j.readBack(j.patterns[c.pass-1], []wipe.Range{c.area}, c.bad)
	if err != nil || v.UnreadableBytes > 0 || v.MismatchBytes == 0 || c.later <= c.pass {
		return err == nil && v.UnreadableBytes+v.MismatchBytes == 0, err
	}
	j.mu.Lock()
	j.errors = 0 // what differs from the one pass is no error if it is the other
	j.mu.Unlock()
	var differ []wipe.Range
	for _, r := range v.Mismatches {
		differ = append(differ, wipe.Range(r))
	}
	r, err := j.claim.Reader()
	if err != nil {
		return false, err
	}
	defer r.Close()
	return wipe.HoldsEither(j.ctx, r, differ, j.rec.Drive.LogicalSector, j.patterns[c.pass-1], j.patterns[c.later-1])
}

// startOver forgets what was done before the interruption: a claim that is wrong in one place is believed in none.
func (j *job) startOver() {
	j.e.cfg.Log.Warn("the drive does not hold what the checkpoint claims; the job starts over", "job", j.rec.ID, "drive", j.rec.Drive.Name)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.passes, j.found.startedOver, j.resumedBad, j.errors = nil, true, nil, 0
	j.prior, j.total = 0, j.size()*int64(j.plan.passes)+j.verifyBytes()
}

func ranges(r wipe.Ranges) []journal.Range {
	list := []journal.Range{}
	for _, one := range r.All() {
		list = append(list, journal.Range(one))
	}
	return list
}
