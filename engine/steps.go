package engine

import (
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
	if run.Extents != nil {
		err = run.Write(j.ctx, w)
	}
	stop()
	flushed := j.flush(w)
	bad := j.unwritten(at, run.Progress)
	j.settle()
	if err != nil || errors.Is(flushed, drive.ErrGone) {
		if flushed == nil {
			j.checkpoint(at, run.Progress.Watermark(), bad)
		}
		if err == nil {
			err = flushed
		}
		j.note(err)
		return stopped
	}
	pass.Ended = j.instant()
	pass.Bad, pass.BadBytes = ranges(bad), bad.Bytes()
	pass.BytesWritten = at.offset - j.resumedBadBelow(at) + run.Progress.Good()
	pass.Complete = at.offset+run.Progress.Done() == j.size()
	return j.endPass(at, pass, bad)
}

// endPass records a pass as complete. A drive that did not flush has not completed anything that may be relied on
// after a crash, so its checkpoint stays where it was.
func (j *job) endPass(at position, pass journal.PassRun, bad wipe.Ranges) signal {
	j.mu.Lock()
	j.found.passes = append(j.found.passes, pass)
	j.mu.Unlock()
	j.checkpoint(position{pass: at.pass + 1}, 0, bad)
	return stepDone
}

// unwritten is what this pass could not write, what a run before an interruption could not write included.
func (j *job) unwritten(at position, p *wipe.Progress) wipe.Ranges {
	bad := p.Bad()
	if at.offset > 0 {
		for _, r := range j.resumedBad {
			bad.Add(r)
		}
	}
	return bad
}

// resumedBadBelow is how many bytes below the offset of a resumed pass were not written.
func (j *job) resumedBadBelow(at position) (bytes int64) {
	if at.offset > 0 {
		for _, r := range j.resumedBad {
			bytes += r.Length
		}
	}
	return bytes
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
	flushFailed, done := j.found.flushFailed, slices.Clone(j.found.passes)
	j.mu.Unlock()
	if flushFailed {
		return
	}
	c := journal.Checkpoint{Time: j.instant(), Seq: j.history.given(), Pass: at.pass, Offset: max(mark, at.offset), Bad: ranges(bad), Done: done}
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

// check reads back all that the checkpoint claims: this pass below its offset, the pass before above it.
func (j *job) check(at position) signal {
	bad := j.lastBad() // of the pass before; both are on record and no news
	for _, r := range j.resumedBad {
		bad.Add(r)
	}
	for _, claim := range j.claims(at) {
		if bad.Contains(claim.area) {
			continue
		}
		v, err := j.readBack(j.patterns[claim.pass-1], []wipe.Range{claim.area}, bad)
		if err != nil {
			j.note(err)
			return stopped
		}
		if v.MismatchBytes+v.UnreadableBytes > 0 {
			j.e.cfg.Log.Warn("drive does not hold what the checkpoint claims; starting over", "job", j.rec.ID,
				"pass", claim.pass, "mismatch_bytes", v.MismatchBytes, "unreadable_bytes", v.UnreadableBytes)
			j.startOver()
			return claimBroke
		}
	}
	return stepDone
}

// claim is an area that should hold a pass.
type claim struct {
	pass int
	area wipe.Range
}

func (j *job) claims(at position) (list []claim) {
	if at.offset > 0 {
		list = append(list, claim{at.pass, wipe.Range{Offset: 0, Length: at.offset}})
	}
	if at.pass > 1 && at.offset < j.size() {
		list = append(list, claim{at.pass - 1, wipe.Range{Offset: at.offset, Length: j.size() - at.offset}})
	}
	return list
}

// startOver forgets what was done before the interruption.
func (j *job) startOver() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.passes, j.found.flushFailed, j.resumedBad, j.errors = nil, false, nil, 0
	j.prior, j.total = 0, j.size()*int64(j.plan.passes)+j.verifyBytes()
}

func ranges(r wipe.Ranges) []journal.Range {
	list := []journal.Range{}
	for _, one := range r.All() {
		list = append(list, journal.Range(one))
	}
	return list
}
