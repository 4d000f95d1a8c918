package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// What a drive held before it erased itself is known by samples: single sectors, at the places where a representative
// sampling begins its reads.

// stretches is into how many equal parts the places of a drive are divided. In a part without any telling sector one is
// written with random bytes before the erase: so no part of the drive can be said to be erased where nobody could tell.
const stretches = 256

// small drives, of so many sectors, are sampled whole: the places of the recipe would run into each other.
const small = 4096

// places are the sectors of a drive that are sampled, in the order of their offsets.
func places(seed [32]byte, size int64, sector int) []wipe.Range {
	extents := wipe.SampleExtents(seed, size, sector)
	unit := int64(sector)
	if size/unit <= small {
		var all []wipe.Range
		for off := int64(0); off < size; off += unit {
			all = append(all, wipe.Range{Offset: off, Length: unit})
		}
		return all
	}
	list := make([]wipe.Range, 0, len(extents))
	for _, e := range extents {
		list = append(list, wipe.Range{Offset: e.Offset, Length: unit})
	}
	if last := size - unit; list[len(list)-1].Offset < last {
		list = append(list, wipe.Range{Offset: last, Length: unit})
	}
	return list
}

// telling is whether a sector is recognised by its content: anything but a short pattern over and over, as drives leave
// after an erase.
func telling(sector []byte) bool {
	const period = 16
	for i := period; i < len(sector); i++ {
		if sector[i] != sector[i-period] {
			return true
		}
	}
	return false
}

func sumOf(sector []byte) string {
	sum := sha256.Sum256(sector)
	return hex.EncodeToString(sum[:16])
}

// sample reads what the drives hold before, and sees to it that enough of it is telling.
func (j *job) sample() signal {
	if err := j.unlock(); err != nil {
		return j.notTaken(err)
	}
	fw := &journal.Firmware{Marked: j.found.firmware.Marked}
	for n, t := range j.targets {
		taken, marked, dull, err := j.sampleDrive(n, t)
		fw.Samples, fw.Marked, fw.Dull = append(fw.Samples, taken...), fw.Marked+marked, fw.Dull+dull
		if err != nil {
			j.mu.Lock()
			j.found.firmware.Marked = fw.Marked
			j.mu.Unlock()
			j.note(err)
			return stopped
		}
	}
	fw.Places = len(fw.Samples)
	for _, s := range fw.Samples {
		if s.Sum != "" {
			fw.Telling++
		}
	}
	j.mu.Lock()
	j.found.firmware = fw
	j.mu.Unlock()
	return stepDone
}

// sampleDrive also tells how many stretches of the drive are dull in spite of all marks.
func (j *job) sampleDrive(n int, t target) (taken []journal.Sample, marked, dull int, err error) {
	where := places(j.seed(), t.rec.SizeBytes, t.rec.LogicalSector)
	sums, err := j.readSectors(t, where)
	if err != nil {
		return nil, 0, 0, err
	}
	forgetRepeated(sums)
	for _, share := range []int{2, 1, 3} { // quarters of a stretch: where one sector takes no mark, another one may
		list := dullStretches(where, sums, share)
		if len(list) == 0 {
			break
		}
		more, err := j.mark(t, list, sums)
		if marked += more; err != nil {
			return nil, marked, 0, err
		}
	}
	for _, at := range where {
		taken = append(taken, journal.Sample{Drive: n, Offset: at.Offset, Sum: sums[at.Offset]})
	}
	return taken, marked, len(dullStretches(where, sums, 0)), nil
}

// repeated is at how many places of a drive a content counts as a pattern: what drives leave after an erase repeats at every
// sector, at times with a longer period than telling sees. Found again afterwards, that would prove nothing.
const repeated = 3

func forgetRepeated(sums map[int64]string) {
	times := map[string]int{}
	for _, sum := range sums {
		times[sum]++
	}
	maps.DeleteFunc(sums, func(_ int64, sum string) bool { return times[sum] >= repeated })
}

// dullStretches is a place, some quarters into it, of each stretch in which no place holds anything telling.
func dullStretches(where []wipe.Range, sums map[int64]string, quarters int) (dull []wipe.Range) {
	parts := min(stretches, len(where))
	for n := range parts {
		part := where[n*len(where)/parts : (n+1)*len(where)/parts]
		if !slices.ContainsFunc(part, func(at wipe.Range) bool { return sums[at.Offset] != "" }) {
			dull = append(dull, part[len(part)*quarters/4])
		}
	}
	return dull
}

// mark writes random bytes to places and reads back which of them hold something telling now. A drive that takes no
// writes, because it is locked for example, is no error: it stays as telling as it was.
func (j *job) mark(t target, where []wipe.Range, sums map[int64]string) (marked int, err error) {
	key := make(wipe.Hex, wipe.KeyBytes)
	if _, err := j.e.cfg.Random.Read(key); err != nil {
		return 0, fmt.Errorf("draw the marks: %w", err)
	}
	w, err := j.writer(t)
	if err != nil {
		return 0, fmt.Errorf("open the drive to mark it: %w", err)
	}
	defer j.shut(w)
	run := j.settings(t, wipe.Pattern{Key: key}, where)
	defer j.forgetProgress()
	if err := j.ask(&request{what: "write", own: true}, func() error { return run.Write(j.ctx, w) }); err != nil {
		return len(where), err // any of them can have got there
	}
	if err := j.ask(&request{what: "flush", flush: true}, w.Flush); err != nil {
		if errors.Is(err, errGivenUp) {
			return len(where), err
		}
		j.e.cfg.Log.Warn("the drive did not take marks", "job", j.rec.ID, "drive", t.rec.Name, "err", err)
		return 0, j.checkClaims()
	}
	after, err := j.readSectors(t, where)
	if err != nil {
		return len(where), err
	}
	for _, at := range where {
		if after[at.Offset] != "" {
			sums[at.Offset] = after[at.Offset]
			marked++
		}
	}
	return marked, nil
}

