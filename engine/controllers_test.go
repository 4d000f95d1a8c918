package engine

import (
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// TestOneOfAController: of drives that share a controller one at a time erases itself, and meanwhile nothing is asked of it.
func TestOneOfAController(t *testing.T) {
	fakes := []*drivetest.Fake{itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("SECRET"), drivetest.Honest)}
	var releases []func()
	for _, f := range fakes {
		f.Set(func(i *drive.Info) { i.Controller = "nvme one" })
		releases = append(releases, f.HoldErase())
	}
	told := func() int { return len(fakes[0].Commands()) + len(fakes[1].Commands()) }
	s := &spy{}
	w := open(t, "", func(c *Config) { c.Health = s }, fakes...)
	ids := w.erase(string(blocking), "sample", "a", "b")
	eventually(t, "one is told", func() bool { return told() == 1 })
	first := 0
	if len(fakes[1].Commands()) == 1 {
		first = 1
	}
	releases[first]()
	w.end(ids[first])
	if s.mu.Lock(); len(s.asked) > 0 && told() == 2 {
		t.Errorf("%v: asked for its health, while the same controller is at a Format", s.asked)
	}
	s.mu.Unlock()
	eventually(t, "the other one is told", func() bool { return told() == 2 })
	releases[1-first]()
	for _, id := range ids {
		if v := w.end(id); v.State != Erased {
			t.Errorf("job %d is %s: %s", id, v.State, v.Last.Reason)
		}
	}
}

// TestHaltedBeforeItsController: a job that waits for its controller was told nothing yet: it can be cancelled, and is
// interrupted by the end of the program, not failed.
func TestHaltedBeforeItsController(t *testing.T) {
	for _, cancel := range []bool{true, false} {
		a, b := itself("a", []byte("SECRET"), drivetest.Endless), itself("b", []byte("SECRET"), drivetest.Honest)
		for _, f := range []*drivetest.Fake{a, b} {
			f.Set(func(i *drive.Info) { i.Controller = "nvme one" })
		}
		w := open(t, "", nil, a, b)
		a.SelfErasing(drivetest.Endless, drive.Ability{Action: followed})
		b.SelfErasing(drivetest.Endless, drive.Ability{Action: followed})
		ids := w.erase(string(followed), "sample", "a", "b")
		eventually(t, "one is told, and the other waits for the controller", func() bool {
			one, _ := w.Job(ids[0])
			other, _ := w.Job(ids[1])
			at := string(followed) + " by the drive"
			return len(a.Commands())+len(b.Commands()) == 1 && one.Last.Action == at && other.Last.Action == at
		})
		two, waits, want := ids[1], b, Interrupted
		if len(b.Commands()) == 1 {
			two, waits = ids[0], a
		}
		if cancel {
			want = Cancelled
			if _, err := w.Cancel([]uint64{two}, patience); err != nil {
				t.Error(err)
			}
		} else {
			w.shutdown()
		}
		if v := w.end(two); v.State != want || len(waits.Commands()) > 0 {
			t.Errorf("%s: %s; want %s", v.State, v.Last.Reason, want)
		}
	}
}
