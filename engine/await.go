package engine

import (
	"errors"
	"sync"
	"time"

	"wiped/engine/drive"
)

// handover is how many ticks a drive may still be held by a process that has given back the lock of its order.
const handover = 10

// awaitOrder waits for the process that an earlier run of the server left with the command, and then claims the drives.
func (j *job) awaitOrder() signal {
	defer j.e.controllers.enter(j.ctx, j.targets[0].group)()
	tick := time.NewTicker(j.e.cfg.Tick)
	defer tick.Stop()
	for held := 0; ; {
		if !j.e.orders.out(j.rec.ID) {
			err := j.claimAgain()
			if err == nil {
				j.e.cfg.Log.Info("drive that erased itself picked up", "job", j.rec.ID, "drive", j.rec.Drive.Name)
				return stepDone
			}
			if held++; !errors.Is(err, drive.ErrHeld) || held > handover {
				j.lostSight(err)
				return stopped
			}
		}
		if takes := j.rec.Method.Takes; takes > 0 {
			j.setPart(max(0, min(0.99, j.instant().Sub(j.found.firmware.Sent.Time).Seconds()/float64(takes))))
		}
		select {
		case <-tick.C:
		case <-j.ctx.Done():
			j.note(j.ctx.Err())
			return stopped
		}
	}
}

// claimAgain claims the drives of a job that awaited them, if they are still those.
func (j *job) claimAgain() error {
	all, err := j.e.find()
	if err != nil {
		return err
	}
	items, err := present(j.targets, all)
	if err == nil {
		err = j.ownNames(items)
	}
	if err != nil {
		return err
	}
	claims, err := claimEach(items)
	if err != nil {
		return err
	}
	for n, t := range j.targets {
		t.claim.(*awaited).come(claims[n])
	}
	return nil
}

// lostSight ends a job whose drive cannot be picked up now.
func (j *job) lostSight(err error) {
	j.e.cfg.Log.Warn("drive that erased itself not picked up", "job", j.rec.ID, "drive", j.rec.Drive.Name, "err", err)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.interrupted, j.found.why = true, lostSightWhy(err)
}

// awaited is the claim of a drive that another process still has. Nothing can be done with it until it comes.
type awaited struct {
	mu    sync.Mutex
	claim drive.Claim // nil: it has not come
}

func (a *awaited) come(c drive.Claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.claim = c
}

func (a *awaited) has() drive.Claim {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.claim
}

// Check finds nothing wrong with a drive that has not come.
func (a *awaited) Check() error {
	if c := a.has(); c != nil {
		return c.Check()
	}
	return nil
}

// through is a method of the claim, or ErrHeld.
func through[T any](a *awaited, use func(drive.Claim) (T, error)) (T, error) {
	if c := a.has(); c != nil {
		return use(c)
	}
	var none T
	return none, drive.ErrHeld
}

func (a *awaited) Writer() (drive.Writer, error)     { return through(a, drive.Claim.Writer) }
func (a *awaited) Reader() (drive.Reader, error)     { return through(a, drive.Claim.Reader) }
func (a *awaited) Firmware() (drive.Firmware, error) { return through(a, drive.Claim.Firmware) }

func (a *awaited) Rescan() error {
	_, err := through(a, func(c drive.Claim) (struct{}, error) { return struct{}{}, c.Rescan() })
	return err
}

func (a *awaited) Close() error {
	if c := a.has(); c != nil {
		return c.Close()
	}
	return nil
}

// Others and Over are for drives with several paths.
func (a *awaited) Others() int {
	if p, ok := a.has().(drive.Paths); ok {
		return p.Others()
	}
	return 0
}

// Over is not called where there are no others.
func (a *awaited) Over(n int) (drive.Reader, error) { return a.has().(drive.Paths).Over(n) }
