package nvmetcp

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// step is a line of testdata/clients.txt:
//
//	drive KNOBS               a new drive, connected, with its disks there
//	offer KNOBS               a new drive that the commands connect themselves, to ADDR, PORT and NQN
//	command => expression     what it prints, and then "exit N", matches
//	command ~> expression     does so within 12 s
//
// CTRL is /dev/nvme0, NAME nvme0; NS1 and NS2 are its disks in the order of their names.
type step struct {
	line    int
	knobs   string
	connect bool
	command string
	want    *regexp.Regexp // nil: a new drive
	tries   int            // half a second apart
}

func parseScript(text string) ([]step, error) {
	var steps []step
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s := step{line: i + 1, tries: 1}
		switch word, knobs, _ := strings.Cut(line, " "); word {
		case "drive", "offer":
			s.knobs, s.connect = knobs, word == "drive"
			steps = append(steps, s)
			continue
		}
		command, expression, ok := strings.Cut(line, " => ")
		if !ok {
			command, expression, ok = strings.Cut(line, " ~> ")
			s.tries = 24
		}
		want, err := regexp.Compile("(?s)" + expression)
		if !ok || err != nil || len(steps) == 0 {
			return nil, fmt.Errorf("line %d: neither a drive nor a command with what to expect of it: %w", i+1, err)
		}
		s.command, s.want = command, want
		steps = append(steps, s)
	}
	return steps, nil
}

// TestClientScript: the file that only a guest can carry out is in order, and each of its drives can be made.
func TestClientScript(t *testing.T) {
	text, err := os.ReadFile("testdata/clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parseScript(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.want == nil {
			newBench(t, s.knobs)
		}
	}
	for _, bad := range []string{"a => b", "drive\nfrobnicate", "drive\na => ("} {
		if _, err := parseScript(bad); err == nil {
			t.Errorf("%q is taken for a script", bad)
		}
	}
}
