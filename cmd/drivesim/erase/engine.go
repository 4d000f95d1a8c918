package erase

import (
	"time"

	"wiped/cmd/drivesim/store"
)

// Medium is what an erase works on.
type Medium interface {
	Fill(from, to int64, p store.Pattern)
}

// Engine does the erases of one drive, one at a time. It is not safe for concurrent use.
type Engine struct {
	medium Medium
	now    func() time.Time

	run    Run
	phase  Phase
	begun  time.Time
	filled int64 // the scope is erased up to here
	hung   bool
	count  int
	lost   bool // power, once
	gone   bool // vanished, once
}

// New makes the engine of a drive that never erased itself.
func New(medium Medium, now func() time.Time) *Engine { return &Engine{medium: medium, now: now} }

// Start begins an erase. The caller has seen that none is running.
func (e *Engine) Start(r Run) {
	e.run, e.phase, e.begun, e.filled = r, Running, e.now(), r.At
	e.hung = r.Hang
	e.count++
}

// Count is how many erases were begun.
func (e *Engine) Count() int { return e.count }

// endlessAt is where the progress of an erase without end stops, in 1/65536.
const endlessAt = 64880

// fraction is how much of the time is over, 0 to 1.
func (e *Engine) fraction() float64 {
	passed := e.now().Sub(e.begun)
	if e.run.Took <= 0 || passed >= e.run.Took {
		return 1
	}
	return max(0, float64(passed)/float64(e.run.Took))
}

// Advance does what the time that passed has brought about. What happens to the whole drive is returned once; the caller
// then calls again after it has dealt with that.
func (e *Engine) Advance() Event {
	if e.phase != Running {
		return None
	}
	done := e.fraction()
	reached := func(percent int) bool { return percent > 0 && done*100 >= float64(percent) }
	switch {
	case reached(e.run.PowerLossAt) && !e.lost:
		e.lost = true
		e.erase(float64(e.run.PowerLossAt) / 100)
		return PowerLost
	case reached(e.run.VanishAt) && !e.gone:
		e.gone = true
		e.erase(float64(e.run.VanishAt) / 100)
		return Vanished
	case reached(e.run.FailAt):
		e.erase(float64(e.run.FailAt) / 100)
		e.phase = Failed
	case e.run.Told == Endless:
		e.erase(min(done, float64(endlessAt)/65536))
	default:
		e.erase(done)
		if done >= 1 {
			e.phase = Done
		}
	}
	return None
}

// erase brings the medium to what it is when the erase is done to that part.
func (e *Engine) erase(part float64) {
	scope := e.run.End - e.run.At
	switch e.run.Content {
	case Nothing:
		return
	case Half:
		scope /= 2
	}
	to := e.run.At + int64(part*float64(scope))
	if e.run.AtOnce {
		to = e.run.At + scope
	}
	if to > e.filled {
		e.medium.Fill(e.filled, to, e.run.Pattern)
		e.filled = to
	}
}

// View is what the drive says. It does not advance anything.
func (e *Engine) View() View {
	v := View{Phase: e.phase, Run: e.run, Other: e.phase != Idle && e.run.Told == Other}
	switch {
	case e.phase == Idle, e.run.Told == Forgotten:
		return View{}
	case e.phase == Running && e.run.Told == Endless:
		v.Progress = uint16(min(e.fraction()*65536, endlessAt))
	case e.phase == Running:
		v.Progress = uint16(min(e.fraction()*65536, 65535))
	}
	return v
}

// Busy tells whether an erase is running, whatever the drive says of it.
func (e *Engine) Busy() bool { return e.phase == Running }

// Phase is where the erase really stands.
func (e *Engine) Phase() Phase { return e.phase }

// Kind is that of the erase that was begun last.
func (e *Engine) Kind() Kind { return e.run.Kind }

// Hung tells whether the drive has stopped answering.
func (e *Engine) Hung() bool { return e.hung }

// Left is how long until something will have changed: the end of what runs, or the next thing that happens on the way.
func (e *Engine) Left() time.Duration {
	if e.phase != Running {
		return 0
	}
	return max(e.run.Took-e.now().Sub(e.begun), 0)
}

// Leave takes the drive out of its failed state.
func (e *Engine) Leave() { e.phase = Idle }

// PowerCycle ends what does not outlive a loss of power, and tells whether anything was ended.
func (e *Engine) PowerCycle() (stopped bool) {
	e.hung = false
	if e.phase == Running && e.run.Kind != Sanitize {
		e.phase = Idle
		return true
	}
	return false
}
