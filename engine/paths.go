package engine

import (
	"fmt"
	"slices"
	"sync"

	"wiped/engine/drive"
	"wiped/engine/wipe"
)

// Two drives can have one WWN, one serial and one size, by a careless maker or a cheap bridge, and look like two paths to one
// drive then. One of them would be erased, and both certified. So what is written over one path must be seen over the others.

// pathPlaces is how many sectors are marked to tell paths from drives: where one cannot be written, another one can.
const pathPlaces = 16

// others are the further paths to a drive; nil: it has none.
func (t target) others() drive.Paths {
	p, ok := t.claim.(drive.Paths)
	if !ok || p.Others() == 0 {
		return nil
	}
	return p
}

// onePath proves that all paths to a drive lead to the same bytes, by marks that are written before anything else is. Those
// of a job that goes on were proved when it began.
func (j *job) onePath(at position) error {
	if at.phase != sampling && at != (position{phase: writing, pass: 1}) {
		return nil
	}
	for _, t := range j.targets {
		p := t.others()
		if p == nil {
			continue
		}
		where := evenly(t.rec.SizeBytes, int64(t.rec.LogicalSector))
		before, err := j.contents(t, t.claim.Reader, where)
		if err != nil {
			return err
		}
		if !t.zoned { // such a drive takes writes in order only; what it holds has to tell
			if err := j.markPaths(t, where); err != nil {
				return err
			}
		}
		isMark := func(at int64, sum string) bool { return t.zoned || before[at] != sum }
		if err := j.compare(t, p, where, isMark); err != nil {
			return err
		}
	}
	return nil
}

// samePaths holds what the paths show after the job against each other.
func (j *job) samePaths() error {
	for _, t := range j.targets {
		if p := t.others(); p != nil {
			all := func(int64, string) bool { return true }
			if err := j.compare(t, p, places(j.seed(), t.rec.SizeBytes, t.rec.LogicalSector), all); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare reads sectors over every path; an error is that they differ, or that none of those that count can be read over two.
func (j *job) compare(t target, p drive.Paths, where []wipe.Range, counts func(at int64, sum string) bool) error {
	first, err := j.contents(t, t.claim.Reader, where)
	if err != nil {
		return err
	}
	for n := range p.Others() {
		other, err := j.contents(t, func() (drive.Reader, error) { return p.Over(n) }, where)
		if err != nil {
			return err
		}
		compared := false
		for at, sum := range other {
			if is, ok := first[at]; ok && is != sum {
				return fmt.Errorf("what looks like %d paths to one drive are several drives with one WWN, serial and size, "+
					"for they hold different things: leave one of them attached, and erase each by itself", 1+p.Others())
			} else if ok && counts(at, sum) {
				compared = true
			}
		}
		if !compared {
			return fmt.Errorf("whether its %d paths lead to one drive cannot be told, for it takes no marks, or they cannot be read; leave it one path only", 1+p.Others())
		}
	}
	return nil
}

// evenly is sectors all over a drive, the first and the last among them.
func evenly(size, sector int64) (where []wipe.Range) {
	for n := range int64(pathPlaces) {
		at := (size/sector - 1) * n / (pathPlaces - 1) * sector
		where = append(where, wipe.Range{Offset: at, Length: sector})
	}
	return slices.Compact(where)
}

// contents reads sectors and tells by offset what they hold.
func (j *job) contents(t target, open func() (drive.Reader, error), where []wipe.Range) (map[int64]string, error) {
	r, err := opened(j, "open the drive to compare its paths", open)
	if err != nil {
		return nil, fmt.Errorf("open the drive to compare its paths: %w", err)
	}
	defer j.shut(r)
	run := j.settings(t, wipe.Pattern{}, adjoined(where))
	defer j.forgetProgress()
	var mu sync.Mutex
	sums, size := map[int64]string{}, t.rec.LogicalSector
	err = j.ask(&request{what: "read", own: true}, func() error {
		return run.Read(j.ctx, r, func(off int64, part []byte) {
			mu.Lock()
			defer mu.Unlock()
			for at := 0; at < len(part); at += size {
				sums[off+int64(at)] = sumOf(part[at : at+size])
			}
		})
	})
	return sums, err
}

// markPaths writes random bytes to sectors. That a drive takes none shows when they are read.
func (j *job) markPaths(t target, where []wipe.Range) error {
	key := make(wipe.Hex, wipe.KeyBytes)
	if _, err := j.e.cfg.Random.Read(key); err != nil {
		return fmt.Errorf("draw the marks: %w", err)
	}
	w, err := j.writer(t)
	if err != nil {
		return fmt.Errorf("open the drive to mark it: %w", err)
	}
	defer j.shut(w)
	run := j.settings(t, wipe.Pattern{Key: key}, where)
	defer j.forgetProgress()
	if err := j.ask(&request{what: "write", own: true}, func() error { return run.Write(j.ctx, w) }); err != nil {
		return err
	}
	if fw := j.found.firmware; fw != nil {
		j.mu.Lock()
		fw.Marked += len(where)
		j.mu.Unlock()
	}
	if err := j.ask(&request{what: "flush", flush: true}, w.Flush); err != nil {
		return j.checkClaims()
	}
	return nil
}
