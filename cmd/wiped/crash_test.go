//go:build crash

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// setting reads a number of the environment.
func setting(t testing.TB, name string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is a number: %v", name, err)
	}
	return n
}

// crashPlan is what one run of the suite does: how often it kills, and the seed of all that chance decides in it.
type crashPlan struct {
	seed  uint64
	kills int64
	only  int64 // the one round that is run again; -1: all
	next  atomic.Int64
	dir   string // on tmpfs, where a killed process loses nothing that it wrote
}

// TestCrashKills kills the real server with SIGKILL at moments that chance picks within each thing that it does, starts it again
// and holds what it then shows against the drives, read past it, and against all that was acknowledged before. The choices of
// a round follow from CRASH_SEED and its number alone; when exactly the kill strikes is up to the machine.
func TestCrashKills(t *testing.T) {
	plan := &crashPlan{seed: uint64(setting(t, "CRASH_SEED", time.Now().UnixNano())), kills: setting(t, "CRASHES", 200),
		only: setting(t, "CRASH_ROUND", -1)}
	t.Logf("CRASH_SEED=%d CRASHES=%d", plan.seed, plan.kills)
	useBinary(t)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil { // what a killed server leaves behind becomes a child of the test
		t.Fatal(err)
	}
	plan.dir = scratch(t)
	figures := &crashFigures{Seed: plan.seed, Kills: map[string]int{}, Shown: map[string]int{}}
	figures.note(t, "kills")
	t.Run("stations", func(t *testing.T) {
		for n, flags := range [][]string{nil, {"--parallel", "1"}} {
			t.Run(fmt.Sprint(n+1), func(t *testing.T) {
				t.Parallel()
				plan.work(t, n, figures, flags)
			})
		}
	})
}

// work is the life of one station: round after round until all kills are done. Its state is never thrown away in between.
func (p *crashPlan) work(t *testing.T, n int, figures *crashFigures, flags []string) {
	s := newCrashStation(t, p, figures, flags)
	if p.only >= 0 {
		if n == int(p.only)%2 {
			s.round(p, p.only)
		}
		return
	}
	s.seesWhoIsLeft()
	for figures.killed() < p.kills && !t.Failed() {
		s.round(p, p.next.Add(1)-1)
	}
	s.checkEverything()
}

// seesWhoIsLeft leaves a process behind, as a killed server might, and has nobodyIsLeft find it.
func (s *crashStation) seesWhoIsLeft() {
	s.t.Helper()
	link := filepath.Join(s.dir, "wiped")
	if err := os.Symlink("/bin/sleep", link); err != nil {
		s.t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `"$0" 1000 >/dev/null 2>&1 & echo $!`, link).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := eventually(func() error {
		if left := s.orphans(); !strings.Contains(strings.Join(left, "\n"), fmt.Sprintf("%d (", pid)) {
			return fmt.Errorf("process %d was left behind, and found were %q", pid, left)
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	_, _ = syscall.Wait4(pid, nil, 0, nil)
}

// round brings the station to one moment, kills it there, looks at what it shows afterwards, and lets every job come to its end.
func (s *crashStation) round(p *crashPlan, n int64) {
	moment := moments[n%int64(len(moments))]
	s.where, s.rng = fmt.Sprintf("round %d of CRASH_SEED=%d, %s", n, p.seed, moment.name), rand.New(rand.NewPCG(p.seed, uint64(n)))
	s.refill()
	moment.aim(s)
	s.strike(moment.name)
	s.settle()
}

// useBinary puts the program that make build made, or the one that WIPED names, before the test binary, which would else play its part.
func useBinary(t *testing.T) {
	t.Helper()
	file := os.Getenv("WIPED")
	if file == "" {
		file = filepath.Join("..", "..", "bin", "wiped")
	}
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("%v. Next: make build", err)
	}
	t.Setenv("PATH", filepath.Dir(file)+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// scratch is a folder on tmpfs.
func scratch(t *testing.T) string {
	t.Helper()
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "wiped-crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	return dir
}
