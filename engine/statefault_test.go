package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
	"wiped/engine/journal"
)

// state is the file of a workshop's journal, made to fail as its file system would: by putting another file under the
// journal's own descriptor, so that the kernel itself refuses each write.
type state struct {
	t     *testing.T
	fd    int
	saved int
	bad   int
}

// breaks are the ways in which STATE fails: what takes the journal's place.
var breaks = map[string]func(file string) (*os.File, error){
	"full":      func(string) (*os.File, error) { return os.OpenFile("/dev/full", os.O_RDWR, 0) }, // ENOSPC
	"read-only": func(file string) (*os.File, error) { return os.Open(file) },                     // EBADF, where EROFS would be
}

func stateOf(t *testing.T, w *workshop, kind string) *state {
	t.Helper()
	s := &state{t: t, fd: -1}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); to == w.file {
			_, _ = fmt.Sscan(fd.Name(), &s.fd)
		}
	}
	bad, err := breaks[kind](w.file)
	if err != nil || s.fd < 0 {
		t.Fatalf("descriptor %d of %s, %v", s.fd, w.file, err)
	}
	t.Cleanup(func() { _ = bad.Close() })
	s.bad = int(bad.Fd())
	if s.saved, err = unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(s.saved) })
	return s
}

func (s *state) put(fd int) {
	if err := unix.Dup3(fd, s.fd, unix.O_CLOEXEC); err != nil {
		s.t.Error(err)
	}
}

func (s *state) fail()    { s.put(s.bad) }
func (s *state) recover() { s.put(s.saved) }

// TestStateFails: at whatever moment STATE takes nothing any more, and however long, nothing is said that is not on disk,
// and when there is room again the job, its record and its certificate agree.
func TestStateFails(t *testing.T) {
	for kind := range breaks {
		t.Run(kind+", before the job", func(t *testing.T) {
			f := drivetest.New("f0", fakeSize, []byte("OLD "))
			w := open(t, "", nil, f)
			s := stateOf(t, w, kind)
			s.fail()
			req := Request{Drives: []string{"f0"}, Method: "zero", Verify: "full", Confirm: []string{"FAKE-f0"}}
			if views, err := w.Erase(req); err == nil || f.Written() != 0 {
				t.Errorf("Erase = %v, nil, and %d bytes were written: a job that is not on disk", views, f.Written())
			}
			s.recover()
			if d, _ := w.Drive("f0"); d.State != "ready" {
				t.Errorf("the drive is %s", d.State)
			}
			w.proper(w.erase("zero", "full", "f0")[0], f)
		})
		t.Run(kind+", before its start", func(t *testing.T) {
			f := drivetest.New("f0", fakeSize, []byte("OLD "))
			h := &hooked{Source: f}
			w := open(t, "", func(c *Config) { c.Sources = append(c.Sources, h) })
			s := stateOf(t, w, kind)
			h.hook(3, s.fail) // it is planned, claimed, and looked at once more when its turn has come
			id := w.erase("zero", "full", "f0")[0]
			eventually(t, "the end cannot be recorded", func() bool {
				v, _ := w.Job(id)
				return strings.Contains(v.Last.Action, "the end cannot be recorded")
			})
			s.recover()
			if v := w.end(id); v.State != Failed || f.Written() != 0 || !strings.Contains(string(v.Last.Reason), "not begun, nothing was written") {
				t.Errorf("it is %s: %s, and %d bytes were written", v.State, v.Last.Reason, f.Written())
			}
			w.proper(id, f)
			w.growing(id)
		})
		for n := range 7 { // each write of three passes and of the reading back, as far as drives tell them apart
			after := int64(n) * fakeSize / 2
			t.Run(fmt.Sprintf("%s, after %d bytes", kind, after), func(t *testing.T) {
				f := drivetest.New("f0", fakeSize, []byte("OLD "))
				held := f.HoldAfter(after)
				w := open(t, "", nil, f)
				s := stateOf(t, w, kind)
				id := w.erase("dod-3", "full", "f0")[0]
				<-held
				s.fail()
				f.Release()
				eventually(t, "the end cannot be recorded", func() bool {
					v, _ := w.Job(id)
					return strings.Contains(v.Last.Action, "the end cannot be recorded")
				})
				if v, _ := w.Job(id); v.State.End() || w.record(id).End != nil {
					t.Errorf("it is called %s, and that is not on disk", v.State)
				}
				if _, _, _, err := w.Certificate(id); err == nil {
					t.Error("a certificate of an end that is not on disk")
				}
				seq := w.stream(id)[len(w.stream(id))-1].Seq
				s.recover()
				v := w.end(id)
				if v.State != Erased || v.Last.Seq <= seq {
					t.Errorf("it is %s: %s, event %d after %d", v.State, v.Last.Reason, v.Last.Seq, seq)
				}
				w.proper(id, f)
				w.growing(id)
			})
		}
	}
}

