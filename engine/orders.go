package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// A command that blocks is sent by a process of its own, and outlives this one with it (drive.Apart). What tells the next run of
// the server of it is a file for each such job: who has the command to send holds a lock on it, which ends with that process
// and with nothing else, and writes the drive's answer into it.

// orders are these files.
type orders struct{ dir string }

func (o orders) path(id uint64) string { return filepath.Join(o.dir, strconv.FormatUint(id, 10)) }

// begin makes the file of a job's command, empty and locked by whoever has it open from now on.
func (o orders) begin(id uint64) (*os.File, error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(o.path(id), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
	}
	return f, nil
}

// out tells whether a process has a job's command to send, or has sent it and waits for the drive.
func (o orders) out(id uint64) bool {
	if o.dir == "" {
		return false
	}
	f, err := os.Open(o.path(id))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// forget removes the file of a job that is over.
func (o orders) forget(id uint64) {
	if o.dir != "" {
		_ = os.Remove(o.path(id)) // what is left is swept at the next start
	}
}

// sweep removes the files of jobs that are over.
func (o orders) sweep(unfinished []journal.Record) {
	if o.dir == "" {
		return
	}
	keep := map[string]bool{}
	for _, r := range unfinished {
		keep[o.path(r.Job.ID)] = true
	}
	files, _ := filepath.Glob(filepath.Join(o.dir, "[0-9]*"))
	for _, path := range files {
		if !keep[path] {
			_ = os.Remove(path)
		}
	}
}

// command is a job's command, of which nobody else has the like.
func (j *job) command(mark *os.File) drive.Order {
	o := drive.Order{Action: drive.Action(j.rec.Method.Action), Token: fmt.Sprintf("job %d, %s, %s", j.rec.ID, j.rec.Submitted, j.rec.Seed), Mark: mark}
	for _, t := range j.targets[1:] {
		o.Others = append(o.Others, t.claim)
	}
	return o
}

// tell puts on record that the drive is told to erase itself, and tells it. over is as for order.
func (j *job) tell(p *prober) (next signal, over bool) {
	if _, apart := p.firmware.(drive.Apart); apart && j.rec.Method.Blocks && j.e.orders.dir != "" {
		mark, err := j.e.orders.begin(j.rec.ID)
		if err != nil {
			j.breakOff(fmt.Errorf("the drive was not told to erase itself: the process that was to do it could not be prepared: %w", err))
			return stopped, true
		}
		p.mark = mark
	}
	if !j.commit() {
		if p.mark != nil {
			_ = p.mark.Close() // empty
		}
		return stopped, true
	}
	return j.order(p)
}

// leftBehind is what the drive said to a command that blocks and that an earlier run of the server left to its process; over is
// true if that is known. Nobody had hold of the drive between the end of that process and now.
func (j *job) leftBehind(p *prober) (next signal, over bool) {
	a, apart := p.firmware.(drive.Apart)
	if !apart || j.e.orders.dir == "" {
		return 0, false
	}
	mark, err := os.Open(j.e.orders.path(j.rec.ID))
	if err != nil {
		return 0, false
	}
	defer mark.Close()
	var refused *drive.RefusedError
	switch err := a.Left(j.command(mark)); {
	case err == nil:
		j.know(func(fw *journal.Firmware, now journal.Time) {
			fw.Accepted, fw.Ended, fw.Blocked, fw.Unwatched = now, now, true, true
		})
		j.settlePart()
		return stepDone, true
	case errors.As(err, &refused):
		return j.turnedDown(refused), true
	default:
		j.e.cfg.Log.Warn("it is open what became of the command that an earlier run of the server sent", "job", j.rec.ID, "drive", j.rec.Drive.Name, "err", err)
	}
	return 0, false
}

// Blocked are the jobs whose drive is at a command that nothing can interrupt, so that they end when it does.
func (e *Engine) Blocked() (ids []uint64) {
	for _, j := range e.working() {
		j.mu.Lock()
		for r := range j.out {
			if r.what == "erase" && j.rec.Method.Blocks {
				ids = append(ids, j.rec.ID)
			}
		}
		j.mu.Unlock()
	}
	return ids
}
