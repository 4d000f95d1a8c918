package engine

import (
	"fmt"

	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// verify reads back what the last pass left.
func (j *job) verify() signal {
	bad := j.lastBad()
	if bad.Contains(wipe.Range{Length: j.size()}) {
		return stepDone // nothing was written, so there is nothing to read back
	}
	v, err := j.readBack(j.patterns[j.plan.passes-1], j.extents(j.targets[0]), bad)
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
	r, err := j.reader(j.targets[0])
	if err != nil {
		return v, fmt.Errorf("open the drive for reading: %w", err)
	}
	defer j.shut(r)
	j.sawDirect(r.Direct())
	run := j.settings(j.targets[0], pattern, extents)
	run.Skip = skip
	err = j.ask(&request{what: "read", own: true}, func() error { return run.Verify(j.ctx, r) })
	if err == nil {
		err = j.checkClaims()
	}
	p := run.Progress
	unreadable, mismatched := p.Bad(), p.Mismatched()
	j.settle()
	v.Ended = j.instant()
	v.BytesRead = p.Good() + mismatched.Bytes()
	v.Unreadable, v.UnreadableBytes = ranges(unreadable), unreadable.Bytes()
	v.Mismatches, v.MismatchBytes = ranges(mismatched), mismatched.Bytes()
	v.Merged = unreadable.Merged() || mismatched.Merged()
	return v, err
}
