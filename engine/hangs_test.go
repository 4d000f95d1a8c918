package engine

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wiped/engine/drive/drivetest"
)

// hangs are the places at which a request does not come back.
var hangs = []struct {
	name, method, verify string
	fault                drivetest.Fault
}{
	{"the first write", "zero", "full", drivetest.Fault{Kind: drivetest.Hang, At: 0, Length: 512, Times: 1}},
	{"one write in the middle", "random", "full", drivetest.Fault{Kind: drivetest.Hang, At: 9 << 20, Length: 512, Times: 1}},
	{"every write from the middle on", "random", "full", drivetest.Fault{Kind: drivetest.Hang, After: 9 << 20}},
	{"the last write", "zero", "full", drivetest.Fault{Kind: drivetest.Hang, At: sickSize - 512, Length: 512, Times: 1}},
	{"the flush", "zero", "full", drivetest.Fault{Kind: drivetest.HangFlush, Times: 1}},
	{"every flush", "dod-3", "full", drivetest.Fault{Kind: drivetest.HangFlush}},
	{"a read", "zero", "full", drivetest.Fault{Kind: drivetest.Hang, At: 9 << 20, Length: 512, After: sickSize, Times: 1}},
	{"every read", "random", "sample", drivetest.Fault{Kind: drivetest.Hang, After: sickSize}},
}

const sickSize = 16<<20 + 5*drivetest.Sector

// TestHangs: the end is on record although a request is out, the turn goes on, the drive stays busy until the request
// comes back, and what comes back late changes nothing.
func TestHangs(t *testing.T) {
	for _, c := range hangs {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sick, next := drivetest.New("sick", sickSize, []byte("OLD "), c.fault), drivetest.New("next", sickSize, []byte("OLD "))
				w := ward(t, func(c *Config) { c.Parallel = 1 }, sick, next)
				ids := w.erase(c.method, c.verify, "sick", "next")
				began := time.Now()
				w.await(ids[0], time.Hour)
				if took := time.Since(began); took < 4*time.Minute || took > 12*time.Minute {
					t.Errorf("set aside after %v", took)
				}
				if sick.Hanging() == 0 {
					t.Fatal("nothing hung")
				}
				w.told(ids[0], "a request to it has been out for ")
				before, certificate, _, _ := w.Certificate(ids[0])
				seq := w.stream(ids[0])[len(w.stream(ids[0]))-1].Seq

				if v := w.await(ids[1], time.Hour); v.State != Erased {
					t.Errorf("the next job is %s: %s", v.State, v.Last.Reason)
				}
				w.busy("sick", ids[0])
				sick.Release()
				time.Sleep(time.Hour)
				again, same, _, _ := w.Certificate(ids[0])
				if !bytes.Equal(certificate, same) || before.Result != again.Result {
					t.Error("what came back late changed the certificate")
				}
				if events := w.stream(ids[0]); events[len(events)-1].Seq != seq {
					t.Error("what came back late was told of")
				}
				if d, _ := w.Drive("sick"); d.State != "ready" {
					t.Errorf("after it came back the drive is %s: %s", d.State, d.Reason)
				}
				w.erase("zero", "full", "sick")
			})
		})
	}
}

// busy fails the test unless the drive is shown as busy, is refused, and nothing else is held up.
func (w *workshop) busy(name string, id uint64) {
	w.t.Helper()
	all, err := w.Drives()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range all {
		if (d.Name == name) != (d.State == "in use") {
			w.t.Errorf("%s is %s: %s", d.Name, d.State, d.Reason)
		}
		if d.Name == name && !strings.Contains(d.Reason, fmt.Sprintf("busy: a request of job %d has not returned", id)) {
			w.t.Errorf("%s: %s", d.Name, d.Reason)
		}
	}
	_, err = w.Erase(Request{Drives: []string{name}, Method: "zero", Verify: "full", Confirm: []string{"FAKE-" + name}})
	if err == nil || !strings.Contains(err.Error(), "has not returned") {
		w.t.Errorf("Erase of it: %v", err)
	}
	if _, err := w.Jobs(time.Now().Add(-time.Hour)); err != nil {
		w.t.Error(err)
	}
}

