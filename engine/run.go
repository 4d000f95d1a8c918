package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// run is the job's goroutine: it acts, asks the state machine where to go, and records the end.
func (j *job) run() {
	defer j.e.running.Done()
	defer close(j.done)
	defer j.guard(func() { j.giveBack(); j.rest() }) // without an end on record the next start shows it as interrupted
	at := position{}
	for at.phase != over {
		next, err := j.plan.advance(at, j.sure(at, j.act(at)))
		if err != nil {
			j.breakOff(err)
			next = position{phase: over}
		}
		at = next
	}
	j.finish()
}

// act does what the job has to do at a position. A panic in it ends this job as failed, and no other.
func (j *job) act(at position) (s signal) {
	defer j.guard(func() { s = stopped })
	if at.phase == waiting {
		return j.waitTurn()
	}
	j.mu.Lock()
	first := j.at.phase == waiting
	j.at = at
	j.mu.Unlock()
	if err := j.change(); err != nil {
		if first && !j.plan.sent {
			j.breakOff(fmt.Errorf("not begun, nothing was written: its start could not be recorded: %w", err))
			return stopped
		}
		j.e.cfg.Log.Error("change of state not kept; the job goes on", "job", j.rec.ID, "err", err)
	}
	stop := j.report()
	defer stop()
	if err := j.onePath(at); err != nil {
		j.note(err)
		return stopped
	}
	switch at.phase {
	case checking:
		return j.check(at)
	case writing:
		return j.write(at)
	case sampling:
		return j.sample()
	case awaiting:
		return j.awaitOrder()
	case erasing:
		return j.eraseItself()
	}
	return j.verifyAll()
}

// sure makes certain, where nothing more is to come, that the drive is still the one that was confirmed.
func (j *job) sure(at position, before signal) (s signal) {
	defer j.guard(func() { s = stopped })
	if next, err := j.plan.advance(at, before); err != nil || before != stepDone || next.phase != over {
		return before
	}
	if err := j.stillOwn(); err != nil {
		j.note(err)
		return stopped
	}
	return before
}

// verifyAll reads back what is there, over every path.
func (j *job) verifyAll() (s signal) {
	if j.plan.action {
		s = j.verifyErased()
	} else {
		s = j.verify()
	}
	if s != stepDone {
		return s
	}
	if err := j.samePaths(); err != nil {
		j.note(err)
		return stopped
	}
	return stepDone
}

// guard, deferred, turns a panic into the failure of this job.
func (j *job) guard(then func()) {
	if r := recover(); r != nil {
		j.e.cfg.Log.Error("defect: panic in a job", "job", j.rec.ID, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		j.breakOff(fmt.Errorf("a defect in wiped: %v", r))
		then()
	}
}

// aside runs work beside the job's goroutine until the function it returns is called.
func (j *job) aside(work func(quit <-chan struct{})) (stop func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer j.guard(func() { j.halt(errDefect) })
		work(quit)
	}()
	return sync.OnceFunc(func() { close(quit); <-gone })
}

// waitTurn waits until as many jobs work as may, then looks at the drive once more: it may have waited for hours.
func (j *job) waitTurn() signal {
	if !j.takeTurn() {
		j.note(j.ctx.Err())
		return stopped
	}
	if err := j.recheck(false); err != nil {
		j.notBegun(err)
		return stopped
	}
	if err := j.loadPatterns(); err != nil {
		j.breakOff(err)
		return stopped
	}
	j.mu.Lock()
	if j.started.IsZero() {
		j.started = j.now()
	}
	j.mu.Unlock()
	if j.ctx.Err() != nil {
		j.note(j.ctx.Err())
		return stopped
	}
	return turnCame
}

// notBegun ends a job that was refused at the last look. One that was resumed is as resumable as it was before.
func (j *job) notBegun(err error) {
	if j.plan.resume == nil && !j.plan.sent {
		j.breakOff(fmt.Errorf("not begun, nothing was written: %w", err))
		return
	}
	j.e.cfg.Log.Error("job not resumed", "job", j.rec.ID, "drive", j.rec.Drive.Name, "err", err)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.interrupted, j.found.why = true, "not resumed: "+err.Error()
}

// takeTurn returns when the job may work; false if it was halted before that.
func (j *job) takeTurn() bool {
	select {
	case <-j.turn:
		return true
	default:
	}
	if u, ok := j.history.last(); !ok || u.State != string(Queued) {
		if err := j.change(); err != nil {
			j.e.cfg.Log.Error("record that a job waits", "job", j.rec.ID, "err", err)
		}
	}
	select {
	case <-j.turn:
		return true
	case <-j.ctx.Done():
		return false
	}
}

