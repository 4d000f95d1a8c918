package shell

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"wiped/engine/journal"
)

// How many refusals of one key the audit keeps one by one: so many at once, and another each time this has passed. Anybody with a
// key can have lines refused as fast as he can send them.
const (
	refusalsAtOnce = 30
	refusalsEvery  = time.Minute
	// manyKeys is from how many on keys are forgotten that have no refusal to tell of.
	manyKeys = 1000
)

// refusals are those of one key.
type refusals struct {
	room    *rate.Limiter // for those that are kept
	more    int           // those that were not, since the last that was
	first   time.Time     // when the first of them came
	last    journal.Entry // the last of them
	awaited bool          // a timer will tell of them
}

func newRefusals() *refusals {
	return &refusals{room: rate.NewLimiter(rate.Every(refusalsEvery), refusalsAtOnce)}
}

// add counts e. What it returns is to be kept now, and stands for many; none is if many is 0.
func (r *refusals) add(e journal.Entry, now time.Time) (kept journal.Entry, many int) {
	if r.more++; r.more == 1 {
		r.first = now
	}
	r.last = e
	return r.sum(now)
}

// sum is what is to be kept at now of those that were counted: one entry for all of them.
func (r *refusals) sum(now time.Time) (e journal.Entry, many int) {
	if r.more == 0 || !r.room.AllowN(now, 1) {
		return e, 0
	}
	return r.all()
}

func (r *refusals) all() (e journal.Entry, many int) {
	e, many, r.more = r.last, r.more, 0
	if many > 1 {
		e.Detail = fmt.Sprintf("%d refusals of this key since %s; the last: %s", many, journal.At(r.first), e.Detail)
	}
	return e, many
}

// noteRefusal keeps a refusal, or counts it.
func (sh *Shell) noteRefusal(e journal.Entry) {
	t, now := &sh.trail, time.Now()
	t.mu.Lock()
	r := t.of(e.Fingerprint, now)
	kept, many := r.add(e, now)
	if many == 0 && !r.awaited {
		r.awaited = true
		time.AfterFunc(refusalsEvery+time.Second, func() { sh.tellRefusals(e.Fingerprint, true) })
	}
	t.mu.Unlock()
	if many > 0 {
		sh.note(kept, many)
	}
}

// of are the refusals of a key. The caller holds mu.
func (t *trail) of(key string, now time.Time) *refusals {
	if t.keys == nil {
		t.keys = map[string]*refusals{}
	}
	if r := t.keys[key]; r != nil {
		return r
	}
	if len(t.keys) >= manyKeys {
		for key, r := range t.keys {
			if r.more == 0 && r.room.TokensAt(now) >= refusalsAtOnce {
				delete(t.keys, key)
			}
		}
	}
	t.keys[key] = newRefusals()
	return t.keys[key]
}

// tellRefusals keeps the number of a key's refusals, if some were only counted and another entry may be kept.
func (sh *Shell) tellRefusals(key string, awaited bool) {
	t := &sh.trail
	t.mu.Lock()
	var kept journal.Entry
	many := 0
	if r := t.keys[key]; r != nil && !t.closed {
		kept, many = r.sum(time.Now())
		r.awaited = r.awaited && !awaited
	}
	t.mu.Unlock()
	if many > 0 {
		sh.note(kept, many)
	}
}

// Close keeps the numbers of all refusals that were only counted. The audit may be closed after it.
func (sh *Shell) Close() {
	t := &sh.trail
	t.mu.Lock()
	var tell []func()
	for _, r := range t.keys {
		if r.more > 0 && !t.closed {
			e, many := r.all()
			tell = append(tell, func() { sh.note(e, many) })
		}
	}
	t.closed = true
	t.mu.Unlock()
	for _, f := range tell {
		f()
	}
	if err := sh.noteLost(); err != nil {
		sh.Log.Error("audit: how many entries it lacks could not be kept", "err", err)
	}
}
