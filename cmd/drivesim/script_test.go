package main

import (
	"os"
	"strings"
	"testing"

	"wiped/cmd/drivesim/clients"
	"wiped/cmd/drivesim/scenario"
)

// TestClientsScript: the script for independent programs is in order, and names only drives that it has. What those programs say is
// seen on a kernel with target_core_user alone: drivesim check testdata/clients.txt.
func TestClientsScript(t *testing.T) {
	text, err := os.ReadFile("testdata/clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	sections, err := clients.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range sections {
		s, err := scenario.Parse(strings.Join(section.Drives, "\n"))
		if err != nil {
			t.Errorf("line %d: %v", section.Line, err)
		}
		for _, step := range section.Steps {
			command := step.Command
			for _, d := range s.Drives {
				command = strings.ReplaceAll(command, "{"+d.Name+"}", "/dev/x")
			}
			if strings.Contains(command, "{") {
				t.Errorf("line %d: a drive that there is not: %s", step.Line, command)
			}
		}
	}
}
