package health

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wiped/engine/drive"
)

// station is a cache over drives that take a while to answer.
type station struct {
	*Cache
	asked   atomic.Int32
	now     atomic.Int32 // being asked
	most    atomic.Int32
	takes   time.Duration
	problem error
}

func newStation(t *testing.T, takes time.Duration) *station {
	s := &station{Cache: NewCache(t.Context()), takes: takes}
	s.read = func(_ context.Context, path string) (drive.Health, error) {
		s.asked.Add(1)
		s.most.Store(max(s.most.Load(), s.now.Add(1)))
		defer s.now.Add(-1)
		time.Sleep(s.takes)
		return drive.Health{Word: good, Source: path}, s.problem
	}
	return s
}

func TestCacheKeepsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, time.Second)
		a := Key{"/dev/a", 1}
		for _, step := range []struct {
			what     string
			key      Key
			patience time.Duration
			want     string
			asked    int32
		}{
			{"the first look, without patience", a, 0, "unknown", 1},
			{"a second one meanwhile", a, 500 * time.Millisecond, "unknown", 1},
			{"one with patience", a, 2 * time.Second, "good", 1},
			{"one soon after", a, 0, "good", 1},
			{"another drive under the same path", Key{"/dev/a", 2}, 0, "unknown", 2},
			{"the first drive again", a, 5 * time.Second, "good", 3},
		} {
			before := time.Now()
			h := s.Get(step.key, step.patience)
			if took := time.Since(before); h.Word != step.want || s.asked.Load() > step.asked || took > step.patience {
				t.Errorf("%s: %s after %s, asked %d times; want %s within %s, asked %d times",
					step.what, text(h), took, s.asked.Load(), step.want, step.patience, step.asked)
			}
			synctest.Wait()
		}
		time.Sleep(Age)
		if h := s.Get(a, 0); h.Word != good {
			t.Errorf("an old answer without patience: %s; want what was known last", text(h))
		}
		synctest.Wait()
		if n := s.asked.Load(); n != 4 {
			t.Errorf("asked %d times; want a fourth time after %s", n, Age)
		}
		time.Sleep(s.takes)
	})
}

// TestCacheAsksOnce lets many look at many drives at once: each drive is asked once, and only a few at a time.
func TestCacheAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, time.Second)
		for range 5 {
			for d := range uint64(40) {
				go s.Get(Key{"/dev/" + string(rune('A'+d)), d}, time.Minute)
			}
		}
		time.Sleep(time.Minute)
		if s.asked.Load() != 40 || s.most.Load() != together {
			t.Errorf("%d questions, %d at once; want 40, %d at once", s.asked.Load(), s.most.Load(), together)
		}
	})
}

func TestCachePut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := newStation(t, time.Second), Key{"/dev/a", 1}
		s.Get(a, 0)
		time.Sleep(s.takes / 2)
		s.Put(a, drive.Health{Word: worn}) // by who asked later than the question that is under way
		time.Sleep(s.takes)
		if h := s.Get(a, time.Hour); h.Word != worn || s.asked.Load() != 1 {
			t.Errorf("Get after Put = %s, asked %d times; want what was put", text(h), s.asked.Load())
		}
	})
}

func TestCacheOfADriveThatCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, time.Second)
		s.problem = errors.New("bad\x1bthing")
		if h := s.Get(Key{"/dev/a", 1}, time.Minute); h.Word != "unknown" || h.Reasons[0] != `bad\x1bthing` {
			t.Errorf("Get = %s; want unknown with the reason", text(h))
		}
	})
}

// TestCacheEnds asks nobody any more when the program ends.
func TestCacheEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := NewCache(ctx)
	c.read = func(context.Context, string) (drive.Health, error) { t.Error("asked"); return drive.Health{}, nil }
	cancel()
	if h := c.Get(Key{"/dev/a", 1}, time.Hour); h.Word != "unknown" {
		t.Errorf("Get after the end = %s; want unknown", text(h))
	}
}
