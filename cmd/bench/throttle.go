package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// throttle is a cgroup whose processes read and write devices no faster than they are told to.
type throttle struct {
	dir     string
	version int
}

// newThrottle makes one under blkio (cgroup v1) or, where there is none, under io (v2).
func (l *lab) newThrottle() (*throttle, error) {
	for _, t := range []*throttle{{"/sys/fs/cgroup/blkio", 1}, {"/sys/fs/cgroup", 2}} {
		if !t.usable() {
			continue
		}
		root := t.dir
		t.dir = filepath.Join(root, filepath.Base(l.dir)+strconv.Itoa(len(l.undo)))
		if err := os.Mkdir(t.dir, 0o755); err != nil {
			return nil, fmt.Errorf("make a throttle: %w", err)
		}
		l.later(func() error { return removeGroup(t.dir) })
		return t, nil
	}
	return nil, errors.New("this machine has neither the blkio controller of cgroup v1 nor the io controller of v2")
}

func (t *throttle) usable() bool {
	if t.version == 1 {
		_, err := os.Stat(t.dir + "/cgroup.procs")
		return err == nil
	}
	return tell(t.dir+"/cgroup.subtree_control", "+io") == nil
}

// removeGroup waits a little for processes that are ending.
func removeGroup(dir string) (err error) {
	for range 100 {
		if err = os.Remove(dir); !errors.Is(err, syscall.EBUSY) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// limit holds reads and writes of a device to so many bytes a second each.
func (t *throttle) limit(d device, rate int64) error {
	number, err := d.number()
	if err != nil {
		return err
	}
	if t.version == 2 {
		return tell(t.dir+"/io.max", fmt.Sprintf("%s rbps=%d wbps=%d", number, rate, rate))
	}
	line := fmt.Sprintf("%s %d", number, rate)
	return errors.Join(tell(t.dir+"/blkio.throttle.read_bps_device", line), tell(t.dir+"/blkio.throttle.write_bps_device", line))
}

// command is one that is under the throttle from its start.
func (t *throttle) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return command(ctx, "sh", append([]string{"-c", `echo $$ > "$0" && exec "$@"`, t.dir + "/cgroup.procs", name}, args...)...)
}

// enter puts a process and what it starts under the throttle.
func (t *throttle) enter(pid int) error { return tell(t.dir+"/cgroup.procs", strconv.Itoa(pid)) }
