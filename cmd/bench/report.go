package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// report is all that one run found out: bench.json.
type report struct {
	When    time.Time            `json:"when"`
	Short   bool                 `json:"short"`
	Machine machine              `json:"machine"`
	Peers   map[string]string    `json:"peers"` // program -> version
	Facts   map[string]string    `json:"facts"`
	Failed  map[string]string    `json:"failed"` // experiment -> why
	Drives  []int                `json:"drives"`
	Jobs    []int                `json:"jobs"`
	Figures map[string][]float64 `json:"figures"` // DEVICE/WHO/WHAT, one for each round; rates in bytes a second, else seconds or bytes
}

type machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	Memory     int64  `json:"memory_bytes"`
	Kernel     string `json:"kernel"`
}

func (l *lab) report() *report {
	return &report{When: time.Now().UTC().Truncate(time.Second), Short: l.short, Machine: thisMachine(), Peers: versions(), Facts: l.facts,
		Failed: l.failed, Drives: l.form.drives, Jobs: l.form.jobs, Figures: l.figures}
}

var model = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)

func thisMachine() machine {
	m := machine{Processors: runtime.NumCPU(), Processor: runtime.GOARCH}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := model.FindSubmatch(text); found != nil {
			m.Processor = string(found[1])
		}
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return m
}

// versions asks the peers what they are.
func versions() map[string]string {
	found := map[string]string{}
	for name, args := range map[string][]string{
		"fio": {"fio", "--version"}, "dd": {"dd", "--version"}, "shred": {"shred", "--version"}, "nwipe": {"nwipe", "--version"}, "OpenSSH": {"ssh", "-V"},
	} {
		out, _ := exec.Command(args[0], args[1:]...).CombinedOutput()
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		found[name] = first
	}
	return found
}

func (r *report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	return err
}

func readReport(file string) (*report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w. Next: make bench", err)
	}
	r := &report{}
	return r, json.Unmarshal(text, r)
}
