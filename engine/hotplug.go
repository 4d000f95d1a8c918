package engine

// LookAgain is for when drives may have come or gone: a job whose drive is gone, or is another one, ends with that, and a
// job whose drive was away while it erased itself goes on. It takes as long as a look at all drives does.
func (e *Engine) LookAgain() {
	for _, j := range e.working() {
		if err := j.checkClaims(); err != nil {
			j.halt(err)
		}
	}
	for _, id := range e.lostSight() {
		if _, err := e.Resume([]uint64{id}, nil); err != nil {
			e.cfg.Log.Info("drive that erased itself not picked up yet", "job", id, "err", err)
		}
	}
}

// working are the jobs that hold a drive.
func (e *Engine) working() (list []*job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.jobs {
		if j.isLive() {
			list = append(list, j)
		}
	}
	return list
}

// lostSight are the interrupted jobs whose drives were told to erase themselves, and were never heard of again.
func (e *Engine) lostSight() (ids []uint64) {
	for _, id := range e.Interrupted() {
		e.mu.Lock()
		j := e.jobs[id]
		e.mu.Unlock()
		if j != nil && j.awaitsDrive() {
			ids = append(ids, id)
		}
	}
	return ids
}

func (j *job) awaitsDrive() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.live && j.plan.sent && j.found.firmware.Ended.IsZero()
}
