package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/drive"
	"wiped/engine/drive/apart"
	"wiped/engine/drive/block"
	"wiped/engine/drive/health"
	"wiped/engine/drive/image"
	"wiped/engine/journal"
	"wiped/hostkeys"
	"wiped/shell"
	"wiped/shell/privsep"
)

// station is everything that runs, plugged together.
type station struct {
	log          *slog.Logger
	journal      *journal.Journal
	messages     *journal.Messages
	audit        *journal.Audit
	engine       *engine.Engine
	shell        *shell.Shell
	ssh          *privsep.Monitor
	hostKeys     []gossh.Signer
	keys         *auth.Keys
	fingerprints []string
	stopping     chan struct{}
	health       smart
	ctx          context.Context // ends with the station
	end          context.CancelFunc
}

// start checks everything that can be wrong before anybody is let in, in the order in which an operator would mend it.
func start(s *settings, a *appliance, log *slog.Logger) (*station, error) {
	sources, err := sourcesOf(s)
	if err != nil {
		return nil, err
	}
	keys := &auth.Keys{Path: s.keys, Log: log}
	if err := os.MkdirAll(s.state, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w. Next: sudo install -d -m 700 -o \"$USER\" %s, or --state DIR", err, s.state)
	}
	if _, err := keys.Usable(); err != nil {
		return nil, err
	}
	st := &station{log: log, keys: keys, stopping: make(chan struct{})}
	st.ctx, st.end = context.WithCancel(context.Background())
	st.health = smart{health.NewCache(st.ctx)}
	err = st.open(s.state)
	if err == nil {
		err = st.plug(s, a, sources)
	}
	if err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

func sourcesOf(s *settings) ([]drive.Source, error) {
	images, err := image.New(s.images)
	if err != nil {
		return nil, err
	}
	blocks, err := block.New(s.drives, apart.Sets(startOrder, commandSets...)...)
	if err != nil {
		return nil, err
	}
	return []drive.Source{images, blocks}, nil
}

// plug puts engine and shell together.
func (st *station) plug(s *settings, a *appliance, sources []drive.Source) error {
	own, err := hostkeys.Load(filepath.Join(s.state, "hostkeys"))
	if err != nil {
		return err
	}
	st.hostKeys = own.Host
	st.nameKeys(own, a)
	name, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("ask for the name of this machine: %w", err)
	}
	st.engine, err = engine.New(tune(engine.Config{
		Sources: sources, Journal: st.journal, Signer: own.Certificate, Log: st.log, Protect: s.protect, Parallel: s.parallel,
		Halted: a.halted, Orders: filepath.Join(s.state, "orders"), Station: name, Software: software(), Health: st.health, Clock: a.clock,
		KeyOrigin: a.keyOrigin("certificate_ed25519_key"),
	}))
	if err == nil {
		go st.watchDrives()
		err = st.logProtection()
	}
	if err != nil {
		return err
	}
	st.shell = shell.New(shell.Config{Engine: st.engine, Messages: st.messages, Audit: st.audit, Log: st.log, Version: software(),
		Stopping: st.stopping, Machine: a.machine()})
	return nil
}

func (st *station) loggedIn(who auth.Identity, login, from string) {
	st.shell.Audited(journal.Entry{Operator: who.Name, Fingerprint: who.Fingerprint, Login: journal.EscapeOnce(login), From: from, Action: "login"})
}

// nameKeys logs by what keys the station is recognised.
func (st *station) nameKeys(own *hostkeys.Keys, a *appliance) {
	for n, line := range own.Fingerprints() {
		if origin := a.keyOrigin(own.Files()[n]); origin != "" {
			line += " (" + origin + ")"
		}
		st.log.Info(line)
		st.fingerprints = append(st.fingerprints, line)
	}
}

// open opens what is kept under the state directory. The journal comes first: its lock is the directory's.
func (st *station) open(dir string) (err error) {
	path := filepath.Join(dir, "journal.db")
	st.journal, err = journal.Open(path)
	switch {
	case errors.Is(err, journal.ErrInUse):
		return fmt.Errorf("the state directory %s is in use by another wiped. Next: stop that one, or choose another --state", dir)
	case errors.Is(err, journal.ErrNewer):
		return fmt.Errorf("%w. Next: run the newer wiped, or choose another --state; nothing was changed", err)
	case err != nil:
		return fmt.Errorf("%w. Next: look at %s; if it is damaged, move it away and keep it, the jobs in it are lost to this station", err, path)
	}
	if st.messages, err = journal.OpenMessages(filepath.Join(dir, "messages.txt")); err != nil {
		return err
	}
	st.audit, err = journal.OpenAudit(filepath.Join(dir, "audit.jsonl"))
	return err
}

// logProtection says what each --protect keeps from being erased: a glob that matches nothing protects nothing.
func (st *station) logProtection() error {
	found, err := st.engine.Protected()
	if err != nil {
		return err
	}
	for glob, names := range found {
		if len(names) == 0 {
			st.log.Warn("--protect matches no drive that is present", "glob", glob)
			continue
		}
		st.log.Info("--protect", "glob", glob, "drives", strings.Join(names, " "))
	}
	return nil
}

// close gives back what open took.
func (st *station) close() {
	st.end()
	var errs []error
	if st.shell != nil {
		st.shell.Close()
	}
	if st.audit != nil {
		errs = append(errs, st.audit.Close())
	}
	if st.messages != nil {
		errs = append(errs, st.messages.Close())
	}
	if st.journal != nil {
		errs = append(errs, st.journal.Close())
	}
	st.shell, st.audit, st.messages, st.journal = nil, nil, nil, nil
	if err := errors.Join(errs...); err != nil {
		st.log.Error("close the state", "err", err)
	}
}
