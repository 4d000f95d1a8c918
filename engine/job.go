package engine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// Why a job is halted from outside.
var (
	errCancelled   = errors.New("cancelled")
	errInterrupted = errors.New("interrupted")
	errDefect      = errors.New("a defect in wiped")
)

// target is one drive of a job. Only a method that reaches several drives with one command has more than one.
type target struct {
	rec     journal.Drive
	want    drive.ID
	zoned   bool   // it takes writes in order only
	optimal int    // see drive.Info.OptimalIO
	group   string // the controller that it shares with other drives
	paths   []string
	path    string // where the drive is now; a job that goes on may find it under another name
	claim   drive.Claim
}

// job is a drive being erased. Its goroutine alone moves it; others read what mu guards, and its history.
type job struct {
	e        *Engine
	rec      journal.Job
	patterns []wipe.Pattern
	history  *history
	targets  []target // the job's drive, and what its method erases besides
	plan     plan
	ctx      context.Context
	halt     context.CancelCauseFunc
	done     chan struct{} // closed when its goroutine has ended
	turn     turn

	mu         sync.Mutex
	live       bool // its goroutine runs
	at         position
	prior      int64          // bytes of the steps that are done
	total      int64          // bytes of all steps
	progress   *wipe.Progress // of the step under way; nil between steps
	errors     int64          // failing sectors of the steps that are done
	rate       rate
	found      findings
	started    journal.Time
	latest     journal.Time // of all instants recorded so far
	direct     bool         // all I/O so far went past the page cache
	resumedBad []wipe.Range // what the pass of the checkpoint could not write
	merged     bool         // and some of what lies between
	hush       time.Time    // since when a drive that erases itself gives no sign; zero: it does
	part       float64      // of what the drive does to itself, as far as it says
	clock      steady

	effort  *wipe.Effort // what failures cost this drive so far
	vitals  vitals
	givenUp chan struct{} // closed when requests that are out are not waited for any more
	once    sync.Once
	out     map[*request]bool
	handles []io.Closer // on the drive, open
	leaving bool        // the job is over: the last request to come back frees the drive
}

// newJob makes a job from its record: one that goes on later, or one that is only looked at.
func (e *Engine) newJob(r journal.Record) *job {
	j := &job{e: e, rec: r.Job, history: restore(r), direct: true, givenUp: make(chan struct{}), out: map[*request]bool{}}
	j.effort = wipe.NewEffort(e.cfg.Limits.Effort)
	for _, d := range append([]journal.Drive{r.Job.Drive}, r.Job.Also...) {
		j.targets = append(j.targets, target{rec: d, want: identity(d)})
	}
	j.found = findings{size: r.Job.Drive.SizeBytes, verify: r.Job.Verify, planned: len(r.Job.Method.Passes)}
	j.found.read = journal.Verification{Scope: r.Job.Verify, Seed: r.Job.Seed}
	j.plan = plan{passes: len(r.Job.Method.Passes), verify: r.Job.Verify != "none"}
	if r.Job.Method.Action != "" {
		j.plan.passes, j.plan.action = 1, true
		j.found.firmware = &journal.Firmware{}
		j.found.rekeyed = rekeys(drive.Action(r.Job.Method.Action))
	}
	j.latest = r.Job.Submitted
	for _, c := range r.Changes {
		j.latest = c.Time
		if c.State == string(Running) && j.started.IsZero() {
			j.started = c.Time
		}
	}
	if r.End != nil {
		j.started = r.End.Started // what the certificate says
	}
	j.total = j.size()*int64(j.plan.passes) + j.verifyBytes()
	if c := r.Checkpoint; c != nil && c.Time.After(j.latest.Time) {
		j.latest = c.Time
	}
	if c := r.Checkpoint; c != nil && c.Firmware != nil {
		j.found.firmware = c.Firmware
		j.plan.sent, j.direct = !c.Firmware.Sent.IsZero(), !c.Cached
	} else if c != nil {
		j.plan.resume = &position{pass: c.Pass, offset: c.Offset}
		j.prior = j.size()*int64(c.Pass-1) + c.Offset
		j.found.passes, j.found.startedOver, j.direct = c.Done, c.StartedOver, !c.Cached
		j.merged = c.Merged
		for _, bad := range c.Bad {
			j.resumedBad = append(j.resumedBad, wipe.Range(bad))
		}
	}
	j.clock = steadyFrom(e.cfg.Now(), j.latest)
	return j
}

// size is that of all its drives, in bytes.
func (j *job) size() (bytes int64) {
	for _, t := range j.targets {
		bytes += t.rec.SizeBytes
	}
	return bytes
}

func (j *job) seed() (seed [32]byte) {
	_, _ = hex.Decode(seed[:], []byte(j.rec.Seed)) // written by us; a wrong one would be other places, not fewer
	return seed
}

// scope is how much verification reads: what was asked for, or all where less would not do.
func (j *job) scope() string {
	if fw := j.found.firmware; fw != nil && j.rec.Verify == "sample" && inDoubt(fw) {
		return "full"
	}
	return j.rec.Verify
}