// readSectors reads sectors, in the order of their offsets, and tells by offset what is known of those that are telling.
// What cannot be read is not: it is looked at afterwards as everything is.
func (j *job) readSectors(t target, where []wipe.Range) (map[int64]string, error) {
	r, err := j.reader(t)
	if err != nil {
		return nil, fmt.Errorf("open the drive to take samples: %w", err)
	}
	defer j.shut(r)
	j.sawDirect(r.Direct())
	run := j.settings(t, wipe.Pattern{}, adjoined(where))
	defer j.forgetProgress()
	var mu sync.Mutex
	sums, size := map[int64]string{}, t.rec.LogicalSector
	look := func(off int64, part []byte) {
		mu.Lock()
		defer mu.Unlock()
		for at := 0; at < len(part); at += size {
			if sector := part[at : at+size]; telling(sector) {
				sums[off+int64(at)] = sumOf(sector)
			}
		}
	}
	if err := j.ask(&request{what: "read", own: true}, func() error { return run.Read(j.ctx, r, look) }); err != nil {
		return nil, err // and what may still come is not looked at
	}
	return sums, nil
}

// adjoined makes one area of those that follow each other without a gap.
func adjoined(list []wipe.Range) (areas []wipe.Range) {
	for _, r := range list {
		if n := len(areas); n > 0 && areas[n-1].End() == r.Offset {
			areas[n-1].Length += r.Length
			continue
		}
		areas = append(areas, r)
	}
	return areas
}

// forgetProgress ends a step that is no part of what is counted.
func (j *job) forgetProgress() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.progress = nil
}

// finding is what reading afterwards found on one drive.
type finding struct {
	mu                  sync.Mutex
	kept                wipe.Ranges // sectors that hold what some sector held before
	zeros, ones, others int64       // bytes
}

// look holds a part of a drive against the samples.
func (f *finding) look(sums map[string]bool, sector int, off int64, part []byte) {
	var zeros, ones, others int64
	for at := 0; at < len(part); at += sector {
		one := part[at : at+sector]
		switch uniform, value := isUniform(one); {
		case uniform && value == 0x00:
			zeros += int64(sector)
			continue
		case uniform && value == 0xFF:
			ones += int64(sector)
			continue
		}
		others += int64(sector)
		if telling(one) && sums[sumOf(one)] {
			f.mu.Lock()
			f.kept.Add(wipe.Range{Offset: off + int64(at), Length: int64(sector)})
			f.mu.Unlock()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.zeros, f.ones, f.others = f.zeros+zeros, f.ones+ones, f.others+others
}

func isUniform(b []byte) (bool, byte) {
	for _, x := range b {
		if x != b[0] {
			return false, 0
		}
	}
	return true, b[0]
}

// verifyErased reads what the drives hold after they erased themselves.
func (j *job) verifyErased() signal {
	j.mu.Lock()
	j.total = j.size()*int64(j.plan.passes) + j.verifyBytes() // all is read where there is doubt
	j.mu.Unlock()
	sums := map[string]bool{}
	for _, s := range j.found.firmware.Samples {
		if s.Sum != "" {
			sums[s.Sum] = true
		}
	}
	var all []journal.Verification
	var broke error
	for _, t := range j.targets {
		v, err := j.readAfter(t, sums)
		v.Scope, v.Seed, v.Result = j.scope(), j.rec.Seed, verdict(v, err == nil)
		all = append(all, v)
		if broke = err; err != nil {
			break
		}
	}
	j.mu.Lock()
	j.found.read = all[0]
	j.found.read.Also = all[1:]
	j.found.read.Result = verdict(j.found.read.Total(), broke == nil)
	j.found.sampleBytes = j.verifyBytes()
	j.found.whole = j.found.sampleBytes == j.size()
	j.mu.Unlock()
	if broke != nil {
		j.note(broke)
		return stopped
	}
	return stepDone
}

func (j *job) readAfter(t target, sums map[string]bool) (v journal.Verification, err error) {
	v.Started = j.instant()
	r, err := j.reader(t)
	if err != nil {
		return v, fmt.Errorf("open the drive for reading: %w", err)
	}
	defer j.shut(r)
	j.sawDirect(r.Direct())
	var f finding
	run := j.settings(t, wipe.Pattern{}, j.extents(t))
	err = j.ask(&request{what: "read", own: true}, func() error {
		return run.Read(j.ctx, r, func(off int64, part []byte) { f.look(sums, t.rec.LogicalSector, off, part) })
	})
	if err == nil {
		err = t.claim.Check()
	}
	p := run.Progress
	unreadable := p.Bad()
	j.settle()
	v.Ended, v.BytesRead = j.instant(), p.Good()
	v.Unreadable, v.UnreadableBytes = ranges(unreadable), unreadable.Bytes()
	f.mu.Lock() // a read of a drive that was given up may still come
	defer f.mu.Unlock()
	v.Mismatches, v.MismatchBytes = ranges(f.kept), f.kept.Bytes()
	v.Merged = unreadable.Merged() || f.kept.Merged()
	j.mu.Lock()
	defer j.mu.Unlock()
	fw := j.found.firmware
	fw.Zeros, fw.Ones, fw.Others = fw.Zeros+f.zeros, fw.Ones+f.ones, fw.Others+f.others
	j.errors += v.MismatchBytes / int64(t.rec.LogicalSector)
	return v, err
}
