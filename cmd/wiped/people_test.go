package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// inBackground is an ssh that was started and not yet waited for.
type inBackground struct {
	cmd      *exec.Cmd
	out, err *lockedBuffer
	gone     chan struct{}
}

// person is somebody with a key: PERSON [-exit N] [-lines FILE] [-tty] [-bg NAME] [WORD...] works the server through ssh and
// checks the exit code (default 0). -lines feeds FILE to ssh -T. -bg leaves it running under a name for `leave`.
func person(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("say which exit code is wanted: %s -exit N ...", name)
		}
		work(ts, name, args)
	}
}

// cmdAs: as NAME ... works as the holder of another key, made with `key NAME`.
func cmdAs(ts *testscript.TestScript, _ bool, args []string) { work(ts, args[0], args[1:]) }

// cmdKey: key NAME [OPTIONS] makes a key and, if OPTIONS are given, adds its line to authorized_keys with them ("-": none).
func cmdKey(ts *testscript.TestScript, _ bool, args []string) {
	public, err := newKey(ts.Getenv("WORK"), args[0])
	ts.Check(err)
	if len(args) == 1 {
		return
	}
	f, err := os.OpenFile(filepath.Join(ts.Getenv("WORK"), "state", "authorized_keys"), os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s %s\n", strings.TrimPrefix(args[1], "-"), public)
	ts.Check(err)
}

func sshArgs(ts *testscript.TestScript, name string, more ...string) []string {
	return clientArgs(ts.Getenv("WORK"), ts.Getenv("PORT"), name, more...)
}

// clientArgs are the arguments of ssh for the holder of a key in w/keys.
func clientArgs(w, port, name string, more ...string) []string {
	return append([]string{"-F", "none", "-p", port, "-i", filepath.Join(w, "keys", name), "-o", "IdentitiesOnly=yes",
		"-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile=" + filepath.Join(w, "known_hosts"),
		"-o", "LogLevel=ERROR"}, more...)
}

func work(ts *testscript.TestScript, name string, args []string) {
	want, background := 0, ""
	var stdin *os.File
	options := []string{"-T"}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		value := func() string {
			if len(args) < 2 {
				ts.Fatalf("%s needs a value", args[0])
			}
			args = args[1:]
			return args[0]
		}
		switch args[0] {
		case "-exit":
			n, err := strconv.Atoi(value())
			ts.Check(err)
			want = n
		case "-bg":
			background = value()
		case "-tty":
			options = []string{"-tt"}
		case "-lines":
			f, err := os.Open(ts.MkAbs(value()))
			ts.Check(err)
			defer f.Close()
			stdin = f
		case "-o":
			options = append(options, "-o", value())
		default:
			ts.Fatalf("unknown option %s", args[0])
		}
		args = args[1:]
	}
	cmd := exec.Command("ssh", append(append(sshArgs(ts, name, options...), "op@127.0.0.1"), args...)...)
	out, errOut := &lockedBuffer{}, &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, errOut
	if stdin != nil {
		cmd.Stdin = stdin
	}
	ts.Check(cmd.Start())
	b := &inBackground{cmd, out, errOut, make(chan struct{})}
	go func() { _ = cmd.Wait(); close(b.gone) }()
	if background != "" {
		stationOf(ts).jobs[background] = b
		ts.Defer(func() { _ = cmd.Process.Kill(); <-b.gone })
		return
	}
	b.end(ts, want)
}

// end waits for an ssh, shows what it printed and checks its exit code.
func (b *inBackground) end(ts *testscript.TestScript, want int) {
	select {
	case <-b.gone:
	case <-time.After(patience):
		_ = b.cmd.Process.Kill()
		ts.Fatalf("%v does not end; stdout:\n%s\nstderr:\n%s", b.cmd.Args, b.out, b.err)
	}
	fmt.Fprint(ts.Stdout(), b.out.String())
	fmt.Fprint(ts.Stderr(), b.err.String())
	if code := b.cmd.ProcessState.ExitCode(); code != want {
		ts.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", code, want, b.out, b.err)
	}
}

// cmdLeave: leave NAME [-exit N] waits for an ssh in the background; leave NAME -kill ends it with SIGKILL, -stop freezes
// it, -cont lets it go on, -until REGEXP waits until it has printed that.
func cmdLeave(ts *testscript.TestScript, _ bool, args []string) {
	b := stationOf(ts).jobs[args[0]]
	if b == nil {
		ts.Fatalf("nobody called %s is there", args[0])
	}
	switch {
	case len(args) == 1:
		b.end(ts, 0)
	case args[1] == "-exit":
		want, err := strconv.Atoi(args[2])
		ts.Check(err)
		b.end(ts, want)
	case args[1] == "-kill":
		ts.Check(b.cmd.Process.Kill())
		<-b.gone
	case args[1] == "-stop":
		ts.Check(b.cmd.Process.Signal(syscall.SIGSTOP))
	case args[1] == "-cont":
		ts.Check(b.cmd.Process.Signal(syscall.SIGCONT))
	case args[1] == "-until":
		pattern := regexp.MustCompile("(?m)" + args[2])
		ts.Check(eventually(func() error {
			if !pattern.MatchString(b.out.String()) {
				return fmt.Errorf("%s has not printed %q but:\n%s\n%s", args[0], args[2], b.out, b.err)
			}
			return nil
		}))
	default:
		ts.Fatalf("unknown: leave %v", args)
	}
}

// cmdEventual: eventual REGEXP PERSON WORD... repeats a command until its standard output matches.
func cmdEventual(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	ts.Check(eventually(func() error {
		out, _ := exec.Command("ssh", append(sshArgs(ts, args[1], "-T", "op@127.0.0.1"), args[2:]...)...).CombinedOutput()
		if !pattern.Match(out) {
			return fmt.Errorf("%v says\n%s\nand not %q", args[2:], out, args[0])
		}
		return nil
	}))
}

// eventually tries until f succeeds, and returns its last error when patience is at its end.
func eventually(f func() error) (err error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil {
			return nil
		}
	}
	return errors.Join(errors.New("it does not happen"), err)
}

// lockedBuffer is a buffer that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