// extents are the areas of a drive that verification reads.
func (j *job) extents(t target) []wipe.Range {
	return verifyExtents(j.rec.Method.Action != "", j.scope(), j.seed(), t.rec.SizeBytes, t.rec.LogicalSector)
}

func (j *job) verifyBytes() (n int64) {
	for _, t := range j.targets {
		for _, e := range j.extents(t) {
			n += e.Length
		}
	}
	return n
}

// loadPatterns reads the passes out of the record.
func (j *job) loadPatterns() error {
	j.patterns = nil
	for n, p := range j.rec.Method.Passes {
		var pattern wipe.Pattern
		err := json.Unmarshal(p.Pattern, &pattern)
		if err == nil {
			err = pattern.Validate()
		}
		if err != nil {
			return fmt.Errorf("read pass %d of job %d: %w", n+1, j.rec.ID, err)
		}
		j.patterns = append(j.patterns, pattern)
	}
	return nil
}

// begin starts the job's goroutine over its claimed drives. The caller holds the engine's mu.
func (j *job) begin() {
	j.ctx, j.halt = context.WithCancelCause(context.Background())
	j.done = make(chan struct{})
	j.live = true
	j.turn = j.e.turns.ask()
	j.e.jobs[j.rec.ID] = j
	for _, t := range j.targets {
		j.e.take(j.rec.ID, t.want.Keys)
	}
	j.e.running.Add(1)
	go j.run()
}

func (j *job) isLive() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.live
}

// action is what the job is doing, in words.
func (j *job) action(at position) string {
	switch at.phase {
	case checking:
		return "read back " + j.title(min(at.pass, j.plan.passes))
	case writing:
		return "write " + j.title(at.pass)
	case sampling:
		return "read samples before " + j.rec.Method.Name
	case awaiting:
		return "wait for " + j.rec.Method.Name + " by the drive, which an earlier run of the server told it"
	case erasing:
		return j.rec.Method.Name + " by the drive" + j.silence()
	case verifying:
		return "verify " + j.title(j.plan.passes)
	}
	return "wait"
}

func (j *job) title(pass int) string {
	if j.plan.action {
		return j.rec.Method.Name
	}
	return j.rec.Method.Passes[pass-1].Title
}

// passes counts the passes of the whole job: verification is one.
func (j *job) passes() int {
	if j.plan.verify {
		return j.plan.passes + 1
	}
	return j.plan.passes
}

// now is the time for the records of this job, never before what was recorded already. The caller holds mu.
func (j *job) now() journal.Time {
	if t := j.clock.now(); t.After(j.latest.Time) {
		j.latest = t
	}
	return j.latest
}

// instant is now for those who do not hold mu.
func (j *job) instant() journal.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now()
}

// snapshot is the job's state as an event, without a number. The caller holds mu.
func (j *job) snapshot() journal.Event {
	e := journal.Event{
		Time: j.now(), Job: j.rec.ID, Drive: j.rec.Drive.Name, Serial: j.rec.Drive.Serial,
		State: string(j.at.state()), Pass: min(j.at.pass, j.passes()), Passes: j.passes(), Action: j.action(j.at),
		DoneBytes: j.prior, TotalBytes: j.total, Errors: j.errors,
	}
	if j.progress != nil && j.at.phase != sampling {
		e.DoneBytes += j.progress.Done()
		e.Errors += j.progress.Errors()
	}
	if j.at.phase == erasing || j.at.phase == awaiting {
		e.DoneBytes = int64(j.part * float64(j.size()))
	}
	return e
}

// change announces a change of state, after it is on disk. If it cannot be kept it is announced as mere progress is.
func (j *job) change() error {
	j.mu.Lock()
	e := j.snapshot()
	j.rate.measure(time.Now(), e.DoneBytes)
	j.rate.into(&e)
	j.mu.Unlock()
	e.Seq = j.history.next()
	err := j.e.cfg.Journal.Change(e)
	j.publish(Update{Event: e, Milestone: true, keep: err == nil})
	return err
}

func (j *job) publish(u Update) {
	j.history.add(u)
	j.e.news.ring()
}

// rate is how fast a job is: bytes a second, smoothed over some seconds.
type rate struct {
	at    time.Time
	bytes int64
	value float64
}

// smoothing is the weight of the newest second.
const smoothing = 0.3

// measure takes note of how many bytes are done now.
func (r *rate) measure(now time.Time, bytes int64) {
	if !r.at.IsZero() && now.After(r.at) {
		current := float64(bytes-r.bytes) / now.Sub(r.at).Seconds()
		if r.value == 0 {
			r.value = current
		}
		r.value += smoothing * (current - r.value)
	}
	r.at, r.bytes = now, bytes
}

// into fills in speed and remaining time where they are known.
func (r *rate) into(e *journal.Event) {
	if r.value < 1 {
		return
	}
	speed := int64(r.value)
	eta := int64(float64(e.TotalBytes-e.DoneBytes)/r.value + 0.5)
	e.BytesPerSecond, e.ETASeconds = &speed, &eta
}
