package engine

import (
	"errors"
	"slices"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// flush has the drive write down what it holds in caches. One that fails it once gets no more checkpoints, and its job fails.
func (j *job) flush(w drive.Writer) error {
	err := j.ask(&request{what: "flush", flush: true}, w.Flush)
	if err == nil {
		err = j.checkClaims()
	}
	if err != nil {
		j.e.cfg.Log.Error("drive did not flush", "job", j.rec.ID, "err", err)
		j.mu.Lock()
		j.found.flushFailed = true
		j.mu.Unlock()
	}
	return err
}

// keepCheckpoints writes a checkpoint every few seconds or gigabytes, each after a flush, until the function it
// returns is called. It also notices a drive that was taken away under writes that still seem to succeed.
func (j *job) keepCheckpoints(at position, w drive.Writer, p *wipe.Progress) (stop func()) {
	return j.aside(func(quit <-chan struct{}) {
		poll := time.NewTicker(min(100*time.Millisecond, j.e.cfg.CheckpointEvery))
		defer poll.Stop()
		last, done := time.Now(), int64(0)
		for {
			select {
			case <-quit:
				return
			case now := <-poll.C:
				if !j.e.cfg.due(now.Sub(last), p.Done()-done) {
					continue
				}
				last, done = now, p.Done()
				j.checkpointNow(at, w, p)
			}
		}
	})
}

// due tells whether the next checkpoint is to be made, so long after the one before and after so many bytes. A drive as fast as
// memory has none more often than five times in CheckpointEvery: each is a flush of it, and an fsync of the journal.
func (c *Config) due(since time.Duration, bytes int64) bool {
	return since >= c.CheckpointEvery || bytes >= c.CheckpointBytes && since >= c.CheckpointEvery/5
}

func (j *job) checkpointNow(at position, w drive.Writer, p *wipe.Progress) {
	mark := p.Watermark() // before the bad areas, and both before the flush
	bad := j.unwritten(at, p)
	switch err := j.flush(w); {
	case err == nil:
		j.checkpoint(at, mark, bad)
	case errors.Is(err, drive.ErrGone), errors.Is(err, drive.ErrChanged):
		j.halt(err)
	}
}

// checkpoint records that the drive holds this pass below mark. That it cannot be kept does not stop the job: it only saves
// work after a crash, and the one before is still true.
func (j *job) checkpoint(at position, mark int64, bad wipe.Ranges) {
	j.mu.Lock()
	offset := max(mark, at.offset)
	c := journal.Checkpoint{
		Time: j.now(), Seq: j.history.given(), Pass: at.pass, Offset: offset, Bad: ranges(resumed(position{offset: offset}, bad.All())),
		Merged: j.isMerged(at, bad), Done: slices.Clone(j.found.passes), Cached: !j.direct, StartedOver: j.found.startedOver,
	}
	flushFailed := j.found.flushFailed
	j.mu.Unlock()
	if flushFailed {
		return
	}
	if err := j.e.cfg.Journal.Checkpoint(j.rec.ID, c); err != nil {
		j.e.cfg.Log.Error("checkpoint not kept", "job", j.rec.ID, "err", err)
	}
}
