package engine

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// vitals is what a job's drive shows of itself, as it is looked at every tick. Time is the time watched: a station that
// was suspended, or had no time for us, has learned nothing about the drive meanwhile.
type vitals struct {
	last    time.Time
	watched time.Duration
	halted  time.Duration // when the job was told to stop; 0: it was not
	run     *wipe.Progress
	beats   []beat
	asked   map[*request]beat
	told    bool // that the drive does not answer
	paces
}

// beat is one I/O in flight: how many came back in its place, and since when it is that many.
type beat struct {
	count int64
	since time.Duration
}

// gap is the longest time between two looks that counts as watched.
const gap = 10 * time.Second

// look takes note of the time.
func (v *vitals) look(now time.Time, halted bool) {
	if !v.last.IsZero() {
		v.watched += min(gap, max(0, now.Sub(v.last)))
	}
	v.last = now
	if halted && v.halted == 0 {
		v.halted = max(1, v.watched)
	}
}

// pulse takes note of what came back in a run, and tells how long the oldest request of it is out, and for how long none
// came back at all.
func (v *vitals) pulse(run *wipe.Progress) (oldest, quiet time.Duration) {
	if run != v.run {
		v.run, v.beats = run, nil
	}
	if run == nil {
		return 0, 0
	}
	quiet = math.MaxInt64
	for i, count := range run.Pulse() {
		if i >= len(v.beats) {
			v.beats = append(v.beats, beat{count, v.watched})
		}
		b := &v.beats[i]
		if b.count != count {
			*b = beat{count, v.watched}
		}
		if count < 0 {
			continue // nothing is out in its place
		}
		oldest, quiet = max(oldest, v.watched-b.since), min(quiet, v.watched-b.since)
	}
	if quiet == math.MaxInt64 {
		quiet = 0
	}
	return oldest, quiet
}

// age is how long a request is out, from when it was first seen, or from when a part of it came back.
func (v *vitals) age(r *request) time.Duration {
	b, ok := v.asked[r]
	if count := r.back.Load(); !ok || b.count != count {
		if v.asked == nil {
			v.asked = map[*request]beat{}
		}
		b = beat{count, v.watched}
		v.asked[r] = b
	}
	return v.watched - b.since
}

// unheard is how long a request counts as out that is out for so long: not from before the job was told to stop.
func (v *vitals) unheard(age time.Duration) time.Duration {
	if v.halted > 0 {
		return min(age, v.watched-v.halted)
	}
	return age
}

// forget drops the requests that came back.
func (v *vitals) forget(out map[*request]bool) {
	for r := range v.asked {
		if !out[r] {
			delete(v.asked, r)
		}
	}
}

// paces is how fast the drive goes, and went. Other jobs read what is atomic.
type paces struct {
	samples []sample
	reading bool
	before  int64 // bytes moved in the runs before the one under way
	moved   int64
	failed  int64 // requests
	run     *wipe.Progress
	best    float64
	then    int
	now     atomic.Uint64 // the bits of its share over the last fast window; 0: unknown
}

type sample struct {
	at    time.Duration
	moved int64
}

// kept is how many samples a slow window has.
const kept = 60

// sample takes note of how much was moved. What a drive can write tells nothing of what it can read, and the time that
// failing requests take is bounded elsewhere.
func (p *paces) sample(l Limits, at time.Duration, run *wipe.Progress, reading bool, failed int64, atWork int) {
	if reading != p.reading {
		p.reading, p.samples, p.best = reading, nil, 0
		p.now.Store(0)
	}
	if failed != p.failed {
		p.failed, p.samples = failed, nil
	}
	if run != p.run {
		p.before, p.run = p.before+p.moved, run
	}
	p.moved = 0
	if run != nil {
		p.moved = run.Moved()
	}
	if n := len(p.samples); n > 0 && at-p.samples[n-1].at < l.SlowWindow/kept {
		return
	}
	p.samples = append(p.samples, sample{at, p.before + p.moved})
	for len(p.samples) > 1 && at-p.samples[1].at >= l.SlowWindow {
		p.samples = p.samples[1:]
	}
	rate := p.over(l.FastWindow)
	if rate > p.best {
		p.best, p.then = rate, atWork
	}
	if p.best > 0 && rate >= 0 {
		p.now.Store(math.Float64bits(max(math.SmallestNonzeroFloat64, share(rate, p.best, p.then, atWork))))
	}
}

