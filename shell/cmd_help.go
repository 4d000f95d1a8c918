package shell

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"wiped/auth"
)

var help = command{
	name: "help", args: "[COMMAND]", role: auth.Viewer, max: 1, words: commandWords,
	short:   "this list, or all about one command",
	long:    "help COMMAND shows its flags and an example; COMMAND --help does the same.",
	example: "help erase",
}

// prepare is set here because help prints the list that it stands in.
func init() {
	help.prepare = func(*pflag.FlagSet) func(*call) error { return showHelp }
}

func showHelp(c *call) error {
	if len(c.args) == 0 {
		return overview(c)
	}
	cmd := c.sh.find(c.args[0])
	if cmd == nil {
		return fail(exitUsage, "%s: there is no such command. Next: help", quoted(c.args[0]))
	}
	return cmd.help(c)
}

func overview(c *call) error {
	var rows [][]string
	for _, cmd := range c.sh.commands() {
		note := cmd.short
		if !c.s.Who.Role.Allows(cmd.role) {
			note += fmt.Sprintf(" (needs the role %s)", cmd.role)
		}
		rows = append(rows, []string{strings.TrimSpace(cmd.name + " " + shortArgs(cmd)), note})
	}
	table(c.out, c.width(), []column{{"COMMAND", 0}, {"", 20}}, rows)
	c.printf("\nA day's work: drives; erase sdb; watch; certificate 7. help COMMAND says more.\n")
	return nil
}

// shortArgs leaves out the flags: the overview must fit the screen.
func shortArgs(cmd *command) string {
	args, _, _ := strings.Cut(cmd.args, " [--")
	args, _, _ = strings.Cut(args, " [flags]")
	if strings.HasPrefix(args, "[--") {
		return ""
	}
	return args
}

// help prints all about one command.
func (cmd *command) help(c *call) error {
	c.printf("%s\n", cmd.usage())
	if len(cmd.aliases) > 0 {
		c.printf("also called %s\n", strings.Join(cmd.aliases, ", "))
	}
	if !c.s.Who.Role.Allows(cmd.role) {
		c.printf("needs the role %s, yours is %s\n", cmd.role, c.s.Who.Role)
	}
	c.printf("\n")
	paragraph(c.out, c.width(), 0, cmd.long)
	fs := cmd.flagSet()
	cmd.prepare(fs)
	if fs.HasFlags() {
		c.printf("\n")
		table(c.out, c.width(), []column{{}, {least: 20}}, flagRows(fs))
	}
	if cmd.example != "" {
		c.printf("\nFor example:\n    %s\n", cmd.example)
	}
	return nil
}

func flagRows(fs *pflag.FlagSet) (rows [][]string) {
	fs.VisitAll(func(f *pflag.Flag) {
		value, text := pflag.UnquoteUsage(f)
		rows = append(rows, []string{strings.TrimSpace("--" + f.Name + " " + strings.TrimSuffix(value, "[=true|false]")), text})
	})
	return rows
}
