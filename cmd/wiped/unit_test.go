package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// unit is what a file for systemd says in [Service]: name -> words, each time that it is there.
type unit map[string][]string

var unitSetting = regexp.MustCompile(`(?m)^([A-Za-z]+)=(.*)$`)

func readUnit(path string) (unit, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, service, _ := strings.Cut(string(text), "\n[Service]\n")
	service, _, _ = strings.Cut(service, "\n[")
	u := unit{}
	for _, m := range unitSetting.FindAllStringSubmatch(service, -1) {
		u[m[1]] = append(u[m[1]], strings.Fields(m[2])...)
	}
	return u, nil
}

// is tells whether a setting that is a yes or no is yes.
func (u unit) is(name string) bool { return slices.Equal(u[name], []string{"yes"}) }

// unitFile is the unit that is installed.
const unitFile = "../../docs/wiped.service"

// calls are the system calls that the unit leaves the program. groups is the folder of lists to use where systemd is not at hand.
func (u unit) calls(groups string) (names []string, err error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	for _, word := range u["SystemCallFilter"] {
		some := []string{word}
		if strings.HasPrefix(word, "@") {
			if some, err = callsOf(word, groups); err != nil {
				return nil, err
			}
		} else if _, ok := machine.SyscallNames[word]; !ok {
			return nil, fmt.Errorf("there is no system call %s", word)
		}
		names = append(names, some...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		_, ok := machine.SyscallNames[name]
		return !ok // of other machines
	}), nil
}

// callsOf expands a group of system calls: systemd's own words if it is at hand, else those of one of its versions.
func callsOf(name, groups string) (calls []string, err error) {
	var text []byte
	if path, failed := exec.LookPath("systemd-analyze"); failed == nil {
		text, err = exec.Command(path, "syscall-filter", "--no-pager", name).Output()
	} else {
		text, err = os.ReadFile(filepath.Join(groups, strings.TrimPrefix(name, "@")+".list"))
	}
	if err != nil {
		return nil, fmt.Errorf("there is no group of system calls %s: %w", name, err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line == name || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "@"):
			more, err := callsOf(line, groups)
			if err != nil {
				return nil, err
			}
			calls = append(calls, more...)
		default:
			calls = append(calls, line)
		}
	}
	return calls, nil
}

// TestUnitWords: systemd knows every word of the unit. What it does not know it leaves out, with a warning that nobody reads.
func TestUnitWords(t *testing.T) {
	u, err := readUnit(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := u.calls("testdata/unit"); err != nil || len(names) < 100 {
		t.Errorf("it leaves %d system calls: %v", len(names), err)
	}
	if path, err := exec.LookPath("systemd-analyze"); err == nil {
		out, _ := exec.Command(path, "verify", "--no-pager", unitFile).CombinedOutput() // its exit code also says that the program is not installed
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "wiped.service:") && !strings.Contains(line, "is not executable") {
				t.Error(strings.TrimSpace(line))
			}
		}
	}
}
