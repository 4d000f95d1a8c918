package engine

import (
	"fmt"

	"wiped/engine/wipe"
)

// check reads back all that the checkpoint claims.
func (j *job) check(at position) signal {
	for _, c := range j.claims(at) {
		holds, err := j.holds(c)
		if err != nil {
			j.note(err)
			j.mu.Lock()
			if !j.found.interrupted {
				j.found.passes, j.found.mark = append(j.found.passes, j.partial()...), at.offset
			}
			j.mu.Unlock()
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
	if at.pass > 1 && at.offset < j.size() && !j.targets[0].zoned { // where zones are reset, nothing of the pass before is left
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
	r, err := j.reader(j.targets[0])
	if err != nil {
		return false, err
	}
	defer j.shut(r)
	reads := &request{what: "read"}
	return attend(j, reads, func() (bool, error) {
		return wipe.HoldsEither(j.ctx, counted{r, reads}, differ, j.rec.Drive.LogicalSector, j.patterns[c.pass-1], j.patterns[c.later-1])
	})
}

// startOver forgets what was done before the interruption: a claim that is wrong in one place is believed in none.
func (j *job) startOver() {
	j.e.cfg.Log.Warn("the drive does not hold what the checkpoint claims; the job starts over", "job", j.rec.ID, "drive", j.rec.Drive.Name)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.passes, j.found.startedOver, j.resumedBad, j.errors = nil, true, nil, 0
	j.prior, j.total = 0, j.size()*int64(j.plan.passes)+j.verifyBytes()
}
