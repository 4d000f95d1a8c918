package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"wiped/engine"
	"wiped/shell/editor"
)

// prompt is ASCII: the editor counts one column for each character.
const prompt = "wiped> "

// terminal works the session of a person.
func (s *session) terminal() int {
	e := editor.New(editor.Config{In: s.In, Out: s.Out, Columns: s.Size.Columns, Rows: s.Size.Rows, Complete: s.complete})
	defer e.Close()
	s.editor, s.out, s.errOut = e, e, e
	s.width.Store(int64(s.Size.Columns))
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	go s.resize(ctx, e)
	fmt.Fprintf(e, "%s\n", Greeting)
	fmt.Fprintf(e, "You are %s (%s) on %s. Type help, or ^D to leave.\n", s.Who.Name, s.Who.Role, s.sh.Engine.Station())
	s.startPump(func(ctx context.Context, u engine.Update) { s.showAbove(ctx, e, u) })
	defer s.pump.stop()
	return s.prompts(e)
}

// prompts reads and runs lines until the person leaves. The exit code is that of the last command, as in a shell, or 0
// after goodbye.
func (s *session) prompts(e *editor.Editor) int {
	last := exitDone
	for {
		line, err := s.readLine(e)
		switch {
		case s.ctx.Err() != nil:
			return s.farewell()
		case errors.Is(err, io.EOF):
			fmt.Fprintln(e)
			return last
		case errors.Is(err, editor.ErrInterrupted):
			continue
		case err != nil:
			last = s.sayLine(unread(err))
			continue
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			continue
		}
		last = s.run(line)
		if s.leaving {
			return last
		}
	}
}

// unread is what is wrong with a line that the editor could not hand over.
func unread(err error) error {
	if errors.Is(err, errDefect) {
		return err
	}
	return fail(exitUsage, "%v", err)
}

// readLine waits for a line, or for the end of the session: then the editor is left to end with its input.
func (s *session) readLine(e *editor.Editor) (line string, err error) {
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		a := answer{err: errDefect} // if reading it panics
		defer func() { got <- a }()
		defer s.guard()
		a.line, a.err = e.ReadLine(prompt)
	}()
	select {
	case a := <-got:
		return a.line, a.err
	case <-s.ctx.Done():
		return "", io.EOF
	}
}

func (s *session) resize(ctx context.Context, e *editor.Editor) {
	for {
		select {
		case size := <-s.Resize:
			s.width.Store(int64(size.Columns))
			e.Resize(size.Columns, size.Rows)
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) columns() int { return int(s.width.Load()) }

// statusRetry is how long a status line waits for a terminal that takes no more at the moment.
const statusRetry = 50 * time.Millisecond

// showAbove shows a job's milestones above the line being typed. A terminal that does not keep up is waited for here,
// where it holds up nobody: what the jobs do meanwhile is in their histories, or counted as missed.
func (s *session) showAbove(ctx context.Context, e *editor.Editor, u engine.Update) {
	if !u.Milestone {
		return
	}
	for !e.WriteStatus([]byte(s.statusText(u))) {
		select {
		case <-time.After(statusRetry):
		case <-ctx.Done():
			return
		}
	}
}
