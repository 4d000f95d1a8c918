package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestFaultsHost is the part of the fault suite that needs no machine of its own: loop devices and image files that something
// happens to. -faults FILE keeps the figures.
func TestFaultsHost(t *testing.T) {
	words := maps.Clone(verbs())
	words["spoil"] = cmdSpoil
	words["truth"] = func(ts *testscript.TestScript, neg bool, args []string) { cmdTruth(t, ts, args) }
	t.Run("stories", func(t *testing.T) {
		testscript.Run(t, testscript.Params{Dir: "testdata/faults", Setup: setUpStation, Condition: condition, RequireExplicitExec: true,
			RequireUniqueNames: true, Cmds: words})
	})
	tellFaults(t)
}

// cmdSpoil: spoil NAME FILE OFFSET... writes two bytes at each offset of FILE, a thousand times a second, until `release NAME`.
func cmdSpoil(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[1]), os.O_WRONLY, 0)
	ts.Check(err)
	stop, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer f.Close()
		for {
			for _, text := range args[2:] {
				if at, err := strconv.ParseInt(text, 10, 64); err == nil {
					_, _ = f.WriteAt([]byte("XY"), at) // a story that spoiled nothing fails
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	end := sync.OnceFunc(func() { close(stop); <-gone })
	ts.Defer(end)
	held.Store([2]string{ts.Getenv("WORK"), args[0]}, end)
}

// cmdTruth: truth FAULT PEER RESULT[|RESULT] [-job ID] [-unwritable AREAS] [-unreadable AREAS] [-different AREAS] [MEDIUM] holds all
// that is said of a job against what its medium holds. The job is the one that the last erase --wait told of, whose exit code the story
// has asked for already. AREAS are OFFSET+LENGTH,... in bytes, or "none". FAULT "-" is none.
func cmdTruth(t testing.TB, ts *testscript.TestScript, args []string) {
	fault, peer, results := strings.TrimPrefix(args[0], "-"), args[1], strings.Split(args[2], "|")
	stream := ts.ReadFile("stdout")
	list := ids(stream)
	areas := map[string]string{}
	for args = args[3:]; len(args) > 1 && strings.HasPrefix(args[0], "-"); args = args[2:] {
		areas[args[0]] = args[1]
	}
	id := areas["-job"]
	if id == "" && len(list) == 1 {
		id = list[0]
	}
	if id == "" {
		ts.Fatalf("which job? %v", list)
	}
	ask := func(who, command string) (out, errOut string, code int) {
		var o, e bytes.Buffer
		cmd := exec.Command("ssh", sshArgs(ts, who, "-T", "op@127.0.0.1", command)...)
		cmd.Stdout, cmd.Stderr = &o, &e
		_ = cmd.Run()
		return o.String(), strings.TrimSpace(e.String()), cmd.ProcessState.ExitCode()
	}
	said, wrong := agree(ask, id, stream, -1)
	m := met{Story: ts.Name(), Peer: peer, Fault: fault, Result: said.Result, Says: lastLine(stream, id), Wrong: wrong}
	if !slices.Contains(results, said.Result) {
		m.Wrong, m.False = append(m.Wrong, fmt.Sprintf("it is %s, to be %s", said.Result, strings.Join(results, " or "))), said.Result == "erased"
	}
	for flag, got := range map[string][]area{"-unwritable": said.unwritten(), "-unreadable": said.Verification.Unreadable, "-different": said.Verification.Mismatches} {
		if want, given := areas[flag]; given && want != written(got) {
			m.Wrong = append(m.Wrong, fmt.Sprintf("areas on record as %s: %s, want %s", strings.TrimPrefix(flag, "-"), written(got), want))
		}
	}
	if len(args) > 0 {
		medium, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		if odd := said.holds(medium); len(odd) > 0 {
			m.Wrong, m.False = append(m.Wrong, odd...), m.False || said.Result == "erased"
		}
	}
	m.record(t)
	if len(m.Wrong) > 0 {
		ts.Fatalf("%s\n%s", strings.Join(m.Wrong, "\n"), m.Says)
	}
}

// written is how a story writes areas.
func written(areas []area) string {
	var words []string
	for _, a := range areas {
		words = append(words, fmt.Sprintf("%d+%d", a.Offset, a.Length))
	}
	if words == nil {
		return "none"
	}
	return strings.Join(words, ",")
}

// ids are the jobs that a stream tells of, in the order of their beginning.
func ids(stream string) (list []string) {
	for _, m := range jobNumber.FindAllStringSubmatch(stream, -1) {
		if id := m[1] + m[2]; !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}
