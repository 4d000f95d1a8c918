package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a story waits for something that must happen, on a machine with more to do than it can. It is no measure of speed.
const patience = 3 * time.Minute

type stationKey struct{}

// running is the server of one story.
type running struct {
	cmd  *exec.Cmd
	gone chan struct{}
	jobs map[string]*inBackground
}

// setUpStation gives a story its own state directory and a key for each person; the stranger's is not in the file.
func setUpStation(env *testscript.Env) error {
	env.Values[stationKey{}] = &running{jobs: map[string]*inBackground{}}
	for _, dir := range []string{"state", "keys"} {
		if err := os.Mkdir(filepath.Join(env.WorkDir, dir), 0o700); err != nil {
			return err
		}
	}
	lines, err := newPeople(env.WorkDir)
	if err != nil {
		return err
	}
	env.Setenv("HOME", env.WorkDir)
	return os.WriteFile(filepath.Join(env.WorkDir, "state", "authorized_keys"), []byte(lines), 0o600)
}

// newPeople makes a key for each person in work/keys, and the lines of authorized_keys for all but the stranger.
func newPeople(work string) (string, error) {
	var lines strings.Builder
	for _, who := range []string{"admin", "operator", "viewer", "stranger"} {
		public, err := newKey(work, who)
		if err != nil {
			return "", err
		}
		if who != "stranger" {
			fmt.Fprintf(&lines, "role=%q %s\n", who, public)
		}
	}
	return lines.String(), nil
}

func newKey(work, who string) (public string, err error) {
	file := filepath.Join(work, "keys", who)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who+"@bench", "-f", file).CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a key: %w: %s", err, out)
	}
	text, err := os.ReadFile(file + ".pub")
	return strings.TrimSpace(string(text)), err
}

func stationOf(ts *testscript.TestScript) *running {
	return ts.Value(stationKey{}).(*running)
}

// cmdServer: server start [FLAG...] | server installed [FLAG...] | server stop | server kill | server pause | server continue | server refuses [FLAG...] | server log REGEXP
func cmdServer(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: server start|installed|stop|kill|pause|continue|refuses|log")
	}
	st := stationOf(ts)
	switch args[0] {
	case "start":
		ts.Check(st.start(ts, args[1:]))
	case "installed":
		ts.Check(st.launch(ts, func() (*exec.Cmd, error) { return installed(ts, args[1:]) }))
	case "stop":
		ts.Check(st.cmd.Process.Signal(syscall.SIGTERM))
		if code := st.wait(ts); code != 0 {
			ts.Fatalf("the server ended with %d, want 0", code)
		}
	case "kill":
		ts.Check(st.cmd.Process.Kill())
		st.wait(ts)
	case "pause":
		st.pause(ts)
	case "continue":
		ts.Check(st.cmd.Process.Signal(syscall.SIGCONT))
	case "refuses":
		if err := st.start(ts, args[1:]); err == nil {
			ts.Fatalf("the server started, want a refusal")
		}
		fmt.Fprint(ts.Stderr(), st.log(ts))
		if code := st.wait(ts); code != 1 {
			ts.Fatalf("the server refused with %d, want 1", code)
		}
	case "log":
		if found := regexp.MustCompile(args[1]).MatchString(st.log(ts)); found == neg {
			ts.Fatalf("log matches %q: %v; the log:\n%s", args[1], found, st.log(ts))
		}
	default:
		ts.Fatalf("unknown: server %s", args[0])
	}
}

func (st *running) log(ts *testscript.TestScript) string {
	text, err := os.ReadFile(ts.MkAbs(filepath.Join(ts.Getenv("WORK"), "server.log")))
	ts.Check(err)
	return string(text)
}

// start runs wiped serve on a free port of the loopback, without block devices unless told, and waits until it listens.
// It fails if the server ends before that.
func (st *running) start(ts *testscript.TestScript, flags []string) error {
	return st.launch(ts, func() (*exec.Cmd, error) {
		flags := append([]string{"serve", "--listen", "127.0.0.1:0", "--state", filepath.Join(ts.Getenv("WORK"), "state"), "--drives", "none"}, flags...)
		return asProgram(ts, "wiped", flags...)
	})
}

// asProgram is one of the programs that this test binary can be.
func asProgram(ts *testscript.TestScript, name string, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath(filepath.Join(ts.Getenv("PATH")[:strings.IndexByte(ts.Getenv("PATH"), ':')], name))
	return &exec.Cmd{Path: path, Args: append([]string{name}, args...)}, err
}

func (st *running) launch(ts *testscript.TestScript, server func() (*exec.Cmd, error)) error {
	work := ts.Getenv("WORK")
	logged, err := os.OpenFile(filepath.Join(work, "server.log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	ts.Check(err)
	defer logged.Close()
	from, err := logged.Seek(0, 2)
	ts.Check(err)
	if st.cmd, err = server(); err != nil {
		return err
	}
	st.cmd.Dir, st.cmd.Stdout, st.cmd.Stderr = work, logged, logged
	cmd, gone := st.cmd, make(chan struct{}) // a later start of the same story has its own
	st.gone = gone
	ts.Check(cmd.Start())
	go func() { _ = cmd.Wait(); close(gone) }()
	ts.Defer(func() { _ = cmd.Process.Kill(); <-gone })
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if port := listening(logged.Name(), from); port != "" {
			ts.Setenv("PORT", port)
			return nil
		}
		select {
		case <-st.gone:
			return fmt.Errorf("the server ended: %s", st.log(ts))
		default:
		}
	}
	return fmt.Errorf("the server does not listen: %s", st.log(ts))
}

var listeningOn = regexp.MustCompile(`listening on 127\.0\.0\.1:(\d+)`)

func listening(path string, from int64) (port string) {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if _, err := f.Seek(from, 0); err != nil {
		return ""
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if m := listeningOn.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	return ""
}

// pause holds the server up, and returns when each of its threads stands: none has a write under way then.
func (st *running) pause(ts *testscript.TestScript) {
	ts.Check(st.cmd.Process.Signal(syscall.SIGSTOP))
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if stands(ts, st.cmd.Process.Pid) {
			return
		}
	}
	ts.Fatalf("the server does not stand: %s", st.log(ts))
}

// stands says whether each thread of a process is stopped: state T of proc_pid_stat(5), behind the name in brackets.
func stands(ts *testscript.TestScript, pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	ts.Check(err)
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		ts.Check(err)
		if !strings.HasPrefix(string(text[strings.LastIndexByte(string(text), ')')+1:]), " T") {
			return false
		}
	}
	return len(stats) > 0
}

func (st *running) wait(ts *testscript.TestScript) (code int) {
	select {
	case <-st.gone:
		return st.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		ts.Fatalf("the server does not end: %s", st.log(ts))
		return -1
	}
}
