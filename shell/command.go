package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"wiped/auth"
)

// command is one word of the shell. Help, completion, roles and the audit are derived from its fields.
type command struct {
	name      string
	aliases   []string
	args      string // "DRIVE... [flags]"
	short     string // one line
	long      string // what a daily user would tell a new one
	example   string
	role      auth.Role // who may run it; the zero value: nobody
	changes   bool      // it changes something: it is audited before and after
	stops     bool      // it only stops something: that is done even if it cannot be audited, for the wrong drive may be under way
	appliance bool      // there only where wiped is all that runs on the machine
	// ready tells why the command cannot do what it is for, whatever was said: nothing of it is audited then. nil: it always can.
	ready func(sh *Shell) error
	min   int   // fewest words after the flags
	max   int   // most; -1: any number
	words words // what its arguments are, for completion
	// prepare defines the command's flags and returns what runs it.
	prepare func(fs *pflag.FlagSet) func(c *call) error
}

// words is what completion offers for an argument.
type words int

const (
	noWords words = iota
	driveWords
	jobWords
	commandWords
	fixedWords
)

// call is one run of a command.
type call struct {
	ctx  context.Context // ends when the client left or the server stops; its cause says which
	sh   *Shell
	s    *session
	cmd  *command
	line string
	args []string
	out  io.Writer
	err  io.Writer
}

func (c *call) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// noFlags prepares a command that has none.
func noFlags(run func(c *call) error) func(*pflag.FlagSet) func(*call) error {
	return func(*pflag.FlagSet) func(*call) error { return run }
}

// commands are those that this station has.
func (sh *Shell) commands() []*command {
	return slices.DeleteFunc(commands(), func(cmd *command) bool { return cmd.appliance && sh.Machine == nil })
}

// find looks a command up by name or alias.
func (sh *Shell) find(name string) *command {
	for _, c := range sh.commands() {
		if c.name == name {
			return c
		}
		for _, a := range c.aliases {
			if a == name {
				return c
			}
		}
	}
	return nil
}

// errHelp says that --help was asked for.
var errHelp = errors.New("help asked for")

// parse reads flags and arguments of a command, and returns what runs it. Its errors are usage errors.
func (cmd *command) parse(args []string) (run func(*call) error, rest []string, err error) {
	fs := cmd.flagSet()
	run = cmd.prepare(fs)
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return nil, nil, errHelp
	case err != nil:
		return nil, nil, fail(exitUsage, "%s: %s. Next: help %s", cmd.name, quoted(err.Error()), cmd.name)
	}
	rest = fs.Args()
	switch {
	case len(rest) < cmd.min:
		return nil, nil, fail(exitUsage, "%s: too few words. Usage: %s", cmd.name, cmd.usage())
	case cmd.max >= 0 && len(rest) > cmd.max:
		return nil, nil, fail(exitUsage, "%s: too many words: %s. Usage: %s", cmd.name, quoted(strings.Join(rest[cmd.max:], " ")), cmd.usage())
	}
	return run, rest, nil
}

func (cmd *command) flagSet() *pflag.FlagSet {
	fs := pflag.NewFlagSet(cmd.name, pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.SortFlags = false
	return fs
}

func (cmd *command) usage() string { return strings.TrimSpace(cmd.name + " " + cmd.args) }
