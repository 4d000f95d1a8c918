package shell

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"wiped/auth"
)

// optional is a flag in a usage line.
var optional = regexp.MustCompile(`\[--[^\]]*\]`)

// Every command has all that help, completion, the roles and the audit are derived from.
func TestCommandTable(t *testing.T) {
	names := map[string]bool{}
	for _, cmd := range commands() {
		for _, name := range append([]string{cmd.name}, cmd.aliases...) {
			if names[name] || name == "" || strings.ContainsAny(name, " \t'\"") {
				t.Errorf("%q names two commands, or cannot be typed", name)
			}
			names[name] = true
		}
		switch {
		case cmd.role <= auth.Nobody || cmd.role > auth.Admin:
			t.Errorf("%s needs the role %s; want one that somebody has", cmd.name, cmd.role)
		case cmd.changes && cmd.role < auth.Operator:
			t.Errorf("%s changes something and needs only the role %s; want operator or admin", cmd.name, cmd.role)
		case cmd.short == "" || cmd.long == "" || cmd.prepare == nil:
			t.Errorf("%s has no short, no long or no prepare", cmd.name)
		case strings.HasSuffix(cmd.short, ".") || strings.Contains(cmd.short, "\n") || !strings.HasSuffix(cmd.long, "."):
			t.Errorf("%s: short %q, long %q; want a phrase and sentences", cmd.name, cmd.short, cmd.long)
		case cmd.min < 0 || (cmd.max >= 0 && cmd.max < cmd.min):
			t.Errorf("%s takes %d to %d words; want a range", cmd.name, cmd.min, cmd.max)
		case (cmd.max == 0) != (strings.TrimSpace(optional.ReplaceAllString(cmd.args, "")) == ""):
			t.Errorf("%s takes at most %d words, and its usage is %q", cmd.name, cmd.max, cmd.usage())
		}
		fs := cmd.flagSet()
		if run := cmd.prepare(fs); run == nil {
			t.Errorf("%s prepares nothing to run", cmd.name)
		}
		fs.VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || f.Shorthand != "" {
				t.Errorf("%s --%s: usage %q, shorthand %q; want a usage, no shorthand", cmd.name, f.Name, f.Usage, f.Shorthand)
			}
		})
		if cmd.example != "" && cmd.name != "write:" {
			words, err := split(cmd.example)
			if err != nil || (words[0] != cmd.name && !slices.Contains(cmd.aliases, words[0])) {
				t.Errorf("the example of %s is %q, %v; want it to be one", cmd.name, cmd.example, err)
			} else if _, _, err := cmd.parse(words[1:]); err != nil {
				t.Errorf("the example of %s, %q, is refused: %v", cmd.name, cmd.example, err)
			}
		}
	}
	if find := New(Config{}); find.find("hello") != &hello || find.find("exit") != &goodbye || find.find("HELLO") != nil || find.find("") != nil {
		t.Error("find does not find commands by name and alias alone")
	}
}

// The roles of the contract.
func TestRoles(t *testing.T) {
	want := map[string]auth.Role{"write:": auth.Operator, "erase": auth.Operator, "format": auth.Operator, "cancel": auth.Operator, "resume": auth.Operator, "audit": auth.Admin}
	for _, cmd := range commands() {
		if cmd.appliance {
			continue
		}
		role, ok := want[cmd.name]
		if !ok {
			role = auth.Viewer
		}
		if cmd.role != role {
			t.Errorf("%s needs the role %s; want %s", cmd.name, cmd.role, role)
		}
		if changes := role == auth.Operator; cmd.changes != changes {
			t.Errorf("%s changes something: %v; want %v", cmd.name, cmd.changes, changes)
		}
	}
	for _, name := range []string{"hello", "write:", "messages", "goodbye", "help", "whoami", "version", "drives", "drive", "methods", "erase", "format", "jobs", "job", "watch", "cancel", "resume",
		"certificate", "signer", "audit", "on-error"} {
		if !slices.ContainsFunc(commands(), func(c *command) bool { return c.name == name }) {
			t.Errorf("there is no command %s", name)
		}
	}
}

// Help fits the plainest screen.
func TestHelpFits(t *testing.T) {
	for _, role := range []auth.Role{auth.Viewer, auth.Admin} {
		s := &session{Session: &Session{Mode: Exec, Who: auth.Identity{Role: role}}, sh: New(Config{})}
		var text bytes.Buffer
		c := &call{s: s, sh: s.sh, out: &text}
		if err := overview(c); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range commands() {
			if !cmd.appliance && !strings.Contains(text.String(), cmd.name) {
				t.Errorf("help does not show %s", cmd.name)
			}
			if err := cmd.help(c); err != nil {
				t.Fatal(err)
			}
			if role == auth.Viewer && !role.Allows(cmd.role) && !strings.Contains(text.String(), "needs the role "+cmd.role.String()) {
				t.Errorf("help of %s does not say that it needs the role %s", cmd.name, cmd.role)
			}
		}
		for line := range strings.Lines(text.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("help line of %d columns: %q; want 80 at most", n, line)
			}
		}
	}
}
