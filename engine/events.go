package engine

import (
	"slices"
	"sort"
	"sync"

	"wiped/engine/journal"
)

// Update is an event on its way to those who watch.
type Update struct {
	journal.Event
	Milestone bool   // a change of state, a new pass, another tenth of the whole, a new error, the end
	Missed    uint64 // how many updates of this job between the one asked for and this one are no longer held
	keep      bool   // a change of state: kept for ever
}

// heldProgress is how many progress updates of a job are held for those who are late.
const heldProgress = 256

// seqStep separates the sequence numbers of two runs of the program. Progress is not in the journal, so that numbers may
// have been given out that nothing tells of: after a restart they go on at a multiple that leaves room for at least a
// whole step of them, 11 days of one update a second without any record.
const seqStep = 1_000_000

// history is what happened to one job: every change of state, and the newest progress. Those who watch come and take
// what they have not seen; nobody is waited for, so nobody can hold up a job.
type history struct {
	mu      sync.Mutex
	updates []Update
	loose   int    // how many of them are not kept for ever
	base    uint64 // numbers above it were given out in this run of the program, without gaps
	seq     uint64 // the newest number given out
}

// restore makes the history of a job from its record.
func restore(r journal.Record) *history {
	h := &history{}
	for _, e := range r.Changes {
		h.updates = append(h.updates, Update{Event: e, Milestone: true, keep: true})
		h.seq = e.Seq
	}
	if r.Checkpoint != nil {
		h.seq = max(h.seq, r.Checkpoint.Seq)
	}
	if h.seq > 0 {
		h.seq = ((h.seq+seqStep)/seqStep + 1) * seqStep
	}
	h.base = h.seq
	return h
}

// next gives out the sequence number for an update that is about to be added.
func (h *history) next() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	return h.seq
}

// undo takes a number back that nothing was told under. If another was given out meanwhile, a gap stays.
func (h *history) undo(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seq == seq {
		h.seq--
	}
}

// given is the newest sequence number given out.
func (h *history) given() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seq
}

func (h *history) add(u Update) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.updates = append(h.updates, u)
	if u.keep {
		return
	}
	if h.loose++; h.loose > heldProgress {
		oldest := slices.IndexFunc(h.updates, func(u Update) bool { return !u.keep })
		h.updates = slices.Delete(h.updates, oldest, oldest+1)
		h.loose--
	}
}

// after returns what is held of what came after sequence number seq, oldest first, and whether the job is at rest:
// nothing more will come of itself.
func (h *history) after(seq uint64) (news []Update, rest bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := sort.Search(len(h.updates), func(i int) bool { return h.updates[i].Seq > seq })
	before := max(seq, h.base)
	for _, u := range h.updates[from:] {
		if u.Seq > before {
			u.Missed = u.Seq - before - 1
			before = u.Seq
		}
		news = append(news, u)
	}
	return news, len(h.updates) > 0 && h.updates[len(h.updates)-1].Outcome != nil
}

// last is the newest update; ok is false before the first.
func (h *history) last() (u Update, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.updates) == 0 {
		return u, false
	}
	return h.updates[len(h.updates)-1], true
}
