package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Bench is the drives of a section while it runs.
type Bench interface {
	Devices() map[string]string // /dev/sdb by name
	Close() error
}

const (
	commandDeadline = 60 * time.Second
	within          = 30 * time.Second
)

// Run does a script. open makes the drives of a section; only, where not empty, is a word that the first drive's line must
// contain. What was asked and answered goes to out; the error says how many answers were not as expected.
func Run(sections []Section, only string, out io.Writer, open func(drives []string) (Bench, error)) error {
	wrong, all := 0, 0
	for _, section := range sections {
		if !strings.Contains(section.Drives[0], only) {
			continue
		}
		bench, err := open(section.Drives)
		if err != nil {
			return fmt.Errorf("line %d: %w", section.Line, err)
		}
		fmt.Fprintf(out, "== line %d: %s\n", section.Line, strings.Join(section.Drives, "\n   "))
		for _, step := range section.Steps {
			all++
			if !step.run(bench.Devices(), out) {
				wrong++
			}
		}
		if err := bench.Close(); err != nil {
			return fmt.Errorf("line %d: %w", section.Line, err)
		}
	}
	fmt.Fprintf(out, "%d commands, %d not as expected\n", all, wrong)
	if wrong > 0 || all == 0 {
		return errors.New("not all as expected")
	}
	return nil
}

// run does one command and tells whether the answer was the expected one.
func (s Step) run(devices map[string]string, out io.Writer) bool {
	command := s.Command
	for name, device := range devices {
		command = strings.ReplaceAll(command, "{"+name+"}", device)
	}
	var text string
	for end := time.Now().Add(within); ; time.Sleep(200 * time.Millisecond) {
		text = answer(command)
		if s.Want.MatchString(text) {
			fmt.Fprintf(out, "ok   %s\n%s", command, indent(text))
			return true
		}
		if !s.Within || time.Now().After(end) {
			break
		}
	}
	fmt.Fprintf(out, "FAIL line %d: %s\nwant %s\n%s", s.Line, command, s.Want, indent(text))
	return false
}

// answer is what a command prints, and its exit code.
func answer(command string) string {
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", command)
	c.WaitDelay = time.Second
	self, _ := os.Executable()
	c.Env = append(os.Environ(), "DRIVESIM="+self)
	b, err := c.CombinedOutput()
	code := c.ProcessState.ExitCode()
	if err != nil && c.ProcessState == nil {
		return err.Error() + "\n"
	}
	text := string(b)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return fmt.Sprintf("%sexit %d\n", text, code)
}

func indent(text string) string {
	return "     " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n     ") + "\n"
}