// keep puts an end of a job on record as a try of its own does whose last sync fails: who tries is told of an error, and every later
// transaction sees it. seq is its last event's.
func (w *workshop) keep(id, seq uint64, result State) {
	w.t.Helper()
	now := journal.At(time.Now())
	err := w.cfg.Journal.End(id, journal.End{Started: now, Ended: now, Result: string(result), Verification: journal.Verification{Scope: "full", Result: "not done"}},
		journal.Event{Seq: seq, Time: now, Job: id, State: string(result), Outcome: &journal.Outcome{Result: string(result), Reason: "the try whose error was a lie"}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestEndKeptThoughRefused: an end that is on record although keeping it failed is the job's: whoever watches hears of it once, under
// a number that was not used, and the record and the certificate say the same.
func TestEndKeptThoughRefused(t *testing.T) {
	for what, seq := range map[string]func(told uint64) uint64{
		"a number that was told meanwhile": func(told uint64) uint64 { return told },
		"the next number":                  func(told uint64) uint64 { return told + 1 },
		"a number far ahead":               func(uint64) uint64 { return 1 << 40 },
	} {
		t.Run(what, func(t *testing.T) {
			f := drivetest.New("f0", fakeSize, []byte("OLD "))
			held := f.HoldAfter(fakeSize / 2)
			w := open(t, "", nil, f)
			id := w.erase("zero", "full", "f0")[0]
			<-held
			stream := w.stream(id)
			told := stream[len(stream)-1].Seq
			w.keep(id, seq(told), Failed)
			f.Release()
			v := w.end(id)
			if v.State != Failed || !strings.Contains(string(v.Last.Reason), "a lie") || v.Last.Seq <= told {
				t.Errorf("it is %s: %s, event %d after %d", v.State, v.Last.Reason, v.Last.Seq, told)
			}
			w.proper(id, f)
			w.growing(id)
			r := w.record(id)
			if last := r.Changes[len(r.Changes)-1]; last.Seq != v.Last.Seq || !r.End.Ended.Equal(v.Last.Time.Time) {
				t.Errorf("event %d, and on record is %d; ended %s and %s", v.Last.Seq, last.Seq, v.Last.Time, r.End.Ended)
			}
			if list, err := w.Jobs(r.End.Ended.Time); len(list) != 1 || err != nil {
				t.Errorf("%d jobs ended at %s, %v; want 1", len(list), r.End.Ended, err)
			}
			if d, _ := w.Drive("f0"); d.State != "ready" {
				t.Errorf("the drive is %s", d.State)
			}
			w.shutdown()
			_ = w.cfg.Journal.Close()
			if w = open(t, w.file, nil, f); w.end(id).State != Failed {
				t.Errorf("after a restart it is %s", w.end(id).State)
			}
		})
	}
}

// TestCancelKeptThoughRefused: the same for an interrupted job that is cancelled: the second try says what became of it.
func TestCancelKeptThoughRefused(t *testing.T) {
	f := drivetest.New("f0", fakeSize, []byte("OLD "))
	held := f.HoldAfter(fakeSize / 2)
	w := open(t, "", nil, f)
	id := w.erase("zero", "full", "f0")[0]
	<-held
	w.mustJob(id).halt(errInterrupted)
	f.Release()
	w.keep(id, w.end(id).Last.Seq+1, Cancelled)
	if views, err := w.Cancel([]uint64{id}, patience); err != nil || len(views) != 1 || views[0].State != Cancelled {
		t.Errorf("Cancel = %v, %v; want the end that is on record", views, err)
	}
	if v := w.end(id); v.State != Cancelled {
		t.Errorf("it is %s", v.State)
	}
	w.proper(id, f)
	w.growing(id)
}

// hooked is a source that does something besides at the look of a certain number.
type hooked struct {
	drive.Source
	mu    sync.Mutex
	looks int
	at    int
	do    func()
}

func (h *hooked) hook(at int, do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looks, h.at, h.do = 0, at, do
}

func (h *hooked) Find() ([]drive.Drive, error) {
	h.mu.Lock()
	if h.looks++; h.looks == h.at {
		h.do()
	}
	h.mu.Unlock()
	return h.Source.Find()
}

// growing fails the test unless the numbers of a job's events grow, and their times do not go back.
func (w *workshop) growing(id uint64) {
	w.t.Helper()
	var before Update
	for _, u := range w.stream(id) {
		if u.Seq <= before.Seq || u.Time.Before(before.Time.Time) {
			w.t.Errorf("event %d of %s after event %d of %s", u.Seq, u.Time, before.Seq, before.Time)
		}
		before = u
	}
}

// TestClockJumps: a clock that jumps by years, forth and back, at every look makes no event older than the one before,
// no duration other than what has passed, and no certificate that contradicts itself, also over a restart.
func TestClockJumps(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, jump := range []time.Duration{50 * year, -50 * year, 90 * time.Minute, -90 * time.Minute} {
		t.Run(jump.String(), func(t *testing.T) {
			var random atomic.Uint64
			clock := func(c *Config) {
				c.Now = func() time.Time {
					if rand.New(rand.NewPCG(random.Add(1), 1)).IntN(2) == 0 {
						return time.Now()
					}
					return time.Now().Add(jump)
				}
			}
			began := time.Now()
			for range 6 {
				f := drivetest.New("f0", fakeSize, []byte("OLD "))
				held := f.HoldAfter(fakeSize + 4096)
				w := open(t, "", clock, f)
				id := w.erase("dod-3", "full", "f0")[0]
				<-held
				w.mustJob(id).halt(errInterrupted)
				f.Release()
				if v := w.end(id); v.State != Interrupted {
					t.Fatalf("it is %s", v.State)
				}
				w.growing(id)
				w.shutdown()
				_ = w.cfg.Journal.Close()

				w = open(t, w.file, clock, f)
				if _, err := w.Resume([]uint64{id}, nil); err != nil {
					t.Fatal(err)
				}
				if v := w.end(id); v.State != Erased {
					t.Fatalf("it is %s: %s", v.State, v.Last.Reason)
				}
				w.proper(id, f)
				w.growing(id)
				s, _, _, _ := w.Certificate(id)
				for _, p := range s.Passes {
					if d := p.Run.Ended.Sub(p.Run.Started.Time); d < 0 || d > time.Since(began) {
						t.Errorf("pass %s took %v", p.Title, d)
					}
				}
				if v := s.Verification; v.Ended.Sub(v.Started.Time) > time.Since(began) || v.Ended.Before(v.Started.Time) {
					t.Errorf("verification took %v", v.Ended.Sub(v.Started.Time))
				}
				w.shutdown()
			}
		})
	}
}

// TestClockJumpsWithinARun: within one run of the program every duration is what has passed, whatever the clock said.
func TestClockJumpsWithinARun(t *testing.T) {
	began, looks := time.Now(), atomic.Int64{}
	f := drivetest.New("f0", fakeSize, []byte("OLD "))
	w := open(t, "", func(c *Config) {
		c.Now = func() time.Time { return began.Add(time.Duration(looks.Add(1)%3-1) * 10000 * time.Hour) }
	}, f)
	for range 6 {
		id := w.erase("dod-3", "full", "f0")[0]
		w.proper(id, f)
		w.growing(id)
		s, _, _, _ := w.Certificate(id)
		if spent := time.Since(began).Seconds(); s.Seconds <= 0 || s.Seconds > spent {
			t.Errorf("it says it took %v s, and all of this took %v s", s.Seconds, spent)
		}
	}
	if looks.Load() < 6 {
		t.Error("the clock was not looked at")
	}
}
