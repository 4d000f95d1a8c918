package engine

import (
	"strings"
	"sync"
	"testing"
	"time"

	"wiped/engine/drive/drivetest"
)

// TestCancelQueued: nothing was written, and nothing else may be said.
func TestCancelQueued(t *testing.T) {
	a, b := drivetest.New("a", 4<<20, []byte("SECRET")), drivetest.New("b", 4<<20, []byte("SECRET"))
	w := open(t, "", func(c *Config) { c.Parallel = 1 }, a, b)
	held := a.HoldAfter(0)
	first := w.erase("zero", "full", "a")[0]
	<-held
	second := w.erase("zero", "full", "b")[0]
	eventually(t, "it is queued", func() bool { v, _ := w.Job(second); return v.Last.Seq > 0 && v.State == Queued })
	if _, err := w.Cancel([]uint64{second}, patience); err != nil {
		t.Fatal(err)
	}
	v := w.end(second)
	if v.State != Cancelled || !v.Started.IsZero() || b.Written() != 0 {
		t.Errorf("a cancelled queued job is %s, began %s, wrote %d bytes", v.State, v.Started, b.Written())
	}
	if strings.Contains(string(v.Last.Reason), "overwritten in part") {
		t.Errorf("nothing was written, and the reason is %q", v.Last.Reason)
	}
	a.Release()
	if v := w.end(first); v.State != Erased {
		t.Errorf("the job before it is %s: %s", v.State, v.Last.Reason)
	}
	third := w.erase("zero", "full", "b")[0]
	if v := w.end(third); v.State != Erased {
		t.Errorf("the next job on its drive is %s: %s", v.State, v.Last.Reason)
	}
}

// TestCancelAgainstResume: two operators, one cancels an interrupted job while the other resumes it. Whoever comes
// first, the job ends, once, and its drive is free afterwards.
func TestCancelAgainstResume(t *testing.T) {
	for range 30 {
		f := drivetest.New("f0", 4<<20, []byte("SECRET"))
		w := open(t, "", nil, f)
		held := f.HoldAfter(1 << 20)
		id := w.erase("zero", "full", "f0")[0]
		<-held
		w, _ = w.interrupt(f, id)
		var all sync.WaitGroup
		all.Go(func() { _, _ = w.Resume([]uint64{id}, nil) })
		all.Go(func() { _, _ = w.Cancel([]uint64{id}, patience) })
		all.Wait()
		eventually(t, "the job ends and its drive is free", func() bool {
			v, err := w.Job(id)
			d, _ := w.Drive("f0")
			return err == nil && v.State.End() && d.State == "ready"
		})
		if v, r := w.end(id), w.record(id); r.End == nil || r.End.Result != string(v.State) {
			t.Fatalf("the job is %s, and on record as %+v", v.State, r.End)
		}
		w.proper(id, f)
	}
}

// TestCancelResumedTooLate is the same in the one order that hurts: resume looked at the job before it was cancelled.
func TestCancelResumedTooLate(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"))
	w := open(t, "", nil, f)
	held := f.HoldAfter(1 << 20)
	id := w.erase("zero", "full", "f0")[0]
	<-held
	w, _ = w.interrupt(f, id)
	all, err := w.find()
	if err != nil {
		t.Fatal(err)
	}
	j, item, refusal := w.resumable(id, all)
	if refusal != nil {
		t.Fatal(refusal)
	}
	claims, err := w.claimAll([]Item{item})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Cancel([]uint64{id}, patience); err != nil {
		t.Fatal(err)
	}
	if _, err := w.restart([]*job{j}, []Item{item}, claims); err == nil {
		t.Error("a job that was cancelled meanwhile is resumed")
	}
	closeAll(claims)
	if v, err := w.Job(id); err != nil || v.State != Cancelled {
		t.Errorf("the job is %s, %v; want cancelled", v.State, err)
	}
	if d, _ := w.Drive("f0"); d.State != "ready" {
		t.Errorf("the drive is %s: %s", d.State, d.Reason)
	}
}

// TestCancelPatience: two drives that do not answer keep cancel no longer than one.
func TestCancelPatience(t *testing.T) {
	a, b := drivetest.New("a", 4<<20, []byte("SECRET")), drivetest.New("b", 4<<20, []byte("SECRET"))
	w := open(t, "", nil, a, b)
	heldA, heldB := a.HoldAfter(0), b.HoldAfter(0)
	ids := w.erase("zero", "full", "a", "b")
	<-heldA
	<-heldB
	done := make(chan []View)
	go func() {
		views, _ := w.Cancel(ids, time.Millisecond)
		done <- views
	}()
	select {
	case views := <-done:
		for _, v := range views {
			if v.State.End() {
				t.Errorf("job %d is %s, and its drive has not answered", v.Job.ID, v.State)
			}
		}
	case <-time.After(patience / 3):
		t.Error("cancel waits for the second drive for ever")
	}
	a.Release()
	b.Release()
	for _, id := range ids {
		if v := w.end(id); v.State != Cancelled {
			t.Errorf("job %d is %s", id, v.State)
		}
	}
}
