package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wiped/engine/drive/drivetest"
	"wiped/engine/wipe"

	"golang.org/x/sys/unix"
)

// These tests run in a bubble of testing/synctest, where minutes pass as soon as all wait: the limits are those of the
// product, and no duration depends on the machine.

// ward is a workshop with the product's own times.
func ward(t *testing.T, change func(*Config), fakes ...*drivetest.Fake) *workshop {
	return open(t, "", func(c *Config) {
		c.Tick, c.CheckpointEvery = time.Second, 10*time.Minute
		if change != nil {
			change(c)
		}
	}, fakes...)
}

func vasts(list ...*drivetest.Vast) func(*Config) {
	return func(c *Config) {
		for _, v := range list {
			c.Sources = append(c.Sources, v)
		}
	}
}

// await returns when the job is over, or after so much of the bubble's time.
func (w *workshop) await(id uint64, most time.Duration) View {
	w.t.Helper()
	for range most / time.Second {
		v, err := w.Job(id)
		if err != nil {
			w.t.Fatal(err)
		}
		if v.Last.Outcome != nil {
			return v
		}
		time.Sleep(time.Second)
	}
	v, _ := w.Job(id)
	w.t.Fatalf("job %d is %s after %v", id, v.State, most)
	return v
}

// told fails the test unless the job failed, set aside, in one sentence that says why and what to do, and unless its
// certificate and its record say the same.
func (w *workshop) told(id uint64, want ...string) {
	w.t.Helper()
	v, err := w.Job(id)
	if err != nil {
		w.t.Fatal(err)
	}
	reason := string(v.Last.Reason)
	for _, text := range append(want, "set aside at ", "destroy the drive, or ") {
		if !strings.Contains(reason, text) {
			w.t.Errorf("job %d: %q; want %q in it", id, reason, text)
		}
	}
	if strings.Contains(reason, ". ") || strings.Contains(reason, "\n") {
		w.t.Errorf("job %d: %q is more than a sentence", id, reason)
	}
	s, _, _, err := w.Certificate(id)
	if err != nil {
		w.t.Fatal(err)
	}
	if v.State != Failed || s.Result != "failed" || s.Reason == nil || *s.Reason != reason || !strings.HasPrefix(s.Text(), "NOT ERASED") {
		w.t.Errorf("job %d is %s, and its certificate says %s: %v", id, v.State, s.Result, s.Reason)
	}
	if err := s.Check(); err != nil {
		w.t.Errorf("job %d: %v", id, err)
	}
	w.t.Log(reason)
}

// at is a drive of so many bytes a second, with as many I/Os in flight as there are.
func at(rate float64) func(bool, int64, int64) (time.Duration, error) {
	return func(_ bool, _, n int64) (time.Duration, error) {
		return time.Duration(wipe.DefaultDepth * float64(n) / rate * 1e9), nil
	}
}

// after gives a drive one behaviour until so much of the bubble's time has passed, and then another.
func after(first time.Duration, before, then func(bool, int64, int64) (time.Duration, error)) func(bool, int64, int64) (time.Duration, error) {
	var began atomic.Pointer[time.Time]
	now := time.Now()
	began.CompareAndSwap(nil, &now)
	return func(write bool, off, n int64) (time.Duration, error) {
		if time.Since(*began.Load()) < first {
			return before(write, off, n)
		}
		return then(write, off, n)
	}
}

// TestSlowsToOnePercent: such a drive gives its turn to the next one, and says how far it came.
func TestSlowsToOnePercent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sick, next := drivetest.NewVast("sick", 1e12/512*512), drivetest.NewVast("next", 1<<30)
		sick.Takes = after(20*time.Minute, at(150e6), at(1.5e6))
		next.Takes = at(150e6)
		w := ward(t, func(c *Config) { vasts(sick, next)(c); c.Parallel = 1 })
		ids := w.erase("zero", "none", "sick", "next")
		began := time.Now()
		v := w.await(ids[0], 100*time.Hour)
		if took := time.Since(began); took > time.Hour {
			t.Errorf("set aside after %v", took)
		}
		w.told(ids[0], "slowed down to 1.50 MB/s, and did 150.0 MB/s before", "pass 1 of 1 did not reach ")
		if v.Last.DoneBytes < 100e9 || v.Last.DoneBytes != sick.Written() {
			t.Errorf("%d bytes are called done, %d were written", v.Last.DoneBytes, sick.Written())
		}
		if got := w.await(ids[1], time.Hour); got.State != Unverified {
			t.Errorf("the next one is %s: %s", got.State, got.Last.Reason)
		}
		if d, _ := w.Drive("sick"); d.State != "ready" {
			t.Errorf("the drive is %s: %s", d.State, d.Reason)
		}
		if !slices.ContainsFunc(w.stream(ids[0]), func(u Update) bool { return strings.Contains(u.Action, "write zeros, slow: 1.0% of its best") }) {
			t.Error("no line says that it is slow")
		}
	})
}

