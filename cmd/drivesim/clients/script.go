// Package clients holds the simulated drives against programs that know nothing of wiped: a script names drives, commands, and what
// those are to print. It knows nothing of what drives do.
package clients

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Step is one command and what is expected of it.
type Step struct {
	Line    int
	Command string // {NAME} stands for the device of a drive
	Within  bool   // it may take until it is so
	Want    *regexp.Regexp
}

// Section is some drives and what is done with them.
type Section struct {
	Line   int
	Drives []string
	Steps  []Step
}

// Parse reads a script. Its lines are
//
//	drive scsi KNOBS         one drive more; after a command: the drives so far are done with, and this is the first of others
//	command => expression    what it prints, and then "exit N", matches
//	command ~> expression    does so within 30 s
//
// In an expression "." is any character, and ^ and $ are at the lines' ends.
func Parse(text string) (sections []Section, err error) {
	now := Section{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		drive, isDrive := strings.CutPrefix(line, "drive ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case isDrive:
			if len(now.Steps) > 0 {
				sections, now = append(sections, now), Section{}
			}
			if len(now.Drives) == 0 {
				now.Line = i + 1
			}
			now.Drives = append(now.Drives, drive)
		default:
			step, err := parseStep(line)
			if err == nil && len(now.Drives) == 0 {
				err = errors.New("there is no drive yet")
			}
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			step.Line = i + 1
			now.Steps = append(now.Steps, step)
		}
	}
	if len(now.Drives) > 0 {
		sections = append(sections, now)
	}
	return sections, nil
}

func parseStep(line string) (s Step, err error) {
	command, want, ok := strings.Cut(line, " => ")
	if !ok {
		if command, want, ok = strings.Cut(line, " ~> "); !ok {
			return s, errors.New("a step is COMMAND => EXPRESSION")
		}
		s.Within = true
	}
	s.Command = strings.TrimSpace(command)
	s.Want, err = regexp.Compile("(?sm)" + strings.TrimSpace(want))
	return s, err
}
