package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestUnitPrivileges holds the systemd unit to what the program keeps by itself.
func TestUnitPrivileges(t *testing.T) {
	unit, err := os.ReadFile("../../docs/wiped.service")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindSubmatch(unit)
	if line == nil {
		t.Fatal("the unit has no CapabilityBoundingSet")
	}
	granted := strings.Fields(strings.ToLower(string(line[1])))
	slices.Sort(granted)
	kept := slices.Sorted(slices.Values(privileges))
	if !slices.Equal(granted, kept) {
		t.Errorf("the unit grants %v, the program keeps %v", granted, kept)
	}
}