// over is the rate over the newest samples that span a window; -1 if none do.
func (p *paces) over(window time.Duration) float64 {
	for i := len(p.samples) - 1; i >= 0; i-- {
		last := p.samples[len(p.samples)-1]
		if span := last.at - p.samples[i].at; span >= window && span > 0 {
			return float64(last.moved-p.samples[i].moved) / span.Seconds()
		}
	}
	return -1
}

// said is the share for other jobs; ok is false while it is unknown.
func (p *paces) said() (share float64, ok bool) {
	bits := p.now.Load()
	return math.Float64frombits(bits), bits != 0
}

// sickly is from which share of its best on a status line does not mention a drive's pace.
const sickly = 0.1

// hush is how long nothing has to come back for a status line to say so.
const hush = 3 * time.Second

// ailing is what a status line says of a drive that does not do well; empty: nothing. out is how long the oldest
// request is out.
func (v *vitals) ailing(out time.Duration) string {
	share, ok := v.said()
	switch {
	case out >= hush:
		return ", no answer for " + out.Truncate(time.Second).String()
	case ok && share < sickly:
		return fmt.Sprintf(", slow: %.1f%% of its best", 100*share)
	}
	return ""
}

// look takes note of what the drive shows, puts into the event what is to be seen of it, and decides whether its requests
// are waited for any longer. It is true once when the drive has begun not to answer. The caller holds mu.
func (j *job) look(now time.Time, e *journal.Event) (news bool) {
	v, l := &j.vitals, j.e.cfg.Limits
	v.look(now, j.ctx.Err() != nil)
	if j.at.phase.idle() {
		return false // a drive that erases itself is waited for elsewhere
	}
	oldest, quiet := v.pulse(j.progress)
	silence := v.unheard(oldest) - l.patience(false, j.direct, v.halted > 0)
	for r := range j.out {
		if r.own {
			continue
		}
		age := v.age(r)
		silence = max(silence, v.unheard(age)-l.patience(r.flush, j.direct, v.halted > 0))
		oldest = max(oldest, age)
	}
	v.forget(j.out)
	v.sample(l, v.watched, j.progress, j.at.phase != writing, j.effort.Spent().Tries, j.e.turns.atWork())
	e.Action += v.ailing(oldest)
	if quiet >= hush || j.progress == nil && oldest >= hush {
		none := int64(0)
		e.BytesPerSecond, e.ETASeconds = &none, nil
	}
	if silence > 0 {
		j.e.cfg.Log.Error("the drive does not answer, and is given up", "job", j.rec.ID, "drive", j.rec.Drive.Name, "for", oldest.String())
		j.halt(setAside{fmt.Sprintf("a request to it has been out for %s and does not come back", oldest.Truncate(time.Second))})
		j.giveUp()
	}
	news = oldest >= l.Silence/10 && !v.told
	v.told = oldest >= l.Silence/10
	return news
}

// govern ends the job if its drive is beyond hope although it answers.
func (j *job) govern(e journal.Event) {
	l := j.e.cfg.Limits
	j.mu.Lock()
	idle := j.at.phase.idle() || j.ctx.Err() != nil
	p := pace{rate: j.vitals.over(l.SlowWindow), best: j.vitals.best, then: j.vitals.then, now: j.e.turns.atWork(), left: e.TotalBytes - e.DoneBytes}
	direct := j.direct
	j.mu.Unlock()
	if idle {
		return
	}
	why := l.dead(j.effort.Spent(), j.effort.Row())
	if why == "" && direct && p.rate >= 0 && p.rate < l.SlowFloor {
		p.peers, p.young = j.e.peers(j)
		why = l.slow(p)
	}
	if why != "" {
		j.e.cfg.Log.Error("the drive is set aside", "job", j.rec.ID, "drive", j.rec.Drive.Name, "why", why)
		j.halt(setAside{why})
	}
}

// peers is how the other drives do that are written or read just now: the share of each that is known, and how many
// there are of which nothing is.
func (e *Engine) peers(mine *job) (shares []float64, young int) {
	for _, j := range e.working() {
		if j == mine || !j.moves() {
			continue
		}
		if share, ok := j.vitals.said(); ok {
			shares = append(shares, share)
		} else {
			young++
		}
	}
	return shares, young
}

// moves tells whether the job's drive is written or read.
func (j *job) moves() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.at.phase.idle() && j.at.phase != over
}
