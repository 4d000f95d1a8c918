package engine

import (
	"cmp"
	"errors"
	"fmt"

	"wiped/engine/drive"
	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// write does one write pass, from the position's offset on.
func (j *job) write(at position) signal {
	w, err := j.writer(j.targets[0])
	if err != nil {
		return j.stopAt(fmt.Errorf("open the drive for writing: %w", err))
	}
	defer j.shut(w)
	j.sawDirect(w.Direct())
	at, inOrder, err := j.rewind(at, w)
	if err != nil {
		return j.stopAt(fmt.Errorf("prepare the drive for writing: %w", err))
	}
	run := j.settings(j.targets[0], j.patterns[at.pass-1], []wipe.Range{{Offset: at.offset, Length: j.size() - at.offset}})
	if inOrder {
		run.Depth = 1
	}
	if at.offset == j.size() { // interrupted between the last write and the end of the pass
		run.Extents = nil
	}
	pass := journal.PassRun{Title: j.title(at.pass), Started: j.instant()}
	stop := j.keepCheckpoints(at, w, run.Progress)
	defer stop() // also where the write panics
	if run.Extents != nil {
		err = j.ask(&request{what: "write", own: true}, func() error { return run.Write(j.ctx, w) })
	}
	stop()
	flushed := j.flush(w)
	bad := j.unwritten(at, run.Progress)
	j.settle()
	pass.Ended = j.instant()
	pass.Bad, pass.BadBytes, pass.Merged = ranges(bad), bad.Bytes(), j.isMerged(at, bad)
	pass.BytesWritten = at.offset - resumed(at, j.resumedBad).Bytes() + run.Progress.Good()
	pass.Complete = at.offset+run.Progress.Done() == j.size()
	if err != nil || errors.Is(flushed, drive.ErrGone) || errors.Is(flushed, errGivenUp) {
		return j.stopPass(at, pass, run.Progress.Watermark(), bad, cmp.Or(err, flushed))
	}
	return j.endPass(at, pass)
}

// stopAt ends a step that could not even begin: by what the job was told, if it was told to stop, else by what went wrong.
func (j *job) stopAt(err error) signal {
	if j.ctx.Err() != nil {
		j.note(err)
	} else {
		j.breakOff(err)
	}
	return stopped
}

// rewind prepares a drive that takes writes in order only, which may mean to begin a little earlier.
func (j *job) rewind(at position, w drive.Writer) (from position, inOrder bool, err error) {
	s, ok := w.(drive.Sequential)
	if !ok || at.offset == j.size() {
		return at, ok, nil
	}
	from = at
	from.offset, err = attend(j, &request{what: "reset the zones"}, func() (int64, error) { return s.Rewind(at.offset) })
	if err == nil && from.offset > at.offset {
		err = fmt.Errorf("a defect: it would begin at byte %d, and byte %d is to be written", from.offset, at.offset)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.prior -= at.offset - from.offset
	return from, true, err
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
	j.found.mark = max(mark, at.offset)
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

// isMerged tells whether what this pass could not write, or some of it before an interruption, is on record as ranges that cover more.
func (j *job) isMerged(at position, bad wipe.Ranges) bool {
	return bad.Merged() || j.merged && resumed(at, j.resumedBad).Count() > 0
}

func ranges(r wipe.Ranges) []journal.Range {
	list := []journal.Range{}
	for _, one := range r.All() {
		list = append(list, journal.Range(one))
	}
	return list
}
