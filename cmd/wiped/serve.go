package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"wiped/engine/journal"
)

// settings are the flags of serve.
type settings struct {
	listen, state, keys, drives string
	images, protect             []string
	parallel                    int
	loginGrace, keepalive       time.Duration
}

func flags(fs *pflag.FlagSet) *settings {
	s := &settings{}
	fs.StringVar(&s.listen, "listen", ":2222", "address to listen on")
	fs.StringVar(&s.state, "state", "/var/lib/wiped", "directory in which everything is kept")
	fs.StringVar(&s.keys, "authorized-keys", "", "who may log in; default STATE/authorized_keys; read afresh at every login")
	fs.StringArrayVar(&s.images, "image", nil, "present a regular file as a drive (repeatable)")
	fs.StringVar(&s.drives, "drives", "all", "block devices to present: all, none, or GLOB,...; none if any --image is given")
	fs.StringArrayVar(&s.protect, "protect", nil, "never erase a drive whose name, path, serial or WWN matches this glob (repeatable)")
	fs.IntVar(&s.parallel, "parallel", 0, "drives erased at once; default all")
	fs.DurationVar(&s.loginGrace, "login-grace", 30*time.Second, "how long a client may take to log in")
	fs.DurationVar(&s.keepalive, "keepalive", 15*time.Second, "how often a silent client is asked for a sign of life; three missed: it is cut")
	return s
}

func (s *settings) complete(fs *pflag.FlagSet) error {
	if s.keys == "" {
		s.keys = filepath.Join(s.state, "authorized_keys")
	}
	if len(s.images) > 0 && !fs.Changed("drives") {
		s.drives = "none"
	}
	switch {
	case s.parallel < 0:
		return errors.New("--parallel is a number of drives, 0 for all")
	case s.loginGrace <= 0 || s.keepalive <= 0:
		return errors.New("--login-grace and --keepalive are lengths of time above 0, such as 30s")
	}
	return nil
}

// serve runs the appliance until it is told to stop.
func serve(args []string, out, errOut io.Writer) int {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	s := flags(fs)
	if code, done := parse(fs, args, 0, out, errOut); done {
		return code
	}
	if err := s.complete(fs); err != nil {
		fmt.Fprintf(errOut, "wiped serve: %v\n", err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(errOut, nil))
	if err := dropPrivileges(); err != nil {
		log.Warn("more privileges than needed are kept", "err", err)
	}
	log.Info("starting", "version", software())
	st, at, err := open(s, &appliance{}, log)
	if err != nil {
		fmt.Fprintf(errOut, "wiped serve: %s\n", journal.Escape(err.Error()))
		return exitError
	}
	defer st.close()
	fmt.Fprintf(errOut, "listening on %s\n", at) // programs wait for this line and read the port from it
	return st.serve(nil)
}

// open starts a station, listens, and starts the process that accepts.
func open(s *settings, a *appliance, log *slog.Logger) (st *station, at net.Addr, err error) {
	if st, err = start(s, a, log); err != nil {
		return nil, nil, err
	}
	ln, err := net.Listen("tcp", s.listen)
	if err != nil {
		err = fmt.Errorf("%w. Next: stop what listens there, or choose another --listen", err)
	} else {
		err = st.startSSH(s, ln.(*net.TCPListener))
	}
	if err != nil {
		st.close()
		return nil, nil, err
	}
	return st, ln.Addr(), nil
}

// serve waits until a signal comes or ending is closed, then ends everything in order: no new sessions, jobs to a
// checkpoint, sessions told, connections closed.
func (st *station) serve(ending <-chan struct{}) int {
	stopped, look := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, os.Interrupt)
	signal.Notify(look, syscall.SIGUSR1)
	for {
		select {
		case <-look:
			st.logResources()
			continue
		case sig := <-stopped:
			st.log.Info("stopping", "signal", sig.String())
		case <-ending:
		}
		st.stop(stopped)
		return exitDone
	}
}

// farewellTime is how long sessions may take to end once the jobs have.
const farewellTime = 10 * time.Second

func (st *station) stop(again <-chan os.Signal) {
	ctx, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	gone := make(chan error, 1)
	go func() { gone <- st.ssh.Shutdown(ctx) }()
	halted := make(chan struct{})
	if left := st.engine.Unfinished(); len(left) > 0 {
		st.log.Info("waiting for jobs to reach a checkpoint; a second signal leaves them as they are", "jobs", fmt.Sprint(left))
	}
	if held := st.engine.Blocked(); len(held) > 0 {
		st.log.Warn("the drives of these jobs are at a command that nothing can interrupt, and are waited for; a second signal leaves them to it, "+
			"and the next start tells what became of them", "jobs", fmt.Sprint(held))
	}
	go func() {
		st.engine.Shutdown()
		close(halted)
	}()
	select {
	case <-halted:
	case <-again:
		st.log.Warn("jobs left as they are; the next start shows what became of them", "jobs", fmt.Sprint(st.engine.Unfinished()))
	}
	close(st.stopping)
	time.AfterFunc(farewellTime, giveUp)
	if err := <-gone; err != nil {
		st.log.Warn("some sessions did not end in time", "err", err)
	}
}
