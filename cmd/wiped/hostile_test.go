//go:build hostile

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// hostile is one way to misbehave towards the SSH server.
type hostile struct {
	number int    // as docs/testing.md counts them
	name   string // what the client does
	attack func(*target)
	flags  []string         // of serve
	drives map[string]int64 // besides the worker's and the idle one, with their sizes in bytes
	// closed says that the case itself keeps newcomers out or cuts others off, by intent: what the witness notices of that is no
	// failure. The case says what must hold instead.
	closed bool
	// own says that the case has servers of its own and there is nothing to be measured from outside.
	own bool
	// brief is part of the short run, HOSTILE=short.
	brief bool
	// race takes the program built with the race detector, which is so much slower that answers are not judged.
	race bool
}

// TestHostile runs every case against a built wiped that erases a drive meanwhile, with an innocent client at work on it.
func TestHostile(t *testing.T) {
	all := cases()
	if os.Getenv("HOSTILE") == "short" {
		whole := len(all)
		all = slices.DeleteFunc(all, func(c hostile) bool { return !c.brief })
		t.Logf("left out: %d of %d cases; make nightly has them all", whole-len(all), whole)
	}
	var done []*outcome
	t.Cleanup(func() { report(t, done) })
	watchman := newNeighbour(t, false)
	for _, c := range all {
		o := c.once(t, watchman, false)
		if o.late { // by the machine's fault, or by ours: then again
			first := o
			o = c.once(t, watchman, true)
			o.note("second run; in the first the longest answer took %.0f ms, jobs ran at %.2f", first.Answer, first.JobRatio)
		}
		if o.asked {
			done = append(done, o)
		}
	}
	judgeAll(t, done)
}

// judgeAll holds the jobs of all cases together, those of the shortest too, against the jobs at the server that nobody attacks.
func judgeAll(t *testing.T, done []*outcome) {
	var bytes, fair, seconds float64
	for _, o := range done {
		bytes, fair, seconds = bytes+o.JobBytes, fair+o.FairBytes, seconds+o.JobSeconds
	}
	if fair == 0 {
		return
	}
	t.Logf("jobs of attacked servers ran for %.0f s, at %.2f of the pace of those at a server that nobody attacked", seconds, bytes/fair)
	if bytes/fair < leastInAll && seconds > longEnoughInAll {
		t.Errorf("that is less than %.2f", leastInAll)
	}
}

// For how many seconds jobs must have run to be judged: one that stands still for a moment of the machine's is no slow job. The cases that
// are shorter are judged together with the others.
const (
	longEnough      = 3
	longEnoughInAll = 30
)

// once runs a case; last says that there is no second run.
func (c hostile) once(t *testing.T, watchman *neighbour, last bool) *outcome {
	o := &outcome{Case: c.number, Name: c.name, Result: "FAILED"}
	t.Run(fmt.Sprintf("%02d_%s", c.number, strings.ReplaceAll(c.name, " ", "_")), func(t *testing.T) {
		o.asked = true
		t.Cleanup(func() {
			if !t.Failed() {
				o.Result = "passed"
			}
		})
		if c.own {
			c.attack(&target{T: t, outcome: o, number: c.number, neighbour: watchman})
			return
		}
		besiege(t, c, o, watchman, last)
	})
	return o
}

// outcome is a row of the table for docs/testing.md. Times are in milliseconds, memory in bytes, of all processes of the server.
type outcome struct {
	Case   int    `json:"case"`
	Name   string `json:"name"`
	Result string `json:"result"`
	Note   string `json:"note,omitempty"`
	// The longest that others waited for an answer to hello on an open connection: before, during the case; at the same time with a
	// server that nobody attacks; and for a new login with hello.
	AnswerBefore    float64 `json:"answer_before_ms"`
	Answer          float64 `json:"answer_ms"`
	AnswerNeighbour float64 `json:"answer_unattacked_ms"`
	Login           float64 `json:"login_ms"`
	Answers         int     `json:"answers"`
	// Bytes a second of the worker's jobs during the case, over those of the neighbour's; how long jobs of the worker ran.
	JobRatio          float64 `json:"job_ratio"`
	JobSeconds        float64 `json:"job_seconds"`
	Seconds           float64 `json:"seconds"`
	Descriptors       int     `json:"descriptors_before"`
	DescriptorsPeak   int     `json:"descriptors_peak"`
	DescriptorsAfter  int     `json:"descriptors_after"`
	Goroutines        int     `json:"goroutines_before,omitempty"`
	GoroutinesAfter   int     `json:"goroutines_after,omitempty"`
	ResidentBefore    int64   `json:"resident_before_bytes"`
	ResidentPeak      int64   `json:"resident_peak_bytes"`
	ResidentAfter     int64   `json:"resident_after_bytes"`
	AnonymousBefore   int64   `json:"anonymous_before_bytes"`
	AnonymousAfter    int64   `json:"anonymous_after_bytes"`
	ProcessesOfServer int     `json:"processes"`

	asked bool // by -run
	// Bytes of the worker's jobs, and those they would have been at the neighbour's pace.
	JobBytes  float64 `json:"job_bytes"`
	FairBytes float64 `json:"job_bytes_unattacked"`

	late bool // witness or worker waited too long
}

// note adds to what the row says in words.
func (o *outcome) note(format string, args ...any) {
	if o.Note != "" {
		o.Note += "; "
	}
	o.Note += fmt.Sprintf(format, args...)
}

// report prints the table and keeps it as bin/hostile.json.
func report(t *testing.T, done []*outcome) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\twhat the client does\tresult\tothers waited ms\tunattacked ms\tnew login ms\tjob\tdescriptors\tgoroutines\tMB before/peak/after\tkB kept\tseconds")
	for _, o := range done {
		fmt.Fprintf(w, "%d\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.2f\t%d/%d/%d\t%d/%d\t%d/%d/%d\t%d\t%.1f\n", o.Case, o.Name, o.Result, o.Answer, o.AnswerNeighbour, o.Login,
			o.JobRatio, o.Descriptors, o.DescriptorsPeak, o.DescriptorsAfter, o.Goroutines, o.GoroutinesAfter,
			o.ResidentBefore>>20, o.ResidentPeak>>20, o.ResidentAfter>>20, (o.AnonymousAfter-o.AnonymousBefore)>>10, o.Seconds)
	}
	w.Flush()
	for _, o := range done {
		if o.Note != "" {
			fmt.Fprintf(&text, "case %d: %s\n", o.Case, o.Note)
		}
	}
	fmt.Print(text.String())
	if len(done) < len(cases()) { // only some were asked for: the table of a whole run stays
		return
	}
	all, err := json.MarshalIndent(done, "", "  ")
	if err == nil {
		err = os.WriteFile("../../bin/hostile.json", append(all, '\n'), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}
