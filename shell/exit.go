package shell

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"wiped/engine"
	"wiped/engine/journal"
)

// The exit codes of commands and sessions, as in the README: programs rely on them.
const (
	exitDone        = 0
	exitFailed      = 1 // a job ended without what was asked for, or something could not be kept or read
	exitUsage       = 2
	exitRefused     = 3 // by a safety rule, or not confirmed
	exitNotFound    = 4
	exitRole        = 5
	exitCancelled   = 6
	exitInterrupted = 7
	exitDefect      = 70
	exitLeft        = 130 // left by ^C
)

// failure is an error with its exit code and what the operator reads; cause is for the log alone.
type failure struct {
	code  int
	say   string
	cause error
}

func (f *failure) Error() string { return f.say }
func (f *failure) Unwrap() error { return f.cause }

// fail makes a failure from a sentence that says what to do next.
func fail(code int, format string, args ...any) *failure {
	return &failure{code: code, say: fmt.Sprintf(format, args...)}
}

// ended is how a command says its exit code where nothing is left to be said.
func ended(code int) error {
	if code == exitDone {
		return nil
	}
	return &failure{code: code}
}

// What ends a session's context.
var (
	errStopping = errors.New("the server is stopping")
	errLeft     = errors.New("left by ^C")
	errDefect   = fail(exitDefect, "a defect in wiped: the line was given up, the server lives on. Next: report it with the server's log")
)

// kinds is the exit code of each kind of refusal.
var kinds = map[engine.Kind]int{
	engine.Unsafe:      exitRefused,
	engine.Unconfirmed: exitRefused,
	engine.Invalid:     exitUsage,
	engine.NotFound:    exitNotFound,
}

// explain turns any error of a command into its exit code and the text for the operator. It is the one place that does.
func explain(err error) (code int, say string) {
	var f *failure
	var many engine.Refusals
	var one *engine.Refusal
	switch {
	case err == nil:
		return exitDone, ""
	case errors.As(err, &f):
		return f.code, f.say
	case errors.As(err, &many):
		return kinds[many.Kind()], many.Error()
	case errors.As(err, &one):
		return kinds[one.Kind], one.Error()
	case errors.Is(err, errLeft):
		return exitLeft, ""
	case errors.Is(err, errStopping):
		return exitInterrupted, "the server is stopping; log in again later"
	case errors.Is(err, context.Canceled):
		return exitInterrupted, ""
	}
	return exitFailed, journal.Escape(err.Error()) + ". Next: see the server's log and the room under its state directory"
}

// resultCode is the exit code that a job's result gives.
func resultCode(s engine.State) int {
	switch s {
	case engine.Erased, engine.Unverified:
		return exitDone
	case engine.Cancelled:
		return exitCancelled
	case engine.Interrupted:
		return exitInterrupted
	}
	return exitFailed
}

// worst is the exit code of several jobs: the first that occurs of 70, 1, 7, 6, 0.
func worst(codes []int) int {
	for _, bad := range []int{exitDefect, exitFailed, exitInterrupted, exitCancelled} {
		for _, c := range codes {
			if c == bad {
				return bad
			}
		}
	}
	return exitDone
}

// lines splits what is said to the operator into the lines it is printed as.
func lines(say string) []string {
	if say == "" {
		return nil
	}
	return strings.Split(say, "\n")
}
