// Package health asks drives for their condition by way of smartctl, and judges the answer. It changes nothing on a drive,
// knows no command set, and must not be used to decide whether an erase succeeded.
package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"wiped/engine/drive"
)

// arguments make smartctl read and nothing else. The information, the verdict and the counters (-i -H -A), SCSI's count of
// uncorrected errors (-l error), the end of self-tests, the endurance used (-l ssd) and the list of pending defects, which
// SCSI drives count nowhere else. Of the logs that -x or -a would read besides, none is judged here. A drive whose platters
// stand still is left alone (-n standby).
var arguments = []string{"--json=c", "-n", "standby", "-i", "-H", "-A", "-l", "error", "-l", "selftest", "-l", "ssd", "-l", "defects"}

// Limits of one call. A whole answer is some tens of KiB.
const (
	limit   = 10 * time.Second
	grace   = time.Second // from the kill to the end of the process; more takes only one that hangs in the kernel
	maximum = 1 << 20     // bytes
)

// Read asks the drive at path, an absolute path, for its health. Whatever keeps the drive from answering is in the reasons of
// an unknown health; the error is for a path that is none, and for ctx. It returns after 11 s at most, also when the drive has
// caught smartctl in the kernel; until that one has ended the same path is not asked again.
//
// A drive that is busy erasing itself must not be asked: the question could wait for the end of the erase.
func Read(ctx context.Context, path string) (drive.Health, error) { return standard.read(ctx, path) }

var standard = &asker{places: []string{"/usr/sbin", "/sbin"}, limit: limit, grace: grace, stuck: map[string]bool{}}

// asker runs smartctl. places are searched after PATH, which seldom names them for a user that is not root.
type asker struct {
	places       []string
	limit, grace time.Duration

	mu    sync.Mutex
	stuck map[string]bool // paths whose smartctl could not be ended
}

func (a *asker) read(ctx context.Context, path string) (drive.Health, error) {
	if !filepath.IsAbs(path) {
		return drive.Health{}, fmt.Errorf("ask for the health of %q: not an absolute path", path)
	}
	program := a.find()
	if program == "" {
		return unknown("smartctl is not installed"), nil
	}
	if a.isStuck(path) {
		return unknown("an earlier smartctl hangs on this drive"), nil
	}
	out, err := a.run(ctx, program, path)
	switch {
	case ctx.Err() != nil:
		return drive.Health{}, fmt.Errorf("ask for the health of %s: %w", path, ctx.Err())
	case errors.Is(err, context.DeadlineExceeded):
		return unknown(fmt.Sprintf("the drive did not answer smartctl within %s", a.limit)), nil
	case len(out) == 0 && err != nil:
		return unknown("smartctl failed: " + drive.Clean(err.Error())), nil
	}
	return Parse(out), nil
}

func (a *asker) find() string {
	for _, name := range append([]string{"smartctl"}, a.places...) {
		if name != "smartctl" {
			name = filepath.Join(name, "smartctl")
		}
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	return ""
}

func (a *asker) isStuck(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stuck[path]
}

// run returns what smartctl printed. Its exit status says in bits what the text says in words, so it is not looked at.
func (a *asker) run(ctx context.Context, program, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.limit)
	out := &limited{}
	cmd := exec.CommandContext(ctx, program, append(arguments[:len(arguments):len(arguments)], path)...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdout, cmd.WaitDelay = out, a.grace/2
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
			return err // ended already: its number may be another's
		}
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		err := cmd.Wait()
		a.mark(path, false)
		ended <- err
	}()
	return a.await(ctx, path, out, ended)
}

// await waits for the end, or for the deadline and then a little longer: a process that hangs in the kernel on its drive
// cannot be killed, and nobody must wait for it.
func (a *asker) await(ctx context.Context, path string, out *limited, ended <-chan error) ([]byte, error) {
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		a.mark(path, true)
		select {
		case <-ended:
			a.mark(path, false)
		case <-time.After(a.grace):
		}
		return nil, ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return out.bytes(), nil
}

func (a *asker) mark(path string, stuck bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if stuck {
		a.stuck[path] = true
	} else {
		delete(a.stuck, path)
	}
}

// limited keeps the first bytes of an output that has no business to be longer.
type limited struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p[:min(len(p), maximum-l.b.Len())])
	return len(p), nil
}

func (l *limited) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Bytes()
}

func unknown(reasons ...string) drive.Health {
	if len(reasons) == 0 || strings.Join(reasons, "") == "" {
		reasons = []string{"nothing is known of it"}
	}
	return drive.Health{Word: "unknown", Reasons: reasons}
}
