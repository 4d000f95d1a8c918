package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"wiped/engine"
	"wiped/engine/journal"
)

// Config is what a shell works with; all but Machine is required.
type Config struct {
	Engine   *engine.Engine
	Messages *journal.Messages
	Audit    *journal.Audit
	Log      *slog.Logger
	Version  string          // "wiped VERSION (REVISION)"
	Stopping <-chan struct{} // closed when sessions are to end because the server does
	Machine  Machine         // the appliance, if wiped is all that runs on it; nil: it is a program among others
}

// Shell serves sessions. Its methods may be called from any goroutine.
type Shell struct {
	Config
	stopping context.Context // done when Stopping is closed
	fetched  fetched
	trail    trail
	progress shared
}

// New makes a shell.
func New(cfg Config) *Shell {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		<-cfg.Stopping
		stop()
	}()
	return &Shell{Config: cfg, stopping: ctx}
}

// Greeting is the first line of every session in lines and terminal mode.
const Greeting = "Connection with the server established!"

// Serve works one session to its end and returns its exit code. ctx ends when the client is gone.
func (sh *Shell) Serve(ctx context.Context, plain *Session) (exit int) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	forget := context.AfterFunc(sh.stopping, func() { stop(errStopping) })
	defer forget()
	s := &session{Session: plain, sh: sh, ctx: ctx, out: plain.Out, errOut: plain.Err}
	defer sh.tellRefusals(s.Who.Fingerprint, false)
	if plain.Who.Command != "" { // the key may run this line and no other, whatever was asked for
		s.Mode, s.Command = Exec, plain.Who.Command
	}
	switch s.Mode {
	case Exec:
		return s.exec()
	case Lines:
		return s.lines()
	case Terminal:
		return s.terminal()
	}
	sh.Log.Error("session without a mode", "session", plain.ID)
	return exitDefect
}

// session is a Session being worked.
type session struct {
	*Session
	sh      *Shell
	ctx     context.Context
	out     io.Writer
	errOut  io.Writer
	screen  screen // who may write now: a command, or status lines
	pump    *pump
	editor  confirmer // terminal mode only
	width   atomic.Int64
	goOn    bool // lines mode: on-error continue
	leaving bool // goodbye was said
}

// confirmer asks a person at a terminal.
type confirmer interface {
	Confirm(prompt string) (string, error)
	Interrupts() <-chan struct{}
}

// run runs one line and returns its exit code. Everything that goes wrong is said here and nowhere else.
func (s *session) run(line string) (code int) {
	s.screen.Lock()
	defer s.screen.Unlock()
	err := s.dispatch(line)
	code, say := explain(err)
	if code != exitDone {
		s.sh.Log.Info("command failed", "session", s.ID, "operator", s.Who.Name, "code", code, "say", cut(say, auditedLine), "cause", fmt.Sprint(errors.Unwrap(err)))
	}
	for _, text := range lines(say) {
		if s.goOn {
			text = fmt.Sprintf("error %d: %s", code, text)
		}
		fmt.Fprintln(s.errOut, text)
	}
	if say == "" && code != exitDone && s.goOn {
		fmt.Fprintf(s.errOut, "error %d: %s\n", code, firstWord(line))
	}
	return code
}

// dispatch finds the command of a line, and runs it if the role allows it.
func (s *session) dispatch(line string) error {
	c := &call{ctx: s.ctx, sh: s.sh, s: s, line: line, out: s.out, err: s.errOut}
	cmd, run, err := s.look(c, line)
	if err == errHelp {
		return cmd.help(c)
	}
	if err != nil {
		return s.refused(line, err)
	}
	guarded := func() error { return s.guarded(c, run) }
	if !cmd.changes {
		return guarded()
	}
	if cmd.ready != nil {
		if err := cmd.ready(s.sh); err != nil {
			return err
		}
	}
	return s.audited(cmd, line, guarded)
}

// guarded runs a command. A panic in it is a defect that costs this line.
func (s *session) guarded(c *call, run func(*call) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.sh.Log.Error("defect: panic in a command", "session", s.ID, "line", quoted(c.line), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = errDefect
		}
	}()
	return run(c)
}

// look finds the command that a line names and reads its words.
func (s *session) look(c *call, line string) (*command, func(*call) error, error) {
	if text, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "write:"); ok {
		c.cmd, c.args = &write, []string{strings.TrimPrefix(text, " ")}
		return &write, saveMessage, s.allowed(&write)
	}
	words, err := split(line)
	if err != nil {
		return nil, nil, err
	}
	if len(words) == 0 {
		return nil, nil, fail(exitUsage, "there is no command. Next: help")
	}
	cmd := s.sh.find(words[0])
	if cmd == nil {
		return nil, nil, fail(exitUsage, "%s: there is no such command. Next: help", quoted(words[0]))
	}
	if slices.Contains(words[1:], "--help") {
		return cmd, nil, errHelp
	}
	if err := s.allowed(cmd); err != nil { // before its words: who may not run it need not learn to spell it
		return cmd, nil, err
	}
	if cmd == &write {
		return cmd, nil, fail(exitUsage, "write: is said without quotes, and all after it is the text. Next: write: TEXT")
	}
	c.cmd = cmd
	run, args, err := cmd.parse(words[1:])
	c.args = args
	return cmd, run, err
}

// allowed is the one place where roles are checked.
func (s *session) allowed(cmd *command) error {
	if s.Who.Role.Allows(cmd.role) {
		return nil
	}
	return fail(exitRole, "%s needs the role %s, and yours is %s. Next: ask for another key, or whoami", cmd.name, cmd.role, s.Who.Role)
}

// guard, deferred in a goroutine, turns a panic into a line in the log: a defect in showing something must not end jobs.
func (s *session) guard() {
	if r := recover(); r != nil {
		s.sh.Log.Error("defect: panic in a session", "session", s.ID, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}

func clean(s string) string { return journal.Escape(s) }

// cut keeps the first bytes of a text that may be long, and says how long it was.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", s[:most], len(s))
}

// quoted is a word of the operator's as an error message repeats it.
func quoted(word string) string { return clean(cut(word, 200)) }

func firstWord(line string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return quoted(word)
}
