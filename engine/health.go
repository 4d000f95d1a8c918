package engine

import (
	"fmt"
	"slices"
	"sync"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// Health tells the condition of drives. Its methods may be called from any goroutine.
type Health interface {
	// Known returns within some seconds what is known of a drive, which may be some minutes old.
	Known(i drive.Info) drive.Health
	// Fresh asks the drive; it may take ten seconds and more.
	Fresh(i drive.Info) drive.Health
}

// nothing is known of any drive.
type nothing struct{}

func (nothing) Known(drive.Info) drive.Health { return drive.Health{} }
func (nothing) Fresh(drive.Info) drive.Health { return drive.Health{} }

// known is what is known of a drive's health.
func (e *Engine) known(i drive.Info) drive.Health {
	if e.mute(i) != 0 {
		return drive.Health{Word: "unknown", Reasons: []string{"it erases itself just now"}}
	}
	return e.cfg.Health.Known(i)
}

// mute is the job for whose sake a drive must not be asked anything, or 0: its own, while it erases itself or does not answer
// that job's last request, and one whose drive shares a controller with it. A question could wait for the end, and one that the system gives up waiting for can
// reset the controller, which ends a Format half done.
func (e *Engine) mute(i drive.Info) uint64 {
	for _, j := range e.working() {
		if !j.isInDrive() {
			continue
		}
		for _, t := range j.targets {
			if slices.ContainsFunc(t.want.Keys, func(k string) bool { return slices.Contains(i.ID.Keys, k) }) || t.group != "" && t.group == i.Controller {
				return j.rec.ID
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if by := e.takenBy(i.ID); by.stuck {
		return by.job
	}
	return 0
}

// allKnown is known for all drives at once: each takes its time.
func (e *Engine) allKnown(all []drive.Drive) []drive.Health {
	list := make([]drive.Health, len(all))
	var asked sync.WaitGroup
	for n, d := range all {
		asked.Go(func() { list[n] = e.known(d.Info()) })
	}
	asked.Wait()
	return list
}

// healthRecord is a drive's health as it is kept; nil where nothing is known.
func healthRecord(h drive.Health) *journal.Health {
	if h.Word == "" {
		return nil
	}
	return &journal.Health{Word: h.Word, Reasons: h.Reasons, Celsius: h.Celsius, Hours: h.Hours, Reallocated: h.Reallocated,
		Pending: h.Pending, Wear: h.Wear, Source: journal.Text(h.Source)}
}

// busy is why a drive must not be asked anything just now; empty: it may be.
func (e *Engine) busy(i drive.Info) string {
	if id := e.mute(i); id != 0 {
		return fmt.Sprintf("it, or its controller, is at job %d, and must not be asked meanwhile", id)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.takenBy(i.ID).opening { // a question could come between the two commands that belong together
		return "its hidden areas are being opened, and it must not be asked meanwhile"
	}
	return ""
}
