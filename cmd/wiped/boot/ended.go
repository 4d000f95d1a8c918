package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// endedMark is in the server's environment, with how the one before it ended; empty: it is the first one of this boot.
const endedMark = "WIPED_ENDED"

// endedFile holds what the last server said of why it could not go on.
const endedFile = "/run/wiped/ended"

// Fail shows why the server cannot go on: on the console now, and in the status block of the one that is started instead.
func (m *Machine) Fail(why error) {
	m.problem("server", fmt.Errorf("the server does not start: %w", why))
	err := os.MkdirAll(filepath.Dir(endedFile), 0o700)
	if err == nil {
		err = replaceFile(endedFile, oneLine(why))
	}
	m.problem("ended file", err)
	s := m.status()
	m.Console.show(s.lines())
	m.Console.Flush()
}

// lastEnd is why the server before this one ended, if there was one in this boot.
func lastEnd(file string) error {
	how := os.Getenv(endedMark)
	if how == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		how += ", " + err.Error()
	}
	_ = os.Remove(file) // it is of this end alone
	if why := strings.TrimSpace(string(text)); why != "" {
		how += ": " + why
	}
	return fmt.Errorf("the server ended (%s) and was started again; jobs that it ran are interrupted and can be resumed", how)
}
