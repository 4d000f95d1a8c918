//go:build crash

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// locksAreFree: nothing of the server holds the journal or a drive any more, and nobody of it is left.
func (s *crashStation) locksAreFree() {
	s.t.Helper()
	defer s.nobodyIsLeft(time.Now())
	files := []string{"state/journal.db", "a.img", "b.img"}
	for _, name := range files {
		if err := eventuallySoon(func() error { return alone(func() error { return lockable(filepath.Join(s.dir, name)) }) }); err != nil {
			s.fault("%s is still locked after the server was killed: %v", name, err)
		}
	}
}

func lockable(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// survival is how long something of a killed server may still be there.
const survival = time.Second

func eventuallySoon(f func() error) (err error) {
	for end := time.Now().Add(survival); ; time.Sleep(5 * time.Millisecond) {
		if err = f(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// nobodyIsLeft: no process of a server that was killed is there a second later. The test is the subreaper: what a server leaves behind
// becomes its child.
func (s *crashStation) nobodyIsLeft(killed time.Time) {
	s.t.Helper()
	var left []string
	for {
		if left = s.orphans(); len(left) == 0 {
			return
		}
		if time.Since(killed) > survival {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.fault("a second after the kill there are still: %s", strings.Join(left, "; "))
}

// orphans are processes of this station's servers but the one that runs now, whose parent is gone. The servers of other stations
// are told apart by their state directory, which stands on their command line.
func (s *crashStation) orphans() (left []string) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == s.cmd.Process.Pid {
			continue
		}
		state, parent, name := processOf(pid)
		exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		program, _, _ := strings.Cut(string(line), "\x00")
		ours := strings.HasPrefix(name, "wiped") || filepath.Base(exe) == "wiped" || filepath.Base(program) == "wiped"
		others := strings.Contains(string(line), "--state") && !strings.Contains(string(line), s.dir+"/state")
		if parent != os.Getpid() || !ours || others || state == "Z" { // a zombie is gone
			continue
		}
		left = append(left, fmt.Sprintf("%d (%s, %s) %q", pid, name, state, line))
	}
	return left
}

// processOf reads proc(5), /proc/PID/stat.
func processOf(pid int) (state string, parent int, name string) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	open, end := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	if err != nil || open < 0 || end < 0 {
		return "", 0, ""
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 2 {
		return "", 0, ""
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent, string(stat[open+1 : end])
}
