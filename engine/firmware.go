package engine

import (
	"errors"
	"fmt"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// How long a drive is waited for.
const (
	orderTime = time.Minute      // until it accepts a command that does not block
	lookTime  = 20 * time.Second // until it answers how far it is; then it counts as silent, and is waited for all the same
	idleTime  = 24 * time.Hour   // for a drive that gives no estimate: without any progress
	doubtTime = 30 * time.Second // for a drive that says that it knows of no erase: it may just have come back from a reset
	looks     = 3                // so often a drive must say in a row that it ended that was never seen at it
)

// patience is how long the drive may erase itself without getting on.
func (j *job) patience() time.Duration {
	takes := time.Duration(j.rec.Method.Takes) * time.Second
	switch {
	case j.e.cfg.Patience > 0:
		return j.e.cfg.Patience
	case takes > 0:
		return 10*time.Minute + 4*takes
	}
	return idleTime
}

// eraseItself tells the drive to erase itself, unless it was told so before, and follows it to its end.
func (j *job) eraseItself() signal {
	if !j.found.firmware.Ended.IsZero() {
		return j.endedBefore()
	}
	f, err := j.speak()
	if err != nil {
		return j.stopAt(fmt.Errorf("speak to the drive: %w", err))
	}
	p := &prober{firmware: f, action: drive.Action(j.rec.Method.Action), job: j}
	defer p.close()
	defer j.e.controllers.enter(j.ctx, j.targets[0].group)()
	if !j.plan.sent {
		if err := j.ctx.Err(); err != nil { // halted while it waited for its controller
			j.note(err)
			return stopped
		}
		if err := j.recheck(true); err != nil { // taking samples may have taken long
			j.breakOff(fmt.Errorf("the drive was not told to erase itself: %w", err))
			return stopped
		}
		if next, over := j.tell(p); over {
			return next
		}
	} else if next, over := j.leftBehind(p); over {
		return next
	}
	return j.follow(p)
}

// endedBefore is for a drive that ended before an interruption, and of which nobody knows what became of it since: it is
// asked whether anything was written to it, and read whole unless it says that nothing was.
func (j *job) endedBefore() signal {
	j.settlePart()
	if j.e.mute(j.targets[0].info()) != 0 {
		return stepDone // it must not be asked; what it holds will tell
	}
	f, err := j.speak()
	if err != nil {
		return stepDone
	}
	p := &prober{firmware: f, action: drive.Action(j.rec.Method.Action), job: j}
	defer p.close()
	s, err := p.look()
	switch {
	case err != nil:
	case s.Phase == drive.Running:
		return j.lose("the drive had ended, and erases itself again now, at the command of somebody else (" + s.Text + "); erase it again")
	case s.Phase == drive.Succeeded && s.Named && s.Untouched:
		j.know(func(fw *journal.Firmware, _ journal.Time) { fw.Untouched, fw.Status = true, s.Text })
	}
	return stepDone
}

// unguarded takes note that a drive which was told to erase itself was out of hand for a while: whatever it says and holds
// now may be somebody else's.
func (j *job) unguarded() {
	fw := j.found.firmware
	if fw == nil || !j.plan.sent {
		return
	}
	if fw.LastLook.IsZero() {
		fw.LastLook = j.latest
	}
	if !fw.Ended.IsZero() {
		fw.Unwatched, fw.Untouched = true, false
	}
}

// commit puts on record that the command is about to be sent: from now on nothing but the drive can tell what became
// of it. It fails if the job was halted before.
func (j *job) commit() bool {
	j.mu.Lock()
	if err := j.ctx.Err(); err != nil {
		j.mu.Unlock()
		j.note(err)
		return false
	}
	j.plan.sent = true // a cancel is refused from here on
	j.found.firmware.Sent = j.now()
	j.mu.Unlock()
	if err := j.keepFirmware(); err != nil {
		j.mu.Lock()
		j.found.firmware.Sent, j.plan.sent = journal.Time{}, false
		j.mu.Unlock()
		j.breakOff(fmt.Errorf("the drive was not told to erase itself: that could not be recorded: %w", err))
		return false
	}
	return true
}

// keepFirmware records what is known of the erase so far.
func (j *job) keepFirmware() error {
	j.mu.Lock()
	fw := *j.found.firmware
	c := journal.Checkpoint{Time: j.now(), Seq: j.history.given(), Pass: 1, Cached: !j.direct, Firmware: &fw}
	j.mu.Unlock()
	return j.e.cfg.Journal.Checkpoint(j.rec.ID, c)
}

// know changes what is known of the erase and records it. That it cannot be kept does not stop anything: the drive goes on.
func (j *job) know(change func(fw *journal.Firmware, now journal.Time)) {
	j.mu.Lock()
	change(j.found.firmware, j.now())
	j.mu.Unlock()
	if err := j.keepFirmware(); err != nil {
		j.e.cfg.Log.Error("progress of the drive's erase not kept", "job", j.rec.ID, "err", err)
	}
}

// order sends the command. over is true if that was all: the drive refused, or blocked until its end.
func (j *job) order(p *prober) (next signal, over bool) {
	j.e.cfg.Log.Info("drive told to erase itself", "job", j.rec.ID, "drive", j.rec.Drive.Name, "serial", j.rec.Drive.Serial, "method", j.rec.Method.Name)
	answer := p.erase()
	begun := time.Now()
	tick := time.NewTicker(j.e.cfg.Tick)
	defer tick.Stop()
	for {
		select {
		case err := <-answer:
			return j.answered(err)
		case now := <-tick.C:
			if !j.rec.Method.Blocks && now.Sub(begun) > lookTime {
				j.heard(false)
			}
			if !j.rec.Method.Blocks && now.Sub(begun) > orderTime {
				j.e.cfg.Log.Warn("the drive does not answer the command", "job", j.rec.ID, "drive", j.rec.Drive.Name)
				return 0, false
			}
			if takes := time.Duration(j.rec.Method.Takes) * time.Second; takes > 0 && j.rec.Method.Blocks {
				j.setPart(min(0.99, now.Sub(begun).Seconds()/takes.Seconds())) // it can be asked nothing meanwhile
			}
		}
	}
}

// answered sorts what the drive said to the command.
func (j *job) answered(err error) (next signal, over bool) {
	var refused *drive.RefusedError
	switch {
	case err == nil:
		j.know(func(fw *journal.Firmware, now journal.Time) {
			fw.Accepted = now
			if fw.Blocked = j.rec.Method.Blocks; fw.Blocked {
				fw.Ended = now
			}
		})
		if j.rec.Method.Blocks {
			j.settlePart()
		}
		return stepDone, j.rec.Method.Blocks
	case errors.As(err, &refused):
		return j.turnedDown(refused), true
	}
	j.e.cfg.Log.Warn("it is open what became of the command", "job", j.rec.ID, "drive", j.rec.Drive.Name, "err", err)
	return 0, false
}

// turnedDown takes note that the drive did not begin.
func (j *job) turnedDown(refused *drive.RefusedError) signal {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.refused = refused.Error() + "; nothing was erased"
	j.found.refused += markedText(j.found.firmware)
	if refused.Next != "" {
		j.found.refused += "; " + refused.Next
	}
	return stopped
}

// unlock opens the drive if an erase that did not come to its end left it locked: else nobody could say what it held.
func (j *job) unlock() error {
	if a := drive.Action(j.rec.Method.Action); a != drive.SecurityErase && a != drive.SecurityEraseEnhanced {
		return nil // no other one sets a password
	}
	return j.ask(&request{what: "unlock"}, func() error {
		f, err := j.targets[0].claim.Firmware()
		if err != nil {
			return fmt.Errorf("speak to the drive: %w", err)
		}
		return errors.Join(f.Unlock(), f.Close())
	})
}

// notTaken takes note that the drive was told nothing, or took nothing.
func (j *job) notTaken(err error) signal {
	var refused *drive.RefusedError
	switch {
	case errors.As(err, &refused):
		return j.turnedDown(refused)
	case errors.Is(err, errGivenUp):
		j.note(err)
	default:
		j.breakOff(err)
	}
	return stopped
}

func (j *job) setPart(part float64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.part = max(j.part, part)
}

// follow asks the drive how far it is until it has ended, or nothing more can be known.
func (j *job) follow(p *prober) signal {
	pickedUp := !j.found.firmware.LastLook.IsZero()
	wait := 10 * time.Millisecond // the first look comes at once: a fast drive is to be seen at it
	moved, reached, doubt, quick, watched := time.Now(), -1.0, time.Time{}, 0, !pickedUp
	for {
		if err := j.checkClaims(); err != nil {
			j.breakOff(fmt.Errorf("while the drive erased itself: %w", err))
			return stopped
		}
		s, err := p.look()
		j.heard(err == nil)
		switch {
		case err != nil:
		case s.Phase == drive.Running:
			if doubt = (time.Time{}); s.Done > reached {
				moved, reached = time.Now(), s.Done
			}
			watched = true
			j.running(s)
		case s.Phase == drive.Succeeded && !s.Named && !s.Other && j.found.firmware.Seen.IsZero() && quick < looks:
			quick++ // it may not have begun yet: the status of some drives tells ended from not begun in no way
		case s.Phase != drive.None:
			return j.saidEnd(s, !watched)
		case doubt.IsZero():
			doubt = time.Now()
		case time.Since(doubt) > min(doubtTime, j.patience()/2):
			return j.lose("the drive knows nothing of the erase (" + s.Text + "); overwrite it")
		}
		if time.Since(moved) > j.patience() && (err != nil || doubt.IsZero()) { // a doubt has its own time
			if err != nil {
				return j.lose("the drive does not answer any more: " + drive.Clean(err.Error()))
			}
			return j.lose("the drive says that it erases itself, and does not get on")
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, j.e.cfg.Tick)
		case <-j.ctx.Done():
			j.note(j.ctx.Err())
			return stopped
		}
	}
}