// TestSlowsToOnePercentWhileRead: the same of reading back, whatever the writing was.
func TestSlowsToOnePercentWhileRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sick := drivetest.NewVast("sick", 64<<30)
		var reads atomic.Int64
		sick.Takes = func(write bool, off, n int64) (time.Duration, error) {
			switch {
			case write:
				return at(2e9)(write, off, n)
			case reads.Add(n) < 9<<30: // three minutes
				return at(50e6)(write, off, n)
			}
			return at(0.5e6)(write, off, n)
		}
		w := ward(t, vasts(sick))
		id := w.erase("zero", "full", "sick")[0]
		w.await(id, 1000*time.Hour)
		w.told(id, "slowed down to 0.50 MB/s, and did 50.0 MB/s before", "bytes were not read back")
	})
}

// TestMerelySlow: nothing of this is a sick drive.
func TestMerelySlow(t *testing.T) {
	for name, takes := range map[string]func() func(bool, int64, int64) (time.Duration, error){
		"an old USB stick": func() func(bool, int64, int64) (time.Duration, error) { return at(0.4e6) },
		"a stick with a cache": func() func(bool, int64, int64) (time.Duration, error) {
			return after(3*time.Minute, at(20e6), at(1.2e6))
		},
		"one that rests for two minutes in ten": func() func(bool, int64, int64) (time.Duration, error) {
			began := time.Now()
			return func(_ bool, _, n int64) (time.Duration, error) {
				into := time.Since(began) % (10 * time.Minute)
				if into < 2*time.Minute {
					return 2*time.Minute - into, nil
				}
				return time.Duration(wipe.DefaultDepth * float64(n) / 2e6 * 1e9), nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stick := drivetest.NewVast("stick", 8<<30)
				stick.Takes = takes()
				w := ward(t, vasts(stick))
				id := w.erase("zero", "none", "stick")[0]
				if v := w.await(id, 1000*time.Hour); v.State != Unverified {
					t.Errorf("it is %s: %s", v.State, v.Last.Reason)
				}
			})
		})
	}
}

// TestSharedBus: when all slow down, none is set aside; when one of them stays behind, it is.
func TestSharedBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		bus := func(alone bool) func(bool, int64, int64) (time.Duration, error) {
			return func(w bool, off, n int64) (time.Duration, error) {
				switch into := time.Since(began); {
				case into < 20*time.Minute, into > 80*time.Minute && !alone:
					return at(30e6)(w, off, n)
				}
				return at(0.15e6)(w, off, n)
			}
		}
		var drives []*drivetest.Vast
		for i := range 4 {
			v := drivetest.NewVast(fmt.Sprint("d", i), 120<<30)
			v.Takes = bus(i == 3)
			drives = append(drives, v)
		}
		w := ward(t, vasts(drives...))
		ids := w.erase("zero", "none", "d0", "d1", "d2", "d3")
		time.Sleep(79 * time.Minute)
		for _, id := range ids {
			if v, _ := w.Job(id); v.State != Running {
				t.Errorf("an hour at half a percent, all of them: job %d is %s: %s", id, v.State, v.Last.Reason)
			}
		}
		w.await(ids[3], 100*time.Hour)
		w.told(ids[3], "slowed down")
		for _, id := range ids[:3] {
			if v := w.await(id, 100*time.Hour); v.State != Unverified {
				t.Errorf("job %d is %s: %s", id, v.State, v.Last.Reason)
			}
		}
	})
}

// TestDies: from some place on all fails, at once or half a minute each; the drive is set aside after far
// fewer tries than it has sectors, and all that was not written is on record as that.
func TestDies(t *testing.T) {
	for _, c := range []struct {
		name string
		each time.Duration
		most time.Duration
		why  string
	}{
		{"at once", 50 * time.Microsecond, time.Hour, "bytes in a row failed"},
		{"after a while", 100 * time.Millisecond, 12 * time.Hour, ""},
		{"after half a minute each", 30 * time.Second, 2 * time.Hour, "of its requests failed, and took "},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const good = 10 << 30
				var tries atomic.Int64
				f := drivetest.NewVast("sick", 1e12/512*512)
				f.Takes = func(write bool, off, n int64) (time.Duration, error) {
					if off+n > good {
						tries.Add(1)
						return c.each, unix.EIO
					}
					return at(150e6)(write, off, n)
				}
				w := ward(t, vasts(f))
				id := w.erase("zero", "full", "sick")[0]
				began := time.Now()
				w.await(id, 1000*time.Hour)
				if took := time.Since(began); took > c.most {
					t.Errorf("set aside after %v", took)
				}
				w.told(id, c.why, "bytes could not be written", "pass 1 of 1 did not reach ")
				s, _, _, _ := w.Certificate(id)
				run := s.Passes[0].Run
				if run.BytesWritten != good || len(run.Bad) == 0 || run.Bad[0].Offset != good || run.Complete {
					t.Errorf("on record: %d bytes written, bad from %v", run.BytesWritten, run.Bad)
				}
				t.Logf("%d tries in %v", tries.Load(), time.Since(began))
			})
		})
	}
}

// TestDeadToRead: the same of reading back.
func TestDeadToRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := drivetest.NewVast("sick", 64<<30)
		f.Takes = func(write bool, off, n int64) (time.Duration, error) {
			if !write {
				return 50 * time.Microsecond, unix.EIO
			}
			return at(1e9)(write, off, n)
		}
		w := ward(t, vasts(f))
		id := w.erase("zero", "full", "sick")[0]
		w.await(id, 1000*time.Hour)
		w.told(id, "bytes in a row failed", "bytes could not be read", "bytes were not read back")
	})
}
