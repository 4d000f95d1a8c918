//go:build vm

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type machineKey struct{}

// setUp gives a story the machine that is there instead of a server of its own, and the keys of its people.
func (m *machine) setUp(env *testscript.Env) error {
	env.Values[stationKey{}] = &running{jobs: map[string]*inBackground{}}
	env.Values[machineKey{}] = m
	if err := os.CopyFS(filepath.Join(env.WorkDir, "keys"), os.DirFS(filepath.Join(m.people, "keys"))); err != nil {
		return err
	}
	for _, who := range []string{"admin", "operator", "viewer", "stranger"} {
		if err := os.Chmod(filepath.Join(env.WorkDir, "keys", who), 0o600); err != nil {
			return err
		}
	}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("PORT", m.port)
	env.Setenv("DISKS", m.dir)
	return nil
}

// vmVerbs are those of every story, and those about a machine.
func vmVerbs() map[string]func(*testscript.TestScript, bool, []string) {
	all := verbs()
	all["console"] = cmdConsole
	all["vm"] = cmdVM
	all["grab"] = cmdGrab
	all["closed"] = cmdClosed
	return all
}

func machineOf(ts *testscript.TestScript) *machine { return ts.Value(machineKey{}).(*machine) }

// cmdConsole: console REGEXP waits until the console shows that; ! console REGEXP checks that it does not.
func cmdConsole(ts *testscript.TestScript, neg bool, args []string) {
	m, pattern := machineOf(ts), regexp.MustCompile("(?m)"+args[0])
	if neg {
		if pattern.MatchString(m.console()) {
			ts.Fatalf("the console shows %q:\n%s", args[0], m.console())
		}
		return
	}
	ts.Check(eventually(func() error {
		if !pattern.MatchString(m.console()) {
			return fmt.Errorf("the console does not show %q:\n%s", args[0], m.console())
		}
		return nil
	}))
}

// cmdVM: vm gone waits until the machine is switched off; vm login until it lets people in; vm again until it has rebooted and
// does; vm says COMMAND types at the monitor of qemu, which plugs and unplugs.
func cmdVM(ts *testscript.TestScript, _ bool, args []string) {
	m := machineOf(ts)
	switch args[0] {
	case "gone":
		select {
		case <-m.gone:
		case <-time.After(patience):
			ts.Fatalf("the machine is not switched off; the console:\n%s", m.console())
		}
		if code := m.cmd.ProcessState.ExitCode(); code != 0 {
			ts.Fatalf("qemu ended with %d", code)
		}
	case "login":
		m.ready = nil
		ts.Check(m.awaitReady(0))
	case "again":
		ts.Check(m.again())
		ts.Setenv("PORT", m.port) // another, if it had to be started afresh
	case "says":
		_, err := io.WriteString(m.monitor, args[1]+"\n")
		ts.Check(err)
	default:
		ts.Fatalf("unknown: vm %v", args)
	}
}

// again waits for the boot after a reboot. If that hangs, the machine is started afresh: what is on its drives stays.
func (m *machine) again() error {
	before, begun := m.console(), time.Now()
	if err := eventually(func() error {
		if now := m.console(); len(now) == len(before) || !regexp.MustCompile(`(?s)reboot now.*\[ *[0-9.]+ s\] file systems`).MatchString(now) {
			return fmt.Errorf("it does not start again:\n%s", now)
		}
		return nil
	}); err != nil {
		return err
	}
	switch err := m.awaitReady(len(before)); {
	case err == errHung:
		m.kill()
		m.boot()
	case err != nil:
		return fmt.Errorf("%w; the console:\n%s", err, m.console())
	}
	m.t.Logf("%s: ready again %.1f s after reboot was typed", m.firm, time.Since(begun).Seconds())
	return nil
}

// cmdGrab: grab stdout|stderr VAR REGEXP puts what the group in REGEXP matches into VAR.
func cmdGrab(ts *testscript.TestScript, _ bool, args []string) {
	match := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[0]))
	if match == nil {
		ts.Fatalf("%s does not match %q", args[0], args[2])
	}
	ts.Setenv(args[1], match[1])
}

// cmdClosed checks that behind none of the other ports anybody holds a connection open; behind 22 somebody does.
func cmdClosed(ts *testscript.TestScript, _ bool, _ []string) {
	m := machineOf(ts)
	if !heldOpen(ts, m.port) {
		ts.Fatalf("port 22 is closed, so this shows nothing")
	}
	for i, port := range m.closed {
		if heldOpen(ts, port) {
			ts.Fatalf("somebody listens on port %s of the machine", otherPorts[i])
		}
	}
}

// heldOpen tells whether a connection is answered, or kept though nothing is said. qemu takes every connection and cuts it
// when the machine refuses.
func heldOpen(ts *testscript.TestScript, port string) bool {
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(3 * time.Second)))
	n, err := conn.Read(make([]byte, 1))
	return n > 0 || os.IsTimeout(err)
}
