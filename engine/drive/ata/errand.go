package ata

import (
	"errors"
	"time"

	"wiped/engine/drive"
)

// errand is one thing that a confirmed drive is told to do, with the questions and orders that it takes.
type errand struct {
	port
	watch *watcher
	info  drive.Info
	first *drive.Identity // what it called itself at first; nil: it was not asked yet
	now   func() time.Time
}

func (f *firmware) errand() *errand {
	w := &watcher{Device: f.dev}
	return &errand{port: port{w}, watch: w, info: f.info, now: f.now}
}

// confirmed asks the drive what it is before each order. It is a *drive.RefusedError that it is another drive than the one
// that was confirmed, or than the one that answered first, or may be.
func (e *errand) confirmed() (identify, error) {
	id, err := e.identify()
	if err != nil {
		return id, err
	}
	if r := e.other(&id); r != nil {
		return id, r
	}
	if r := e.swapped(); r != nil {
		return id, r
	}
	return id, nil
}

// other is why the drive that answered is not the one of this errand.
func (e *errand) other(id *identify) *drive.RefusedError {
	is := id.identity()
	if e.first == nil {
		e.first = &is
	}
	switch {
	case is.Serial != e.first.Serial:
		return differs("serial", e.first.Serial, is.Serial)
	case is.WWN != e.first.WWN:
		return differs("WWN", e.first.WWN, is.WWN)
	}
	return e.another(id, e.info)
}

// swapped is the refusal where the drive reported since the errand began that its medium may have changed.
func (e *errand) swapped() *drive.RefusedError {
	if !e.watch.changed {
		return nil
	}
	return &drive.RefusedError{Why: mayBeAnother, Next: lookAgain}
}

const mayBeAnother = "its medium may be another one now"

// order sends what changes the drive, once: a unit attention in place of the answer can mean that another drive stands
// there. The error is a *drive.RefusedError where it was not sent.
func (e *errand) order(t taskfile, timeout time.Duration) (answer, error) {
	if r := e.swapped(); r != nil {
		return answer{}, r
	}
	return e.once(t, timeout)
}

// notSent is the error where a drive was not told to erase itself: another one answered, or none.
func notSent(err error) error {
	var refused *drive.RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	return &drive.RefusedError{Why: "it does not answer, so that it was not told to erase itself", Text: drive.Clean(err.Error())}
}
