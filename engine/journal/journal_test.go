package journal

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What was kept is read back the same, by this run of the program and by the next.
func TestRecordRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	job := submit(t, j, "sdb")[0]
	want := Record{Job: *job}
	steps := []struct {
		what string
		do   func() error
	}{
		{"Submit", func() error { return nil }},
		{"Change queued", func() error {
			want.Changes = append(want.Changes, someEvent(1, 1, "queued"))
			return j.Change(want.Changes[0])
		}},
		{"Change running", func() error {
			e := someEvent(1, 2, "running")
			e.BytesPerSecond = nil
			want.Changes = append(want.Changes, e)
			return j.Change(e)
		}},
		{"first Checkpoint", func() error {
			want.Checkpoint = &Checkpoint{Time: At(noon), Seq: 3, Pass: 1, Offset: 1 << 30, Bad: []Range{{0, 512}, {1 << 20, 4096}}}
			return j.Checkpoint(1, *want.Checkpoint)
		}},
		{"Checkpoint that completes a pass", func() error {
			want.Checkpoint = &Checkpoint{Time: At(noon), Seq: 4, Pass: 2, Done: []PassRun{someRun()}}
			return j.Checkpoint(1, *want.Checkpoint)
		}},
		{"End", func() error {
			end := someEnd(noon.Add(2*time.Hour), "erased")
			want.End = &end
			want.Changes = append(want.Changes, lastEvent(1, 1_000_001, "erased"))
			return j.End(1, end, want.Changes[2])
		}},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s = %v; want no error", step.what, err)
		}
		for _, when := range []string{"at once", "after opening again"} {
			got, err := j.Job(1)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Job(1) %s after %s = %+v, %v; want %+v", when, step.what, got, err, want)
			}
			j = reopened(t, j, path)
		}
	}
}

func TestJobThatIsNot(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	submit(t, j, "sdb")
	for what, err := range map[string]error{
		"Change":     j.Change(someEvent(2, 1, "running")),
		"Checkpoint": j.Checkpoint(2, Checkpoint{}),
		"End":        j.End(2, someEnd(noon, "failed"), lastEvent(2, 1, "failed")),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s of job 2 = %v; want ErrNotFound", what, err)
		}
	}
	if _, err := j.Job(0); !errors.Is(err, ErrNotFound) {
		t.Errorf("Job(0) = %v; want ErrNotFound", err)
	}
}

// A command's jobs are all kept or none of them is: the second job here cannot be.
func TestSubmitAllOrNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	bad := someJob("sdc")
	bad.Method.Passes[0].Pattern = json.RawMessage("{")
	if err := j.Submit(someJob("sdb"), bad, someJob("sdd")); err == nil {
		t.Error("Submit(good, impossible, good) = nil; want an error")
	}
	j = reopened(t, j, path)
	if got, err := j.Unfinished(); err != nil || len(got) != 0 {
		t.Errorf("Unfinished() after a submission that failed = %v, %v; want none", ids(got), err)
	}
	for id := uint64(1); id < 5; id++ {
		if _, err := j.Job(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Job(%d) after a submission that failed = %v; want ErrNotFound", id, err)
		}
	}
	if jobs := submit(t, j, "sde", "sdf"); jobs[0].ID != 1 || jobs[1].ID != 2 {
		t.Errorf("Submit gave the ids %d, %d; want 1, 2", jobs[0].ID, jobs[1].ID)
	}
}

