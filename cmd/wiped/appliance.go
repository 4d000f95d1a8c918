package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"wiped/auth"
	"wiped/cmd/wiped/boot"
	"wiped/hostkeys"
	"wiped/shell"
)

// appliance is the machine where wiped is all that runs on it; its zero value is a program among others.
type appliance struct {
	boot   *boot.Machine
	once   sync.Once
	ending chan struct{} // closed when the machine is to end
	end    func() error  // how
	halted string        // why nothing may be erased; "": something may
}

// sshPort is the one port of the appliance.
const sshPort = 22

// initialize is the server on the appliance image, as a child of the first process.
func initialize(_ []string, _, errOut io.Writer) int {
	if !boot.Supervised() {
		fmt.Fprintln(errOut, "wiped init is for the first process of the appliance image. Next: wiped serve, or make image")
		return exitUsage
	}
	quiet := slog.New(slog.DiscardHandler)
	m, err := boot.Start(context.Background(), boot.Options{
		Port: sshPort, Version: software(),
		Usable: func(path string) (int, error) { return (&auth.Keys{Path: path, Log: quiet}).Usable() },
		Load:   func(dir string) error { _, err := hostkeys.Load(dir); return err },
	})
	if err != nil {
		fmt.Fprintf(errOut, "wiped init: %v\n", err)
		return exitError
	}
	return (&appliance{boot: m, ending: make(chan struct{})}).run()
}

// run serves until somebody ends the machine, and ends it.
func (a *appliance) run() int {
	told := a.boot.Settings()
	s := &settings{listen: fmt.Sprintf(":%d", sshPort), state: boot.StateDir, keys: boot.KeysFile,
		drives: told.Drives, protect: told.Protect, parallel: told.Parallel, loginGrace: 30 * time.Second, keepalive: 15 * time.Second}
	if s.drives == "" {
		s.drives = "all"
	}
	if why := a.boot.Misconfigured(); why != "" { // what was meant to be protected may be what was mistyped
		why, _, _ = strings.Cut(why, ". Next: ")
		a.halted = "a setting is not understood, so nothing is erased: " + why
		a.boot.Console.Line("nothing is erased until the settings are mended and the machine is started again")
	}
	log := slog.New(slog.NewTextHandler(a.boot.Console, &slog.HandlerOptions{Level: slog.LevelWarn}))
	st, _, err := open(s, a, log)
	if err != nil {
		a.boot.Fail(err)
		return exitError
	}
	defer st.close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go st.shell.Narrate(ctx, a.boot.Console.Line)
	a.boot.Ready(st.fingerprints)
	code := st.serve(a.ending)
	if a.end == nil {
		a.boot.Console.Flush()
		return code
	}
	st.close()
	if err := a.end(); err != nil {
		a.boot.Console.Line(err.Error())
	}
	a.boot.Console.Flush()
	return exitError
}

// PowerOff lets the sessions end in order, then the machine.
func (a *appliance) PowerOff() error { return a.finish(a.boot.PowerOff) }

// Reboot does as PowerOff, and the machine starts again.
func (a *appliance) Reboot() error { return a.finish(a.boot.Reboot) }

func (a *appliance) finish(how func() error) error {
	a.once.Do(func() {
		a.end = how
		close(a.ending)
	})
	return nil
}

// Suspend returns when the machine is awake again.
func (a *appliance) Suspend(after time.Duration) error { return a.boot.Suspend(after) }

// Persistent tells whether the state outlives the end of the machine.
func (a *appliance) Persistent() bool { return a.boot.Persistent() }

// machine is what the shell may do to the machine; nil if it is not ours.
func (a *appliance) machine() shell.Machine {
	if a.boot == nil {
		return nil
	}
	return a
}

// clock says whether the machine's clock can be trusted.
func (a *appliance) clock() string {
	if a.boot != nil {
		return a.boot.Clock()
	}
	return kernelClock()
}

// keyOrigin says where a key comes from, where that is worth saying: on a machine that may have no memory.
func (a *appliance) keyOrigin(file string) string {
	if a.boot == nil {
		return ""
	}
	return a.boot.KeyOrigin(file)
}

// kernelClock asks the kernel whether something keeps its clock synchronised (adjtimex(2), STA_UNSYNC).
func kernelClock() string {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return ""
	}
	if t.Status&unix.STA_UNSYNC != 0 {
		return "not synchronised"
	}
	return "synchronised"
}