// heard takes note of whether the drive gives signs of itself.
func (j *job) heard(sign bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case sign:
		j.hush = time.Time{}
	case j.hush.IsZero():
		j.hush = time.Now()
	}
}

// silence says for how long the drive gave no sign, where it gives none. The caller holds mu.
func (j *job) silence() string {
	if j.hush.IsZero() {
		return ""
	}
	return ", which has given no sign for " + journal.Duration(time.Since(j.hush))
}

// running takes note of a drive that was seen at it.
func (j *job) running(s drive.Status) {
	j.setPart(s.Done)
	if j.found.firmware.Seen.IsZero() {
		j.know(func(fw *journal.Firmware, now journal.Time) { fw.Seen, fw.Status = now, s.Text })
	}
}

// saidEnd takes note of how the drive says that it ended.
func (j *job) saidEnd(s drive.Status, unwatched bool) signal {
	if s.Phase == drive.Succeeded && s.Other {
		return j.lose("the drive speaks of the success of another command (" + s.Text + "); overwrite it")
	}
	j.know(func(fw *journal.Firmware, now journal.Time) {
		fw.Ended, fw.Status, fw.Named, fw.Failed, fw.Unwatched = now, s.Text, s.Named, s.Phase == drive.Failed, unwatched
		fw.Untouched = s.Named && s.Untouched
	})
	if s.Phase == drive.Failed {
		return stopped
	}
	j.settlePart()
	return stepDone
}

// settlePart counts the drive's own erase as done.
func (j *job) settlePart() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.part, j.prior = 1, j.size()
}

// lose gives up: what became of the erase cannot be known.
func (j *job) lose(why string) signal {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.found.lost = why
	return stopped
}

// goesOnInside tells whether the job ends here only because the program does, while its drive goes on.
func (j *job) goesOnInside() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	fw := j.found.firmware
	return j.found.interrupted && fw != nil && !fw.Sent.IsZero() && fw.Ended.IsZero() && j.found.why == ""
}

// leaveInside leaves a drive to itself. The next start of the program finds it by the last checkpoint.
func (j *job) leaveInside() {
	j.e.cfg.Log.Info("the drive goes on erasing itself; the next start picks it up", "job", j.rec.ID, "drive", j.rec.Drive.Name)
	j.giveBack()
	j.rest()
}