// A job ends once: a second end changes nothing, and no id is ever given twice.
func TestEndOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	submit(t, j, "sdb")
	if err := j.End(1, someEnd(noon, "failed"), lastEvent(1, 5, "failed")); err != nil {
		t.Fatalf("End(1) = %v; want no error", err)
	}
	before, _ := j.Job(1)
	if err := j.End(1, someEnd(noon.Add(time.Hour), "erased"), lastEvent(1, 6, "erased")); err == nil {
		t.Error("second End(1) = nil; want an error")
	}
	j = reopened(t, j, path)
	if after, err := j.Job(1); err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("Job(1) after a second end = %+v, %v; want %+v", after, err, before)
	}
	if got, _ := j.EndedSince(time.Time{}); len(got) != 1 {
		t.Errorf("EndedSince(the beginning) after a second end = %v; want 1 job", ids(got))
	}
	if next := submit(t, j, "sdc")[0]; next.ID != 2 {
		t.Errorf("Submit gave id %d after job 1 ended; want 2", next.ID)
	}
}

// TestRenew: an end gets a later number and instant, everywhere where they stand, and is otherwise what it was.
func TestRenew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	submit(t, j, "sdb", "sdc")
	later := At(noon.Add(time.Hour))
	if _, err := j.Renew(1, 9, later); !errors.Is(err, ErrNotEnded) {
		t.Errorf("Renew of a job without an end = %v; want ErrNotEnded", err)
	}
	if _, err := j.Renew(3, 9, later); !errors.Is(err, ErrNotFound) {
		t.Errorf("Renew of no job = %v; want ErrNotFound", err)
	}
	want := lastEvent(1, 5, "failed")
	for _, err := range []error{j.Change(someEvent(1, 1, "running")), j.End(1, someEnd(noon, "failed"), want), j.Change(someEvent(1, 7, "running"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before, _ := j.Job(1)
	want.Seq, want.Time = 9, later
	if last, err := j.Renew(1, 9, later); err != nil || !reflect.DeepEqual(last, want) {
		t.Errorf("Renew = %+v, %v; want %+v", last, err, want)
	}
	before.End.Ended, before.Changes = later, []Event{someEvent(1, 1, "running"), someEvent(1, 7, "running"), want}
	j = reopened(t, j, path)
	if after, err := j.Job(1); err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("Job(1) = %+v, %v; want %+v", after, err, before)
	}
	if got, err := j.EndedSince(later.Time); err != nil || !slices.Equal(ids(got), []uint64{1}) {
		t.Errorf("EndedSince(%s) = %v, %v; want job 1", later, ids(got), err)
	}
	if got, err := j.EndedSince(time.Time{}); err != nil || !slices.Equal(ids(got), []uint64{1}) {
		t.Errorf("EndedSince(the beginning) = %v, %v; want job 1, once", ids(got), err)
	}
}

func TestListings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	submit(t, j, "a", "b", "c", "d", "e", "f")
	// Jobs end in another order than they began; two at one instant; one before 1970 by a clock that was not set.
	at := map[uint64]time.Time{5: noon, 2: noon.Add(time.Second), 4: noon.Add(time.Second), 1: noon.Add(time.Minute), 6: time.Unix(0, 0)}
	for _, id := range []uint64{5, 2, 4, 1, 6} {
		if err := j.End(id, someEnd(at[id], "failed"), lastEvent(id, 1, "failed")); err != nil {
			t.Fatalf("End(%d) = %v; want no error", id, err)
		}
	}
	j = reopened(t, j, path)
	for _, test := range []struct {
		since time.Time
		want  []uint64
	}{
		{time.Time{}, []uint64{1, 2, 4, 5, 6}},
		{time.Unix(0, 0), []uint64{1, 2, 4, 5, 6}},
		{time.Unix(0, 1000), []uint64{1, 2, 4, 5}},
		{noon.Add(-time.Microsecond), []uint64{1, 2, 4, 5}},
		{noon, []uint64{1, 2, 4, 5}},
		{noon.Add(time.Microsecond), []uint64{1, 2, 4}},
		{noon.Add(time.Second), []uint64{1, 2, 4}},
		{noon.Add(time.Second + time.Microsecond), []uint64{1}},
		{noon.Add(time.Minute), []uint64{1}},
		{noon.Add(time.Hour), nil},
		{noon.Add(time.Minute).In(time.FixedZone("here", 7200)), []uint64{1}},
	} {
		got, err := j.EndedSince(test.since)
		if err != nil || !slices.Equal(ids(got), test.want) {
			t.Errorf("EndedSince(%s) = %v, %v; want %v", test.since, ids(got), err, test.want)
		}
	}
	if got, err := j.Unfinished(); err != nil || !slices.Equal(ids(got), []uint64{3}) {
		t.Errorf("Unfinished() = %v, %v; want [3]", ids(got), err)
	}
}

