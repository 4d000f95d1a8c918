package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// station is a server that runs as a process of its own, wiped or another.
type station struct {
	cmd    *exec.Cmd
	addr   string
	took   time.Duration // from its start until it listened
	client *ssh.Client   // wiped only
	gone   chan error
}

// newState makes a state directory with the operator's key in it.
func (l *lab) newState() (dir string, err error) {
	if dir, err = os.MkdirTemp(l.dir, "state-"); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "authorized_keys"), []byte(`role="admin" `+l.key.public), 0o600)
}

// station starts wiped over devices, with a new state, and logs in.
func (l *lab) station(devices ...device) (*station, error) {
	state, err := l.newState()
	if err != nil {
		return nil, err
	}
	return l.stationIn(state, nil, devices...)
}

// stationIn does so with a state that is there, and with more flags.
func (l *lab) stationIn(state string, flags []string, devices ...device) (*station, error) {
	choice := "none"
	if len(devices) > 0 {
		choice = strings.Join(names(devices), ",")
	}
	flags = append([]string{"serve", "--listen", "127.0.0.1:0", "--state", state, "--drives", choice}, flags...)
	cmd := command(l.ctx, l.wiped, flags...)
	errOut, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	s, err := l.start(cmd, errOut)
	if err != nil {
		return nil, fmt.Errorf("start wiped: %w", err)
	}
	if s.client, err = l.key.dial(s.addr, nil); err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	return s, nil
}

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

// start runs a server and waits until it says where it listens. It is ended when the lab closes, or by end.
func (l *lab) start(cmd *exec.Cmd, says io.Reader) (*station, error) {
	s := &station{cmd: cmd, gone: make(chan error, 1)}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l.later(s.end)
	found := make(chan string, 1)
	go func() {
		var said strings.Builder
		lines := bufio.NewScanner(says)
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				s.took = time.Since(began)
				s.addr = m[1]
				found <- ""
				_, _ = io.Copy(io.Discard, says)
				break
			}
			said.WriteString(lines.Text() + "; ")
		}
		found <- said.String()
		s.gone <- cmd.Wait()
	}()
	select {
	case said := <-found:
		if s.addr == "" {
			return nil, fmt.Errorf("it ended before it listened: %s", said)
		}
		return s, nil
	case <-time.After(patience):
		return nil, errors.New("it does not listen")
	}
}

// end asks the server to end, and waits.
func (s *station) end() error {
	if s.cmd == nil {
		return nil
	}
	if s.client != nil {
		s.client.Close()
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.gone:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.gone
	}
	s.cmd = nil
	return nil
}

func (s *station) pid() int { return s.cmd.Process.Pid }

// processes are the server and what it has started, by their ids. wiped is two: one that speaks SSH, and one that holds the drives.
func (s *station) processes() []int { return family(s.pid()) }

func family(pid int) []int {
	all := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range tasks { // each thread has those that it started itself
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, family(child)...)
			}
		}
	}
	return all
}

// cpu is the processor time that the server has used, all its processes and threads together: the clock that
// clock_getcpuclockid(3) names.
func (s *station) cpu() (used time.Duration) {
	const scheduler = 2 // CPUCLOCK_SCHED
	for _, pid := range s.processes() {
		var t unix.Timespec
		if unix.ClockGettime(int32(^pid)<<3|scheduler, &t) == nil {
			used += time.Duration(t.Nano())
		}
	}
	return used
}

// status is the sum of a value in bytes out of the server's /proc/PID/status: VmRSS, VmHWM. What its processes share counts for each.
func (s *station) status(name string) (bytes int64, err error) {
	for _, pid := range s.processes() {
		one, err := statusOf(pid, name)
		if err != nil {
			return 0, err
		}
		bytes += one
	}
	return bytes, nil
}

func statusOf(pid int, name string) (bytes int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			_, err = fmt.Sscanf(rest, "%d kB", &bytes)
			return bytes * kib, err
		}
	}
	return 0, fmt.Errorf("no %s in the status of a process", name)
}

// forgetPeak makes VmHWM begin anew (proc(5), clear_refs).
func (s *station) forgetPeak() error {
	var errs []error
	for _, pid := range s.processes() {
		errs = append(errs, tell(fmt.Sprintf("/proc/%d/clear_refs", pid), "5"))
	}
	return errors.Join(errs...)
}

// command is exec.CommandContext, but it asks the process to end before it makes it end.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// explain adds what a command said to the error that it ended with.
func explain(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}
