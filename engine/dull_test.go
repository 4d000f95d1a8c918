package engine

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// TestMarksNotTaken: the second half of a blank drive takes no marks, as worn flash does, and holds secrets between the samples.
// The drive erases its first half only. Nobody could have told from the samples: the whole drive is read.
func TestMarksNotTaken(t *testing.T) {
	for _, lie := range []drivetest.Lie{drivetest.Half, drivetest.Honest} {
		const size = 16 << 20
		f := drivetest.New("f0", size, []byte{0}, drivetest.Fault{Kind: drivetest.BadWrite, At: size / 2, Length: size / 2})
		f.SelfErasing(lie, drive.Ability{Action: followed})
		f.Put(0, bytes.Repeat([]byte("FILES AT THE BEGINNING "), 1<<20/23))
		if lie == drivetest.Half {
			for at := int64(size/2 + 100*512); at < size; at += 512 * 997 {
				f.Put(at, []byte("SECRET FILE"))
			}
		}
		w := open(t, "", nil, f)
		v := w.end(w.erase(string(followed), "sample", "f0")[0])
		ends := map[drivetest.Lie][]State{drivetest.Half: {Unknown, Failed}, drivetest.Honest: {Erased}}[lie] // a sample may meet a secret
		if !slices.Contains(ends, v.State) || !strings.HasPrefix(v.Last.Verification, "full") {
			t.Errorf("%s: %s: %s, verified %s; want %s", lie, v.State, v.Last.Reason, v.Last.Verification, ends)
		}
		w.honest(v, f)
	}
}

// TestOneBadSector: where the sector in the middle of a part takes no mark, another one does.
func TestOneBadSector(t *testing.T) {
	const sectors = 4096 // so that each of them is a place, 16 to a stretch
	var faults []drivetest.Fault
	for at := int64(8); at < sectors; at += sectors / stretches {
		faults = append(faults, drivetest.Fault{Kind: drivetest.BadWrite, At: at * 512, Length: 512})
	}
	f := drivetest.New("f0", sectors*512, []byte{0}, faults...)
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	w := open(t, "", nil, f)
	v := w.end(w.erase(string(followed), "sample", "f0")[0])
	fw := w.record(v.Job.ID).End.Firmware
	if v.State != Erased || f.Struck() < stretches || fw.Marked != stretches || fw.Dull != 0 {
		t.Errorf("%s: %s; %d faults struck, %d marked, %d dull", v.State, v.Last.Reason, f.Struck(), fw.Marked, fw.Dull)
	}
}

// TestUnreadableBefore: a drive that could be neither read nor written before, because an earlier sanitize failed for example,
// takes the command, is seen at it, and keeps everything.
func TestUnreadableBefore(t *testing.T) {
	for _, lie := range []drivetest.Lie{drivetest.Kept, drivetest.Honest} {
		f := drivetest.New("f0", 4<<20, []byte("SECRET DATA OF SOMEBODY, LONGER THAN SIXTEEN BYTES "),
			drivetest.Fault{Kind: drivetest.BadWrite, Length: 4 << 20}, drivetest.Fault{Kind: drivetest.BadRead, Length: 4 << 20})
		f.SelfErasing(lie, drive.Ability{Action: followed})
		w := open(t, "", func(c *Config) { c.Tick = time.Millisecond }, f) // many looks while the samples are taken
		id := w.erase(string(followed), "sample", "f0")[0]
		eventually(t, "the drive is told", func() bool { return len(f.Commands()) == 1 })
		f.ClearFaults()
		v := w.end(id)
		want := map[drivetest.Lie]State{drivetest.Kept: Unknown, drivetest.Honest: Erased}[lie]
		if v.State != want {
			t.Errorf("%s: %s: %s; want %s", lie, v.State, v.Last.Reason, want)
		}
		w.honest(v, f)
	}
}

// TestSecondCouldNotTell: of two drives under one command, never seen at it, the second holds a short pattern and takes no marks.
func TestSecondCouldNotTell(t *testing.T) {
	a := itself("a", []byte("SECRET"), drivetest.Instant)
	b := drivetest.New("b", 4<<20, []byte("OLDDATA!"), drivetest.Fault{Kind: drivetest.BadWrite, Length: 4 << 20})
	b.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	a.SelfErasing(drivetest.Instant, drive.Ability{Action: followed, Reaches: []drive.Reach{{Name: "b", What: "namespace 2"}}})
	for _, f := range []*drivetest.Fake{a, b} {
		f.Set(func(i *drive.Info) { i.Paths = []string{"/dev/" + i.Name} })
	}
	w := open(t, "", nil, a, b)
	v := w.end(w.erase(string(followed), "sample", "a", "b")[0])
	if v.State != Unknown {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
	w.honest(v, a, b)
}

// TestCancelSaysMarks: a job that is cancelled before the command says what it had written to tell, whether it waits for its
// controller or is at the marks still.
func TestCancelSaysMarks(t *testing.T) {
	first, second := itself("first", []byte{0}, drivetest.Honest), itself("second", []byte{0}, drivetest.Honest)
	for _, x := range []*drivetest.Fake{first, second} {
		x.Set(func(i *drive.Info) { i.Controller = "one" })
		defer x.HoldErase()()
	}
	w := open(t, "", nil, first, second)
	ids := w.erase(string(blocking), "sample", "first", "second")
	eventually(t, "one of them is told", func() bool { return len(first.Commands())+len(second.Commands()) == 1 })
	id := ids[len(first.Commands())] // the other one
	eventually(t, "the other one waits for the controller", func() bool { v, _ := w.Job(id); return v.Last.Action == string(blocking)+" by the drive" })
	said := func(w *workshop, id uint64) {
		t.Helper()
		all, err := w.Cancel([]uint64{id}, patience)
		if err != nil || all[0].State != Cancelled || !strings.Contains(string(all[0].Last.Reason), "nothing was erased, but for 256 sectors that were written to tell") {
			t.Errorf("%+v, %v; want the sectors that were written", all, err)
		}
	}
	said(w, id)

	third := itself("third", []byte{0}, drivetest.Honest)
	w = open(t, "", nil, third)
	reached := third.HoldAfter(64 << 10)
	id = w.erase(string(blocking), "sample", "third")[0]
	<-reached
	go func() {
		eventually(t, "the job is told to stop", func() bool { return w.halted(id) })
		third.Release()
	}()
	said(w, id)
}

func (w *workshop) halted(id uint64) bool {
	w.mu.Lock()
	j := w.jobs[id]
	w.mu.Unlock()
	return j.ctx.Err() != nil
}
