package engine

import "fmt"

// State is where a job stands; the later ones are results.
type State string

// The states and results, in the words that operators and machines read.
const (
	Queued      State = "queued"
	Running     State = "running"
	Verifying   State = "verifying"
	Erased      State = "erased"
	Unverified  State = "unverified"
	Failed      State = "failed"
	Unknown     State = "unknown"
	Cancelled   State = "cancelled"
	Interrupted State = "interrupted"
)

// phase is what a job is doing.
type phase int

const (
	waiting  phase = iota // for its turn
	checking              // a resumed job reads back what its checkpoint claims
	writing
	sampling // what the drive holds before it erases itself
	awaiting // the process that an earlier one left with the command to the drive
	erasing  // the drive erases itself: the command is sent, or was, and followed
	verifying
	over
)

// idle tells whether the job reads and writes nothing then.
func (p phase) idle() bool { return p == waiting || p == awaiting || p == erasing }

// position is where a job stands in its plan: a pure value, moved by advance alone.
type position struct {
	phase  phase
	pass   int   // writing: counted from 1. checking: the pass of the checkpoint
	offset int64 // writing: where the pass begins. checking: how far the checkpoint's pass had come
}

// plan is what a job has to do, as far as its course depends on it.
type plan struct {
	passes int
	verify bool
	resume *position // where the checkpoint says the job was: pass and offset; nil for a new job
	action bool      // the drive erases itself: one step in place of the passes
	sent   bool      // action: the command may have been sent before, so that it is only followed
	out    bool      // sent: and it has not returned to who sent it
}

// signal is what happened to a job.
type signal int

const (
	turnCame   signal = iota // its turn came, the drive is claimed and as it was confirmed
	stepDone                 // what it was doing is done, well or with errors on record
	claimBroke               // checking: the drive does not hold what the checkpoint claims
	stopped                  // cancelled, interrupted, or the drive is gone
)

// advance is the state machine of a job: where it goes from a position on a signal. A signal that cannot come there
// is a defect and an error.
func (p plan) advance(at position, s signal) (position, error) {
	switch {
	case at.phase == over:
	case s == stopped:
		return position{phase: over}, nil
	case at.phase == waiting && s == turnCame && p.action:
		switch {
		case p.out:
			return position{phase: awaiting, pass: 1}, nil
		case p.sent:
			return position{phase: erasing, pass: 1}, nil
		}
		return position{phase: sampling, pass: 1}, nil
	case at.phase == sampling && s == stepDone, at.phase == awaiting && s == stepDone:
		return position{phase: erasing, pass: 1}, nil
	case at.phase == waiting && s == turnCame && p.resume != nil:
		return position{checking, p.resume.pass, p.resume.offset}, nil
	case at.phase == waiting && s == turnCame:
		return position{phase: writing, pass: 1}, nil
	case at.phase == checking && s == claimBroke:
		// What the checkpoint says cannot be relied on anywhere, so all of it is done again.
		return position{phase: writing, pass: 1}, nil
	case at.phase == checking && s == stepDone && at.pass <= p.passes:
		return position{writing, at.pass, at.offset}, nil
	case at.phase == writing && s == stepDone && at.pass < p.passes:
		return position{phase: writing, pass: at.pass + 1}, nil
	case at.phase == checking && s == stepDone, at.phase == writing && s == stepDone, at.phase == erasing && s == stepDone:
		if p.verify {
			return position{phase: verifying, pass: p.passes + 1}, nil
		}
		return position{phase: over}, nil
	case at.phase == verifying && s == stepDone:
		return position{phase: over}, nil
	}
	return at, fmt.Errorf("signal %d cannot come in phase %d", s, at.phase)
}

// state is how a position is called while the job goes on.
func (at position) state() State {
	switch at.phase {
	case waiting:
		return Queued
	case verifying:
		return Verifying
	}
	return Running
}
