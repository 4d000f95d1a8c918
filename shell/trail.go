package shell

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"wiped/engine/journal"
)

// How much the audit keeps of what somebody typed, in bytes of audit.jsonl.
const (
	auditedLine  = 2048 // of a command that may change something, and of what it came to
	refusedLine  = 256  // of one that was refused before it ran
	auditedLogin = 200
)

// noRoom is what an operator reads if something could not be kept.
func noRoom(err error) string {
	const say = "the state directory does not take it. Next: make room under it"
	if errors.Is(err, journal.ErrNoRoom) {
		return err.Error() + "; " + say
	}
	return say
}

// audited keeps that a command was asked for before it runs, and what it came to. What cannot be audited is not done, but for what
// only stops something.
func (s *session) audited(cmd *command, line string, run func() error) error {
	purpose := journal.ForCommand
	if cmd.stops {
		purpose = journal.ForStop
	}
	seq, err := uint64(0), s.sh.Audit.Room(purpose)
	if err == nil {
		seq, err = s.sh.Audit.Append(s.entry("command", line, auditedLine))
	}
	switch {
	case err != nil && cmd.stops:
		s.sh.unkept(s.entry("command", line, auditedLine), err)
		s.sh.trail.lose(1, journal.At(time.Now()))
	case err != nil:
		return &failure{exitFailed, cmd.name + ": not done, for it could not be audited: " + noRoom(err), err}
	}
	err = run()
	code, say := explain(err)
	e := s.entry("result", "", 0)
	e.Of, e.Exit, e.Detail = seq, &code, shortened(say, auditedLine, asIs)
	if code == exitRefused {
		e.Action = "refused"
	}
	if _, lost := s.sh.Audit.Append(e); lost != nil { // room or not: it was done
		s.sh.Log.Error("audit: result not kept", "of", seq, "code", code, "err", lost)
	}
	return err
}

// refused audits a line that was refused before it ran, if it was for its role.
func (s *session) refused(line string, err error) error {
	if code, say := explain(err); code == exitRole || code == exitRefused {
		e := s.entry("refused", line, refusedLine)
		e.Exit, e.Detail = &code, shortened(say, auditedLine, asIs)
		s.sh.noteRefusal(e)
	}
	return err
}

func (s *session) entry(action, line string, most int) journal.Entry {
	return journal.Entry{Time: journal.At(time.Now()), Operator: s.Who.Name, Fingerprint: s.Who.Fingerprint,
		Login: shortened(s.Login, auditedLogin, clean), From: clean(s.From), Action: action, Command: shortened(line, most, clean)}
}

func asIs(s string) string { return s }

// shortened is s as show shows it, or as much of that as takes most bytes of audit.jsonl, and how long s is.
func shortened(s string, most int, show func(string) string) string {
	if whole := show(s); inJSON(whole) <= most {
		return whole
	}
	var kept strings.Builder
	for n, took := 0, 0; ; {
		_, size := utf8.DecodeRuneInString(s[n:])
		piece := show(s[n : n+size])
		if took += inJSON(piece); took > most {
			return fmt.Sprintf("%s... (%d bytes)", kept.String(), len(s))
		}
		kept.WriteString(piece)
		n += size
	}
}

// inJSON is how many bytes s takes between its quotes.
func inJSON(s string) int {
	text, err := journal.JSON(s)
	if err != nil {
		return len(s)
	}
	return len(text) - len(`""`)
}

// trail is what the audit has not been told of.
type trail struct {
	mu     sync.Mutex
	keys   map[string]*refusals // by fingerprint
	lost   int                  // logins and refusals that there was no room for
	since  journal.Time         // when the first of them came
	closed bool                 // what comes now is not counted: nobody would tell
}

// Audited keeps a login.
func (sh *Shell) Audited(e journal.Entry) {
	e.Time, e.Login = journal.At(time.Now()), shortened(e.Login, auditedLogin, asIs)
	sh.note(e, 1)
}

// note keeps what may come as often as somebody likes, if there is room for it; it stands for so many. Otherwise it is in the log, and
// among those that the audit lacks: who only looks must be able to, for jobs run on when the disk is full.
func (sh *Shell) note(e journal.Entry, many int) {
	err := sh.Audit.Room(journal.ForNote)
	if err == nil {
		err = sh.noteLost()
	}
	if err == nil {
		_, err = sh.Audit.Append(e)
	}
	if err != nil {
		sh.trail.lose(many, e.Time)
		sh.unkept(e, err)
	}
}

func (sh *Shell) unkept(e journal.Entry, err error) {
	sh.Log.Error("audit entry not kept: make room under the state directory", "action", e.Action, "operator", e.Operator, "fingerprint", e.Fingerprint,
		"from", e.From, "line", e.Command, "detail", e.Detail, "err", err)
}

// lose counts entries that could not be kept.
func (t *trail) lose(many int, when journal.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lost == 0 || when.Before(t.since.Time) {
		t.since = when
	}
	t.lost += many
}

// noteLost keeps how many entries could not be kept.
func (sh *Shell) noteLost() error {
	t := &sh.trail
	t.mu.Lock()
	lost, since := t.lost, t.since
	t.lost = 0
	t.mu.Unlock()
	if lost == 0 {
		return nil
	}
	_, err := sh.Audit.Append(journal.Entry{Time: journal.At(time.Now()), Action: "lost",
		Detail: fmt.Sprintf("%s since %s could not be kept; the log has them", count(lost, "login, refusal or cancel", "logins, refusals and cancels"), since)})
	if err != nil {
		t.lose(lost, since)
	}
	return err
}