// TestStalledStatusLines: a drive that hangs is not silent: a line a second, with how long it is.
func TestStalledStatusLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := drivetest.New("sick", sickSize, []byte("OLD "), drivetest.Fault{Kind: drivetest.Hang, After: 9 << 20})
		w := ward(t, nil, f)
		id := w.erase("zero", "full", "sick")[0]
		time.Sleep(61 * time.Second)
		lines, milestones := 0, 0
		for _, u := range w.stream(id) {
			if _, long, ok := strings.Cut(u.Action, ", no answer for "); ok {
				lines++
				if d, err := time.ParseDuration(long); err != nil || d < hush || u.BytesPerSecond == nil || *u.BytesPerSecond != 0 || u.ETASeconds != nil {
					t.Errorf("%q at %v bytes a second, eta %v", u.Action, u.BytesPerSecond, u.ETASeconds)
				}
				if u.Milestone {
					milestones++
				}
			}
		}
		if lines < 55 || lines > 60 || milestones != 1 {
			t.Errorf("%d lines in a minute say that nothing comes back, %d of them as news", lines, milestones)
		}
		f.Release()
	})
}

// TestHangsAndIsToldToStop: neither a cancel nor the end of the program waits for a request for ever.
func TestHangsAndIsToldToStop(t *testing.T) {
	for name, c := range map[string]struct {
		stop func(*workshop, uint64)
		want State
	}{
		"cancel":   {func(w *workshop, id uint64) { _, _ = w.Cancel([]uint64{id}, time.Hour) }, Cancelled},
		"shutdown": {func(w *workshop, _ uint64) { w.shutdown() }, Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := drivetest.New("sick", sickSize, []byte("OLD "), drivetest.Fault{Kind: drivetest.Hang, After: 9 << 20})
				w := ward(t, nil, f)
				id := w.erase("zero", "full", "sick")[0]
				time.Sleep(10 * time.Second)
				began := time.Now()
				c.stop(w, id)
				if took := time.Since(began); took < 45*time.Second || took > time.Minute {
					t.Errorf("it took %v", took)
				}
				v, err := w.Job(id)
				if err != nil || v.State != c.want {
					t.Errorf("the job is %s: %s, %v", v.State, v.Last.Reason, err)
				}
				if r := w.record(id); r.Checkpoint != nil && r.Checkpoint.Offset > f.Written() {
					t.Errorf("the checkpoint claims %d bytes, and %d were written", r.Checkpoint.Offset, f.Written())
				}
				f.Release()
				time.Sleep(time.Minute)
				if v, _ := w.Job(id); v.State != c.want {
					t.Errorf("what came back late made the job %s", v.State)
				}
			})
		})
	}
}

// TestNothingIsAskedOfAGivenUpDrive: once it is given up, no request is begun.
func TestNothingIsAskedOfAGivenUpDrive(t *testing.T) {
	w := open(t, "", nil, drivetest.New("f0", fakeSize, []byte("OLD ")))
	j := w.newJob(w.record(w.erase("zero", "none", "f0")[0]))
	j.giveUp()
	j.giveUp()
	if err := j.ask(&request{}, func() error { t.Error("asked"); return nil }); !errors.Is(err, errGivenUp) {
		t.Error(err)
	}
}

// TestSpeakHangs: the end of the program, or a cancel, does not wait for a drive with which no conversation comes about.
func TestSpeakHangs(t *testing.T) {
	for _, stop := range []string{"shutdown", "cancel"} {
		f := itself("f0", []byte("SECRET"), drivetest.Honest)
		w := open(t, "", nil, f)
		release := f.HoldFirmware()
		id := w.erase(string(followed), "sample", "f0")[0]
		eventually(t, "the job speaks to its drive", func() bool { v, _ := w.Job(id); return v.Last.Action == string(followed)+" by the drive" })
		if stop == "shutdown" {
			w.shutdown()
		} else if _, err := w.Cancel([]uint64{id}, patience); err != nil {
			t.Error(err)
		}
		v, _ := w.Job(id)
		if want := map[string]State{"shutdown": Interrupted, "cancel": Cancelled}[stop]; v.State != want || len(f.Commands()) > 0 {
			t.Errorf("after %s: %s: %s, commands %v", stop, v.State, v.Last.Reason, f.Commands())
		}
		release()
	}
}
