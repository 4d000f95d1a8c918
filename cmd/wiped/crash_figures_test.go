//go:build crash

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashFigures are what a run counts, as bin/crash.json holds it. Every number is counted where it happens.
type crashFigures struct {
	mu      sync.Mutex
	Seed    uint64         `json:"seed"`
	Kills   map[string]int `json:"kills"`          // by the moment that was aimed at
	Shown   map[string]int `json:"shown"`          // by what a restart then showed of a job
	Cuts    map[string]int `json:"cuts,omitempty"` // power cuts, by what was cut and how it was looked at
	Resumed int            `json:"jobs_resumed"`
	Ended   int            `json:"jobs_ended"`
	Acked   int            `json:"acknowledgements_checked"`
	Issued  int            `json:"certificates_compared"`
	Bytes   int64          `json:"bytes_checked"`
	Lost    int64          `json:"sectors_lost_by_cuts,omitempty"`
	Faults  int            `json:"faults_found"`
	Seconds int            `json:"seconds"`
}

func (f *crashFigures) count(change func(*crashFigures)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *crashFigures) killed() (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(sum(f.Kills))
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// note writes the figures of one part of the suite to bin/crash.json and bin/crash.txt when the test has ended, beside those of
// the other part.
func (f *crashFigures) note(t *testing.T, part string) {
	begun := time.Now()
	t.Cleanup(func() {
		f.Seconds = int(time.Since(begun).Seconds() + 0.5)
		if t.Failed() && f.Faults == 0 {
			f.Faults = 1 // what ended the run was not counted
		}
		text, err := f.save(part)
		if err != nil {
			t.Error(err)
		}
		t.Logf("\n%s", text)
	})
}

func (f *crashFigures) save(part string) (text string, err error) {
	dir := filepath.Join("..", "..", "bin")
	file := filepath.Join(dir, "crash.json")
	all := map[string]*crashFigures{}
	if old, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(old, &all) // of a version that is no more: written anew
	}
	all[part] = f
	doc, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, append(doc, '\n'), 0o644); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, part := range slices.Sorted(maps.Keys(all)) {
		b.WriteString(all[part].block(part))
	}
	return b.String(), os.WriteFile(filepath.Join(dir, "crash.txt"), []byte(b.String()), 0o644)
}

// block is the summary for people.
func (f *crashFigures) block(part string) string {
	var b strings.Builder
	line := func(what string, value any) { fmt.Fprintf(&b, "  %-58s %v\n", what, value) }
	table := func(title string, counts map[string]int) {
		if len(counts) == 0 {
			return
		}
		line(title, sum(counts))
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			line("    "+name, counts[name])
		}
	}
	fmt.Fprintf(&b, "%s (seed %d, %d s)\n", part, f.Seed, f.Seconds)
	table("kill -9 aimed at", f.Kills)
	table("power cuts", f.Cuts)
	table("what restarts showed of jobs that were under way", f.Shown)
	line("jobs resumed", f.Resumed)
	line("jobs brought to their end", f.Ended)
	line("acknowledgements found again", f.Acked)
	line("certificates issued again, byte for byte", f.Issued)
	line("MB of drives compared byte by byte", f.Bytes/1e6)
	if f.Lost > 0 {
		line("sectors that were acknowledged, not flushed, and lost", f.Lost)
	}
	line("faults found", f.Faults)
	return b.String()
}
