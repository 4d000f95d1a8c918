package shell

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"wiped/auth"
	"wiped/engine/method"
)

var update = flag.Bool("update", false, "write the reference pages of docs anew")

// TestReference holds docs/commands.md and docs/methods.md to what the program itself says; `make docs` writes them.
func TestReference(t *testing.T) {
	for file, want := range map[string]string{
		"../docs/commands.md": commandsPage(t),
		"../docs/methods.md":  methodsPage(),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the program says; write it anew with: make docs", file)
		}
	}
}

func commandsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the program's own help by `make docs`.\n")
	for _, cmd := range commands() {
		var text bytes.Buffer
		s := &session{Session: &Session{Mode: Exec, Who: auth.Identity{Role: auth.Admin}}}
		if err := cmd.help(&call{s: s, out: &text}); err != nil {
			t.Fatal(err)
		}
		where := ""
		if cmd.appliance {
			where = " Only on the appliance image."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s. Role: %s.%s\n\n```\n%s```\n", cmd.name, upperFirst(cmd.short), cmd.role, where, text.String())
	}
	return b.String()
}

func methodsPage() string {
	var b strings.Builder
	b.WriteString("# Methods\n\nMade from the catalogue by `make docs`. Every method reads back what its last pass wrote, or\nwhether anything is left of what was there before, unless told not to. `methods DRIVE` says which of them a drive can do, and why not the others.\n\n")
	b.WriteString("| method | level | passes, or what the drive does | called on paper |\n|---|---|---|---|\n")
	for _, m := range method.All() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Levels(), does(m), m.Claim())
	}
	b.WriteString("\n## What each proves\n\n")
	for _, m := range method.All() {
		fmt.Fprintf(&b, "- `%s`: %s.\n", m.Name, m.Proves)
	}
	return b.String()
}

// does is the passes of a method, or its action.
func does(m method.Method) string {
	if m.Action == "" {
		return passList(m.PassTitles())
	}
	text := m.Title + "; can be neither cancelled nor resumed, it is followed"
	if m.OnlyNamed {
		text += "; only when named"
	}
	return text
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