// recheck holds the claimed drives against the safety rules and against the drives that were confirmed, just before the
// first write. Of a drive that erases itself already, only that it is the same. last is that its command comes next.
func (j *job) recheck(last bool) error {
	if err := j.checkClaims(); err != nil || j.plan.sent {
		return err
	}
	all, err := j.e.surveys.share(j.e.find)
	if err != nil {
		return err
	}
	for _, t := range j.targets {
		if err := j.recheckOne(t, all, last); err != nil {
			return err
		}
	}
	return nil
}

// checkClaims asks every claimed drive whether it is still there and the same.
func (j *job) checkClaims() error {
	for _, t := range j.targets {
		if err := t.claim.Check(); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) recheckOne(t target, all []drive.Drive, last bool) error {
	for _, d := range all {
		i := d.Info()
		if i.Path != t.path {
			continue
		}
		if err := t.want.Same(i.ID); err != nil {
			return err
		}
		for _, o := range obstacles(i, j.e.cfg, holder{}) {
			return errors.New(o.why)
		}
		switch id := j.e.mute(i); {
		case id != 0 && last:
			return fmt.Errorf("its controller is at job %d, so that it cannot be asked what it is and would do", id)
		case id != 0:
			return nil // it must not be asked now; before it is told anything, it is
		}
		return j.stillSo(t, d.Ask())
	}
	return drive.ErrGone
}

// settings are those every run of this job over one of its drives shares.
func (j *job) settings(t target, pattern wipe.Pattern, extents []wipe.Range) wipe.Run {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.progress = &wipe.Progress{}
	j.rate.at, j.rate.bytes = time.Now(), j.prior
	return wipe.Run{Pattern: pattern, Extents: extents, Sector: t.rec.LogicalSector, Optimal: t.optimal,
		Fatal: j.fatal, Effort: j.effort, Progress: j.progress}
}

// fatal tells errors of one area from the end of the drive. Of a drive that is gone or another one by now that is why the job ends, and
// not the error of whatever request came upon it first.
func (j *job) fatal(err error) bool {
	if end := j.checkClaims(); end != nil {
		j.halt(end)
		return true
	}
	return slices.ContainsFunc([]error{drive.ErrGone, drive.ErrChanged, unix.ENODEV, unix.ENXIO, unix.EBADF}, func(end error) bool { return errors.Is(err, end) })
}

// settle adds the step under way to those that are done.
func (j *job) settle() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.prior += j.progress.Done()
	j.errors += j.progress.Errors()
	j.progress = nil
}

// note sorts what ended a step early into the findings: halted from outside, or broken.
func (j *job) note(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	cause := context.Cause(j.ctx)
	var aside setAside
	switch {
	case errors.As(cause, &aside):
		j.found.aside, j.found.reached = aside.why, Percent(j.snapshot())
	case errors.Is(cause, errCancelled):
		j.found.cancelled = true
	case errors.Is(cause, errInterrupted):
		j.found.interrupted = true
	case cause != nil:
		j.found.broken = cause.Error()
	default:
		j.found.broken = err.Error()
	}
}

// breakOff records why the job cannot go on.
func (j *job) breakOff(err error) {
	j.e.cfg.Log.Error("job broken off", "job", j.rec.ID, "drive", j.rec.Drive.Name, "err", err)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.broken = err.Error()
}

func (j *job) sawDirect(direct bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.direct = j.direct && direct
}

// report publishes the job's progress every tick until the function it returns is called.
func (j *job) report() (stop func()) {
	return j.aside(func(quit <-chan struct{}) {
		tick := time.NewTicker(j.e.cfg.Tick)
		defer tick.Stop()
		last, _ := j.history.last()
		for {
			select {
			case <-quit:
				return
			case now := <-tick.C:
				last = j.tick(now, last)
			}
		}
	})
}

func (j *job) tick(now time.Time, before Update) Update {
	j.mu.Lock()
	e := j.snapshot()
	j.rate.measure(now, e.DoneBytes)
	j.rate.into(&e)
	news := j.look(now, &e)
	j.mu.Unlock()
	j.govern(e)
	e.Seq = j.history.next()
	u := Update{Event: e, Milestone: news || e.Errors > before.Errors || tenth(e) > tenth(before.Event)}
	j.publish(u)
	return u
}

// tenth is how many tenths of the whole are done.
func tenth(e journal.Event) int64 {
	if e.TotalBytes == 0 {
		return 0
	}
	return e.DoneBytes * 10 / e.TotalBytes
}
