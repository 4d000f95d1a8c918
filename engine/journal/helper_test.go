package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// noon is a moment with microseconds, which is what records hold.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 123456000, time.UTC)

// TestMain lets this test program be another process that uses the journal: WIPED_TEST_CHILD says how.
func TestMain(m *testing.M) {
	switch os.Getenv("WIPED_TEST_CHILD") {
	case "open":
		j, err := Open(os.Getenv("WIPED_TEST_PATH"))
		fmt.Println(errors.Is(err, ErrInUse), err)
		if err == nil {
			_ = j.Close()
		}
		os.Exit(0)
	case "full":
		os.Exit(fullChild())
	case "read":
		os.Exit(readChild())
	}
	os.Exit(m.Run())
}

// child runs this test program as another process and returns what it printed.
func child(t testing.TB, how, path string, more ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "WIPED_TEST_CHILD="+how, "WIPED_TEST_PATH="+path, "GORACE=atexit_sleep_ms=0"), more...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(path)
	if err != nil {
		t.Fatalf("Open(%s) = %v; want no error", path, err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// reopened closes a journal and opens it again: what is read then was on disk.
func reopened(t testing.TB, j *Journal, path string) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close() = %v; want no error", err)
	}
	return open(t, path)
}

func someJob(name string) *Job {
	return &Job{
		Submitted: At(noon), Verify: "full", Confirmed: "S-" + name, Note: "bay 4", Station: "wipe-07", Software: "wiped 1 (abc)",
		Drive: Drive{Name: name, Path: "/dev/" + name, Serial: "S-" + name, SerialSource: "VPD page 80h", WWN: "0x5000c500a1b2c3d4",
			Model: "ST\u00e9\U0001f4be", SizeBytes: 1 << 40, LogicalSector: 512, PhysicalSector: 4096, Transport: "sata", DiskSeq: 9, Boot: "b"},
		Method: Method{Name: "zero", Title: "zeros", Level: "clear", Claim: "NIST",
			Passes: []Pass{{"zeros", json.RawMessage(`{"kind":"fill","byte":0}`)}}},
		Operator: Operator{"alice", "SHA256:abc", "10.0.0.1:5"},
	}
}

func someEvent(job, seq uint64, state string) Event {
	speed := int64(231_400_000)
	return Event{Seq: seq, Time: At(noon.Add(time.Duration(seq) * time.Second)), Job: job, Drive: "sdb", Serial: "S-sdb", State: state,
		Pass: 1, Passes: 2, Action: "write zeros", DoneBytes: 7, TotalBytes: 9, BytesPerSecond: &speed}
}

func lastEvent(job, seq uint64, result string) Event {
	e := someEvent(job, seq, result)
	e.Outcome = &Outcome{result, "clear", "full", ""}
	return e
}

func someRun() PassRun {
	return PassRun{Title: "zeros", Started: At(noon), Ended: At(noon.Add(time.Hour)), BytesWritten: 1 << 40, BadBytes: 512,
		Bad: []Range{{4096, 512}}, Complete: true}
}

func someEnd(at time.Time, result string) End {
	return End{Started: At(noon), Ended: At(at), Result: result, Passes: []PassRun{someRun()}, Evidence: []string{"read it all"}, Interrupted: 2,
		Verification: Verification{Scope: "full", Result: "passed", BytesRead: 1 << 40, Started: At(noon), Mismatches: []Range{}}, CachesPassed: true}
}

func submit(t testing.TB, j *Journal, names ...string) (jobs []*Job) {
	t.Helper()
	for _, n := range names {
		jobs = append(jobs, someJob(n))
	}
	if err := j.Submit(jobs...); err != nil {
		t.Fatalf("Submit(%v) = %v; want no error", names, err)
	}
	return jobs
}

func ids(records []Record) (list []uint64) {
	for _, r := range records {
		list = append(list, r.Job.ID)
	}
	return list
}
