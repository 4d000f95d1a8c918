package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"wiped/engine/journal"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func progressAt(seq uint64) Update { return Update{Event: journal.Event{Seq: seq, State: "running"}} }

func changeAt(seq uint64) Update {
	return Update{Event: journal.Event{Seq: seq, State: "running"}, Milestone: true, keep: true}
}

// TestHistoryProperty follows a job with many watchers who come and go as chance has it, over restarts of the program. Each of
// them sees rising numbers, every change of state, and is told of exactly as many lost updates as it did not get.
func TestHistoryProperty(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		h := restore(journal.Record{})
		var kept []uint64
		type watcher struct{ since, from, got, missed uint64 }
		watchers := []*watcher{{}}
		look := func(w *watcher) {
			news, _ := h.after(w.since)
			for _, u := range news {
				if u.Seq <= w.since {
					t.Fatalf("seed %d: %d comes after %d", seed, u.Seq, w.since)
				}
				w.since, w.got, w.missed = u.Seq, w.got+1, w.missed+u.Missed
			}
		}
		for range 3000 {
			switch n := random.IntN(100); {
			case n < 3:
				u := changeAt(h.next())
				kept = append(kept, u.Seq)
				h.add(u)
			case n < 90:
				h.add(progressAt(h.next()))
			case n < 91 && len(watchers) < 20:
				watchers = append(watchers, &watcher{since: h.given(), from: h.given()})
			default:
				look(watchers[random.IntN(len(watchers))])
			}
			if len(h.updates) > heldProgress+len(kept) {
				t.Fatalf("seed %d: %d updates are held, of which %d are changes", seed, len(h.updates), len(kept))
			}
		}
		for _, w := range watchers {
			look(w)
			if w.got+w.missed != h.given()-w.from {
				t.Errorf("seed %d: a watcher from %d on got %d and was told of %d missed, of %d", seed, w.from, w.got, w.missed, h.given()-w.from)
			}
			news, _ := h.after(w.from)
			held := map[uint64]bool{}
			for _, u := range news {
				held[u.Seq] = true
			}
			for _, seq := range kept {
				if seq > w.from && !held[seq] {
					t.Errorf("seed %d: the change of state %d is lost", seed, seq)
				}
			}
		}
	}
}

// TestRestoreNumbers: after a restart no number comes again that may have been handed out before it, and a watcher who
// asks by its last number misses no change of state.
func TestRestoreNumbers(t *testing.T) {
	for _, c := range []struct {
		recorded   uint64 // the newest number on disk
		unrecorded uint64 // progress handed out since, never on disk: at one a second, verification of a big drive takes a day
	}{
		{1, 0}, {1, 5}, {17, 100_000}, {999_000, 100}, {999_998, 5}, {999_999, 1}, {1_000_000, 3}, {1_000_001, 0},
		{950_000, 86_400}, {3_999_999, 86_400},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			for name, r := range map[string]journal.Record{
				"change":     {Changes: []journal.Event{{Seq: c.recorded}}},
				"checkpoint": {Changes: []journal.Event{{Seq: 1}}, Checkpoint: &journal.Checkpoint{Seq: c.recorded}},
			} {
				h := restore(r)
				next := h.next()
				if last := c.recorded + c.unrecorded; next <= last {
					t.Errorf("%s: %d is handed out after %d: who asks --since %d never sees it", name, next, last, last)
				}
				h.add(changeAt(next))
				news, _ := h.after(c.recorded + c.unrecorded)
				if len(news) != 1 || news[0].Missed != 0 {
					t.Errorf("%s: after(%d) = %+v; want the change, nothing missed", name, c.recorded+c.unrecorded, news)
				}
			}
		})
	}
}

func TestHistoryRest(t *testing.T) {
	h := restore(journal.Record{})
	if _, rest := h.after(0); rest {
		t.Error("a job that has not begun is at rest")
	}
	u := changeAt(h.next())
	h.add(u)
	if _, rest := h.after(0); rest {
		t.Error("a running job is at rest")
	}
	u = changeAt(h.next())
	u.Outcome = &journal.Outcome{Result: "interrupted"}
	h.add(u)
	if news, rest := h.after(1); !rest || len(news) != 1 {
		t.Error("an interrupted job is not at rest")
	}
}
