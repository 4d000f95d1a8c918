package shell

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"wiped/engine/method"
)

// values are the words that may follow a flag.
var values = map[string]func() []string{
	"--method": method.Names,
	"--level":  func() []string { return []string{"clear", "purge"} },
	"--verify": func() []string { return []string{"full", "sample", "none"} },
	"--format": func() []string { return []string{"text", "json", "sig"} },
}

// fixed are the words that a command knows as arguments.
var fixed = map[string][]string{
	"audit":    {"verify"},
	"on-error": {"continue", "stop"},
}

// complete offers words for the end of a line: commands, flags and their values, drives, jobs, methods. It offers no
// serial for --confirm: that one is to be read off the drive.
func (s *session) complete(line string) []string {
	before := strings.FieldsFunc(line, func(r rune) bool { return r < 0x80 && isBlank(byte(r)) })
	if len(before) > 0 && !isBlank(line[len(line)-1]) {
		before = before[:len(before)-1]
	}
	if len(before) == 0 {
		return s.commandNames()
	}
	cmd := s.sh.find(before[0])
	if cmd == nil {
		return nil
	}
	last := before[len(before)-1]
	if offer := values[last]; offer != nil {
		return offer()
	}
	if last == "--confirm" || last == "--note" || last == "--since" {
		return nil
	}
	return append(s.arguments(cmd), cmd.flagNames()...)
}

// commandNames are the commands that this person may run.
func (s *session) commandNames() (names []string) {
	for _, cmd := range s.sh.commands() {
		if s.Who.Role.Allows(cmd.role) {
			names = append(names, cmd.name)
		}
	}
	return names
}

func (cmd *command) flagNames() (names []string) {
	fs := cmd.flagSet()
	cmd.prepare(fs)
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

func (s *session) arguments(cmd *command) (words []string) {
	switch cmd.words {
	case driveWords:
		all, err := s.sh.Engine.Drives()
		if err != nil {
			return nil
		}
		for _, d := range all {
			words = append(words, quote(d.Name))
		}
	case jobWords:
		views, err := s.sh.Engine.Jobs(time.Now().Add(-recent))
		if err != nil {
			return nil
		}
		for _, v := range views {
			words = append(words, fmt.Sprint(v.Job.ID))
		}
	case commandWords:
		return s.commandNames()
	case fixedWords:
		return fixed[cmd.name]
	}
	return words
}
