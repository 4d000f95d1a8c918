//go:build vm

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	drivesim "wiped/cmd/drivesim/bench"
)

// TestFaultsVM meets sick drives in a machine, made by the kernel's own device-mapper, null_blk and scsi_debug, and by the
// simulator, and harms wiped's state, clock and process while it works. -faults FILE keeps the figures.
func TestFaultsVM(t *testing.T) {
	v := prerequisites(t)
	defer tellFaults(t)
	s := v.sickbay(t, map[string][]byte{"impatient": impatient(t)})
	defer s.kept(t)
	s.serve(t, "/bin/wiped")
	part := func(name string, run func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			defer func() { t.Logf("%s: %.0f s", name, time.Since(begun).Seconds()) }()
			run(t)
		})
	}
	part("drives", func(t *testing.T) {
		s.simulate(t, sickDrives, "s")
		s.meetAll(t, sickDrives, "s")
	})
	part("scsi_debug", func(t *testing.T) {
		for n, c := range debugDrives {
			t.Run(serial("d", n), func(t *testing.T) { s.meet(t, c, serial("d", n)) })
		}
	})
	part("together", s.together)
	part("state", s.upsets)
	part("broken state", s.brokenState)
	part("killed", func(t *testing.T) { s.killedOver(t, leftAlone, "k") })
	part("power cut", func(t *testing.T) { s.cutOver(t, outside, "p") })
	part("hopeless", func(t *testing.T) {
		s.killServer(t)
		list := append(slices.Clone(hopeless), endless...)
		s.simulate(t, list, "g")
		s.serve(t, "/impatient")
		s.meetAll(t, list, "g")
	})
	part("cancelled", s.cancelStuck)
}

// simulated is what the simulator is told of drives.
func simulated(list []sick, prefix string) (lines []string) {
	for n, c := range list {
		if kind, rest, is := strings.Cut(c.sim, " "); is {
			lines = append(lines, fmt.Sprintf("%s name=%[2]s serial=%[2]s %[3]s fill=\"OLD CONTENT \"", kind, serial(prefix, n), rest))
		}
	}
	return lines
}

func serial(prefix string, n int) string { return strings.ToUpper(prefix) + fmt.Sprintf("%02d", n) }

// atOnce is how many drives are erased at once: the machine has two processors, and emulated ones at that.
const atOnce = 8

// meetAll meets drives, some at once.
func (s *sickbay) meetAll(t *testing.T, list []sick, prefix string) {
	var ended sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for n, c := range list {
		ended.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			t.Run(serial(prefix, n), func(t *testing.T) { s.meet(t, c, serial(prefix, n)) })
		})
	}
	ended.Wait()
}

// meet makes a drive, lets wiped erase it, harms it meanwhile, and holds everything that is said of it against what must be and
// against the medium.
func (s *sickbay) meet(t *testing.T, c sick, name string) {
	drive := name + " --confirm " + name
	if c.makes != "" {
		s.mu.Lock()
		drive = s.confirmed(t, lastWord(s.do(t, name, c.makes)))
		s.mu.Unlock()
	}
	if c.ready != "" {
		s.do(t, name, c.ready)
	}
	stream, code, ended := s.erase(strings.TrimSpace("erase "+drive+" --wait "+c.flags), c.when, func() { s.do(t, name, c.then) })
	m := met{Story: c.story, Peer: c.peer, Fault: c.fault, Says: strings.TrimSpace(stream)}
	defer func() { m.record(t) }()
	id := jobNumber.FindStringSubmatch(stream)
	switch {
	case id != nil && ended:
		s.judge(t, c, &m, name, id[1]+id[2], stream, code)
	case id == nil && ended && code == 3 && strings.Contains(c.result, "refused"):
		m.Result = "refused"
	default:
		m.Wrong = append(m.Wrong, fmt.Sprintf("ended: %v, exit code %d", ended, code))
	}
	if c.after != "" {
		s.do(t, name, c.after)
	}
	if c.makes != "" {
		s.do(t, name, "clear") // a machine full of drives is slow
	}
}

func lastWord(text string) string {
	words := strings.Fields(text)
	if words == nil {
		return ""
	}
	return words[len(words)-1]
}

// judge holds all that is said of a job against what must be and against the medium.
func (s *sickbay) judge(t testing.TB, c sick, m *met, name, id, stream string, code int) {
	said, wrong := agree(s.ssh, id, stream, code)
	m.Result, m.Wrong = said.Result, wrong
	m.Says = lastLine(stream, id)
	if !slices.Contains(strings.Split(c.result, "|"), said.Result) || !regexp.MustCompile(c.says).MatchString(m.Says) {
		m.Wrong = append(m.Wrong, fmt.Sprintf("it is %s, to be %s and to say %q", said.Result, c.result, c.says))
		m.False = said.Result == "erased"
	}
	for _, list := range []struct {
		what      string
		got, want []area
	}{{"not writable", said.unwritten(), c.bad}, {"unreadable", said.Verification.Unreadable, c.unread}, {"different", said.Verification.Mismatches, c.differ}} {
		if list.want != nil && !slices.Equal(list.got, list.want) {
			m.Wrong = append(m.Wrong, fmt.Sprintf("areas on record as %s: %v, want %v", list.what, list.got, list.want))
		}
	}
	if c.blind {
		return
	}
	if odd := said.holds(s.medium(t, c, name)); len(odd) > 0 {
		m.Wrong = append(m.Wrong, odd...)
		m.False = m.False || said.Result == "erased"
	}
}

// medium is what is really on a drive.
func (s *sickbay) medium(t testing.TB, c sick, name string) []byte {
	t.Helper()
	if s.outside != nil {
		medium, err := s.outside(name)
		if err != nil {
			t.Errorf("%s: look at the medium: %v", name, err)
		}
		return medium
	}
	if c.sim != "" {
		_, medium, err := drivesim.Ask("tcp:127.0.0.1:"+s.control, name, "read", "0", "0")
		if err != nil {
			t.Errorf("%s: look at the medium: %v", name, err)
		}
		return medium
	}
	below := c.below
	if below == "" {
		below = "cat /media/$N"
	}
	said, code, err := s.does(fmt.Sprintf("N=%s\nsync\n%s", name, below))
	if err != nil || code != 0 {
		t.Errorf("%s: look at the medium: %d, %v", name, code, err)
	}
	return []byte(said)
}

// kept writes a file of the machine's last moments, where WIPED_FAULTS_LOG names a folder.
func (s *sickbay) kept(t testing.TB) {
	if dir := os.Getenv("WIPED_FAULTS_LOG"); dir != "" {
		said, _, _ := s.does("cat /run/wiped.log /run/sim.log; dmesg")
		if err := os.WriteFile(filepath.Join(dir, "machine.log"), []byte(said), 0o644); err != nil {
			t.Error(err)
		}
	}
}