func TestChangesInOrderOfSeq(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	submit(t, j, "a")
	for _, seq := range []uint64{3, 1, 1_000_000, 256, 2} {
		if err := j.Change(someEvent(1, seq, "running")); err != nil {
			t.Fatal(err)
		}
	}
	r, err := j.Job(1)
	var got []uint64
	for _, e := range r.Changes {
		got = append(got, e.Seq)
	}
	if want := []uint64{1, 2, 3, 256, 1_000_000}; err != nil || !slices.Equal(got, want) {
		t.Errorf("changes of job 1 = %v, %v; want %v", got, err, want)
	}
}

func TestManyAtOnce(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	const many = 20
	var wait sync.WaitGroup
	for range many {
		wait.Go(func() {
			job := someJob("x")
			if err := j.Submit(job); err != nil {
				t.Errorf("Submit = %v; want no error", err)
				return
			}
			_ = j.Change(someEvent(job.ID, 1, "running"))
			_ = j.Checkpoint(job.ID, Checkpoint{Pass: 1, Offset: int64(job.ID)})
			if r, err := j.Job(job.ID); err != nil || r.Checkpoint.Offset != int64(job.ID) {
				t.Errorf("Job(%d) = %+v, %v; want its own checkpoint", job.ID, r.Checkpoint, err)
			}
		})
	}
	wait.Wait()
	if got, err := j.Unfinished(); err != nil || len(got) != many {
		t.Errorf("Unfinished() = %d jobs, %v; want %d", len(got), err, many)
	}
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	if second, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("second Open = %v, %v; want ErrInUse", second, err)
	}
	if out, err := child(t, "open", path); err != nil || !strings.HasPrefix(out, "true ") {
		t.Errorf("Open in another process says %q, %v; want ErrInUse", out, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := child(t, "open", path); err != nil || !strings.HasPrefix(out, "false <nil>") {
		t.Errorf("Open in another process after Close says %q, %v; want no error", out, err)
	}
}

func TestSchema(t *testing.T) {
	for _, test := range []struct {
		stored []byte
		newer  bool
		good   bool
	}{
		{number(0), false, true},
		{number(schema), false, true},
		{number(schema + 1), true, false},
		{number(1 << 63), true, false},
		{[]byte{1}, false, false},
		{[]byte{}, false, false},
	} {
		path := filepath.Join(t.TempDir(), "journal.db")
		_ = open(t, path).Close()
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keySchema, test.stored) }); err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		j, err := Open(path)
		if (err == nil) != test.good || errors.Is(err, ErrNewer) != test.newer {
			t.Errorf("Open(schema %x) = %v; want good %v, newer %v", test.stored, err, test.good, test.newer)
		}
		if err != nil { // a refused journal is let go of
			if db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second}); err != nil {
				t.Errorf("the journal is still locked after Open refused it: %v", err)
			} else {
				_ = db.Close()
			}
		} else {
			_ = j.Close()
		}
	}
}

func TestOpenSays(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no journal\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, dir, filepath.Join(dir, "none", "journal.db")} {
		if j, err := Open(path); err == nil {
			t.Errorf("Open(%s) = %v, nil; want an error", path, j)
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s) = %v; want the path in it", path, err)
		}
	}
	path := filepath.Join(dir, "journal.db")
	_ = open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of a new journal = %v, %v; want 0600", info.Mode(), err)
	}
}
