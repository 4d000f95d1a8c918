package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
	"wiped/engine/journal"
)

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("it does not happen: %s", what)
}

// TestShutdownWithInterruptedJob: a job that nobody resumed must not keep the program from ending in order.
func TestShutdownWithInterruptedJob(t *testing.T) {
	f := drivetest.New("f0", 8<<20, []byte("SECRET"))
	w := open(t, "", nil, f)
	held := f.HoldAfter(1 << 20)
	id := w.erase("zero", "full", "f0")[0]
	<-held
	w, _ = w.interrupt(f, id)
	w.shutdown()
}

// TestTurns: with one turn, jobs work one after the other, in the order they were asked for.
func TestTurns(t *testing.T) {
	for range 10 {
		var fakes []*drivetest.Fake
		var names []string
		for n := range 6 {
			names = append(names, fmt.Sprintf("f%d", n))
			fakes = append(fakes, drivetest.New(names[n], 1<<20, []byte("SECRET")))
		}
		w := open(t, "", func(c *Config) { c.Parallel = 1 }, fakes...)
		ids := w.erase("zero", "full", names...)
		var began, ends []journal.Time
		for _, id := range ids {
			v := w.end(id)
			if v.State != Erased {
				t.Fatalf("job %d is %s: %s", id, v.State, v.Last.Reason)
			}
			began, ends = append(began, v.Started), append(ends, v.Ended)
		}
		for n := 1; n < len(ids); n++ {
			if began[n].Before(began[n-1].Time) {
				t.Fatalf("job %d began at %s, before job %d, at %s", ids[n], began[n], ids[n-1], began[n-1])
			}
			if began[n].Before(ends[n-1].Time) {
				t.Errorf("job %d began at %s, and job %d ended at %s: two at once", ids[n], began[n], ids[n-1], ends[n-1])
			}
		}
	}
}

