package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var faultsFile = flag.String("faults", "", "write the figures of the fault suite to this file")

// met is one drive of the fault suite, and what became of it.
type met struct {
	Story  string   `json:"story"`
	Peer   string   `json:"peer"` // what was in the way: dm-flakey, scsi_debug, loop, ...
	Fault  string   `json:"fault"`
	Result string   `json:"result"`
	Says   string   `json:"says"` // the last status line
	Wrong  []string `json:"wrong,omitempty"`
	False  bool     `json:"false_erased,omitempty"`
}

// figures are those of all stories of this process.
type figures struct {
	Drives  int            `json:"drives"`
	Faults  map[string]int `json:"faults"`  // by kind, how many drives had it
	Peers   map[string]int `json:"peers"`   // drives
	Results map[string]int `json:"results"` // jobs
	False   int            `json:"false_erased"`
	Wrong   int            `json:"not_agreeing"`
	Stories []met          `json:"stories"`
}

var (
	faultsMu  sync.Mutex
	faultsMet []met
)

// record notes a drive and complains in the test if anything of it is wrong. Erased is false where it must not be so, and where
// the medium is not what the certificate says.
func (m met) record(t testing.TB) {
	faultsMu.Lock()
	faultsMet = append(faultsMet, m)
	faultsMu.Unlock()
	t.Logf("%s (%s): %s", m.Story, m.Peer, m.Says)
	for _, w := range m.Wrong {
		t.Errorf("%s (%s): %s\n%s", m.Story, m.Peer, w, m.Says)
	}
	if m.False {
		t.Errorf("%s (%s): FALSELY CALLED ERASED: %s", m.Story, m.Peer, m.Says)
	}
}

// tellFaults prints what all stories of this process came to, and writes it to the file that was asked for.
func tellFaults(t *testing.T) {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	f := figures{Faults: map[string]int{}, Peers: map[string]int{}, Results: map[string]int{}, Stories: faultsMet, Drives: len(faultsMet)}
	for _, m := range faultsMet {
		f.Peers[m.Peer]++
		f.Results[m.Result]++
		f.Wrong += len(m.Wrong)
		if m.Fault != "" {
			f.Faults[m.Fault]++
		}
		if m.False {
			f.False++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "faults: %d drives\n", f.Drives)
	for _, part := range []struct {
		what string
		n    map[string]int
	}{{"faults", f.Faults}, {"peers", f.Peers}, {"results", f.Results}} {
		fmt.Fprintf(&b, "%s:\n", part.what)
		for _, name := range slices.Sorted(maps.Keys(part.n)) {
			fmt.Fprintf(&b, "  %4d %s\n", part.n[name], name)
		}
	}
	fmt.Fprintf(&b, "answers that do not agree: %d\nfalse erased: %d", f.Wrong, f.False)
	t.Log("\n" + b.String())
	if *faultsFile == "" {
		return
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Clean(*faultsFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}
