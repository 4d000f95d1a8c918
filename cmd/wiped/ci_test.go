package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNightly has a night with a part that fails: the others are made all the same, the table tells them apart, and the night has failed.
func TestNightly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Makefile")
	if err := os.WriteFile(file, []byte("good also:\n\t@echo $@ is made\nbad:\n\t@false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	night := func(parts ...string) (said string, code int) {
		cmd := exec.Command("../../.ci/nightly", parts...)
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") }), "MAKE=make -s -f "+file)
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	said, code := night("good", "bad", "also")
	if !strings.Contains(said, "also is made") || code != 1 {
		t.Errorf("exit code %d; want 1:\n%s", code, said)
	}
	if table := regexp.MustCompile(`\n\ngood +passed +\d+ s\nbad +FAILED +\d+ s\nalso +passed +\d+ s\n$`); !table.MatchString(said) {
		t.Errorf("its table is not the end of\n%s", said)
	}
	if said, code := night("good", "also"); code != 0 {
		t.Errorf("exit code %d of a night without a failure:\n%s", code, said)
	}
}

// TestNightIsWhole: what CI has in short, and every suite that CI does not have, is a part of the night.
func TestNightIsWhole(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	makefile, run := read("Makefile"), read(".ci/run")
	line := regexp.MustCompile(`(?m)^NIGHT_PARTS = (.*)$`).FindStringSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no NIGHT_PARTS")
	}
	parts := strings.Fields(line[1])
	short := regexp.MustCompile(`(?m)^step make (\S+) \S+=`).FindAllStringSubmatch(run, -1)
	suites := regexp.MustCompile(`(?m)^(test-\S+|bench|fuzz-nightly):`).FindAllStringSubmatch(makefile, -1)
	if len(short) < 5 || len(suites) < 8 {
		t.Fatalf("found in .ci/run %q, in the Makefile %q", short, suites)
	}
	for _, found := range slices.Concat(short, suites) {
		if name := found[1]; !slices.Contains(parts, name) && !slices.Contains(parts, name+"-nightly") {
			t.Errorf("%s is no part of the night: %q", name, parts)
		}
	}
}