// TestOneWins: many commands at once for one drive, and one gets it.
func TestOneWins(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"))
	w := open(t, "", nil, f)
	f.HoldAfter(0)
	var mu sync.Mutex
	var won []uint64
	var lost []error
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			views, err := w.Erase(Request{Drives: []string{"f0"}, Method: "zero", Confirm: []string{"FAKE-f0"}})
			mu.Lock()
			defer mu.Unlock()
			for _, v := range views {
				won = append(won, v.Job.ID)
			}
			if err != nil {
				lost = append(lost, err)
			}
		})
	}
	all.Wait()
	f.Release()
	if len(won) != 1 || len(lost) != 19 {
		t.Fatalf("%d jobs were started and %d refused", len(won), len(lost))
	}
	for _, err := range lost {
		var r Refusals
		if !errors.As(err, &r) || r.Kind() != Unsafe {
			t.Errorf("refused with %v", err)
		}
	}
	if v := w.end(won[0]); v.State != Erased {
		t.Errorf("the winner is %s: %s", v.State, v.Last.Reason)
	}
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// TestWatchAfterResume: who watches a job right after it was resumed sees it go on, not the end of its first life.
func TestWatchAfterResume(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"))
	w := open(t, "", nil, f)
	held := f.HoldAfter(1 << 20)
	id := w.erase("zero", "full", "f0")[0]
	<-held
	w, _ = w.interrupt(f, id)
	held = f.HoldAfter(0)
	views, err := w.Resume([]uint64{id}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if views[0].State == Interrupted {
		t.Errorf("right after resume the job is %s", views[0].State)
	}
	watch, err := w.Watch([]uint64{id}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	if _, rest := watch.Take(); rest {
		t.Error("right after resume the job is at rest: `watch` would exit with 7")
	}
	<-held
	f.Release()
	if v := w.end(id); v.State != Erased {
		t.Errorf("the job is %s: %s", v.State, v.Last.Reason)
	}
}

// TestResumeMovedDrive: the drive came back under another name and path; it is the same drive.
func TestResumeMovedDrive(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"))
	w := open(t, "", nil, f)
	held := f.HoldAfter(1 << 20)
	id := w.erase("zero", "full", "f0")[0]
	<-held
	w, _ = w.interrupt(f, id)
	f.Set(func(i *drive.Info) { i.Name, i.Path, i.Paths = "f7", "/fake/f7", []string{"/fake/f7"} })
	if _, err := w.Resume([]uint64{id}, nil); err != nil {
		t.Fatal(err)
	}
	if v := w.end(id); v.State != Erased {
		t.Errorf("the job is %s: %s", v.State, v.Last.Reason)
	}
	w.proper(id, f)
}

// TestResumeAnotherDrive: none of the things that make it another drive goes unseen.
func TestResumeAnotherDrive(t *testing.T) {
	for name, change := range map[string]func(*drive.Info){
		"serial": func(i *drive.Info) { i.Serial, i.ID.Serial = "OTHER", "OTHER" },
		"WWN":    func(i *drive.Info) { i.WWN, i.ID.WWN = "naa.9", "naa.9" },
		"size":   func(i *drive.Info) { i.Size -= 512; i.ID.Size -= 512 },
		"inode":  func(i *drive.Info) { i.ID.Inode = 9 },
		"device": func(i *drive.Info) { i.ID.Device = 9 },
		"replug": func(i *drive.Info) { i.ID.DiskSeq = 9 },
		"in use": func(i *drive.Info) { i.Uses = []drive.Use{{What: "mounted on /"}} },
	} {
		t.Run(name, func(t *testing.T) {
			f := drivetest.New("f0", 4<<20, []byte("SECRET"))
			w := open(t, "", nil, f)
			held := f.HoldAfter(1 << 20)
			id := w.erase("zero", "full", "f0")[0]
			<-held
			w, _ = w.interrupt(f, id)
			written := f.Written()
			f.Set(change)
			_, err := w.Resume([]uint64{id}, []string{"FAKE-f0"})
			var r Refusals
			if !errors.As(err, &r) || r.Kind() != Unsafe || f.Written() != written {
				t.Errorf("Resume = %v; want a refusal", err)
			}
			if v, _ := w.Job(id); v.State != Interrupted {
				t.Errorf("after the refusal the job is %s", v.State)
			}
		})
	}
}

// TestPanicLeavesNothing: a job that ended by a panic leaves no goroutine behind that works on its drive.
func TestPanicLeavesNothing(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"), drivetest.Fault{Kind: drivetest.Panic, After: 1 << 20})
	w := open(t, "", nil, f)
	id := w.erase("zero", "full", "f0")[0]
	if v := w.end(id); v.State != Failed {
		t.Errorf("the job is %s", v.State)
	}
	for range 200 {
		if !strings.Contains(stacks(), "keepCheckpoints") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("the job has ended, and its checkpoints go on")
}

// TestSlowWatcher: a watcher that stands still holds up nothing, and is told of exactly what it lost.
func TestSlowWatcher(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"), drivetest.Fault{Kind: drivetest.Slow})
	w := open(t, "", func(c *Config) { c.Tick = 10 * time.Microsecond; c.CheckpointEvery = time.Second }, f)
	watch := w.Follow()
	defer watch.Close()
	held := f.HoldAfter(2 << 20)
	id := w.erase("random", "full", "f0")[0]
	if err := watch.Add(id, 0); err != nil {
		t.Fatal(err)
	}
	<-held
	j, err := w.job(id)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "more progress than is held", func() bool { return j.history.given() > 2*heldProgress })
	f.Release()
	v := w.end(id)
	got, missed, ends := uint64(0), uint64(0), 0
	for {
		news, err := watch.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		for _, u := range news {
			got, missed = got+1, missed+u.Missed
			if u.Outcome != nil {
				ends++
			}
		}
	}
	if got+missed != v.Last.Seq || missed == 0 || ends != 1 {
		t.Errorf("got %d updates and was told of %d missed, of %d; %d ends", got, missed, v.Last.Seq, ends)
	}
}

// TestEraseAtShutdown: no job begins that the shutdown does not know of.
func TestEraseAtShutdown(t *testing.T) {
	for range 30 {
		f := drivetest.New("f0", 64<<10, []byte("SECRET"))
		w := open(t, "", nil, f)
		var all sync.WaitGroup
		var views []View
		all.Go(func() {
			views, _ = w.Erase(Request{Drives: []string{"f0"}, Method: "gutmann", Confirm: []string{"FAKE-f0"}})
		})
		w.shutdown()
		left := w.Unfinished()
		all.Wait()
		if now := w.Unfinished(); len(left)+len(now) > 0 {
			t.Fatalf("after the shutdown jobs %v %v run (started: %d)", left, now, len(views))
		}
	}
}

// TestEventsInOrder: the stream of a good job, from its first event to its last.
func TestEventsInOrder(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"))
	w := open(t, "", nil, f)
	id := w.erase("dod-3", "full", "f0")[0]
	v := w.end(id)
	stream := w.stream(id)
	checkStream(t, stream)
	var changes []string
	for _, u := range stream {
		if u.keep {
			changes = append(changes, fmt.Sprintf("%s %d/%d %s", u.State, u.Pass, u.Passes, u.Action))
		}
	}
	want := []string{"running 1/4 write zeros", "running 2/4 write ones", "running 3/4 write random", "verifying 4/4 verify random", "erased 4/4 verify random"}
	if !slices.Equal(changes, want) {
		t.Errorf("changes of state:\n%s\nwant\n%s", strings.Join(changes, "\n"), strings.Join(want, "\n"))
	}
	if stream[0].DoneBytes != 0 || Percent(stream[0].Event) != "0.0%" || stream[0].Seq != 1 {
		t.Errorf("the first event is %+v", stream[0].Event)
	}
	if v.Started.IsZero() || stream[0].Time.After(v.Started.Time.Add(patience)) {
		t.Errorf("the job began at %s, its first event is of %s", v.Started, stream[0].Time)
	}
}
