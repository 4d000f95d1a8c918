package shell

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/drive"
	"wiped/engine/method"
)

var methods = command{
	name: "methods", args: "[DRIVE] [--json]", role: auth.Viewer, max: 1, words: driveWords,
	short: "the ways to erase, best first",
	long: "Without DRIVE: the whole catalogue. With DRIVE: what that drive can do; the first line is what `erase` does if you do not say. " +
		"Methods marked legacy are there for contracts that name them and run only when named; one pass of random reaches as far.",
	example: "methods sdb",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		asJSON := fs.Bool("json", false, "print one JSON array")
		return func(c *call) error { return listMethods(c, *asJSON) }
	},
}

type methodJSON struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Level    string   `json:"level"`
	Legacy   bool     `json:"legacy"`
	Passes   []string `json:"passes"`
	Verify   string   `json:"verify"`
	Standard string   `json:"standard"`
	Proves   string   `json:"proves"`

	Action      *string `json:"action"`        // what the drive does to itself, in place of passes
	OnlyNamed   bool    `json:"only_named"`    // it runs only when named
	Cancellable bool    `json:"cancellable"`   // while it runs
	Seconds     *int64  `json:"takes_seconds"` // the drive's own estimate; null: none, or no drive was named
	Warning     *string `json:"warning"`       // what is to be known of it on this drive; null: nothing, or no drive was named
}

func listMethods(c *call, asJSON bool) error {
	list, d := method.All(), engine.DriveView{}
	if len(c.args) > 0 {
		var err error
		if d, err = c.sh.Engine.Drive(c.args[0]); err != nil {
			return err
		}
		list = engine.MethodsFor(d.Answers)
	}
	if asJSON {
		docs := []methodJSON{}
		for _, m := range list {
			docs = append(docs, methodDocument(m, d.Answers))
		}
		return c.json(docs)
	}
	legacy := false
	for _, m := range list {
		if m.Legacy && !legacy {
			legacy = true
			c.printf("Legacy pattern lists, only when named with --method:\n\n")
		}
		printMethod(c, m, d.Answers)
	}
	if len(d.Cannot) > 0 || d.Answers.Problem != "" {
		c.printf("Not to be had on %s now:\n\n", d.Name)
	}
	for _, line := range cannotLines(d) {
		paragraph(c.out, c.width(), 4, line)
	}
	return nil
}

// cannotLines says which methods of its command set a drive cannot do now, and why.
func cannotLines(d engine.DriveView) (lines []string) {
	if d.Answers.Problem != "" {
		lines = append(lines, "whatever it does to itself: "+d.Answers.Problem)
	}
	for _, cannot := range d.Cannot {
		line := cannot.Method + ": " + cannot.Why
		if cannot.Next != "" {
			line += ". Next: " + cannot.Next
		}
		lines = append(lines, line)
	}
	return lines
}

func methodDocument(m method.Method, a drive.Answers) methodJSON {
	doc := methodJSON{Name: m.Name, Title: m.Title, Level: m.Level.String(), Legacy: m.Legacy, Passes: m.PassTitles(), Verify: m.DefaultVerify.String(),
		Standard: m.Claim(), Proves: m.Proves, Action: known(string(m.Action)), OnlyNamed: !m.ByChoice(), Cancellable: m.Action == ""}
	ability, _ := a.Ability(m.Action)
	doc.Warning = known(ability.Warn)
	if ability.Takes > 0 {
		seconds := int64(ability.Takes / time.Second)
		doc.Seconds = &seconds
	}
	return doc
}

func printMethod(c *call, m method.Method, a drive.Answers) {
	if m.Action != "" {
		c.printf("%s: %s, by the drive itself, then verify %s\n", m.Name, m.Levels(), m.DefaultVerify)
		paragraph(c.out, c.width(), 4, "does: "+m.Title)
		for _, line := range abilityLines(m, a) {
			paragraph(c.out, c.width(), 4, line)
		}
	} else {
		c.printf("%s: %s, %s, then verify %s\n", m.Name, m.Level, count(len(m.Passes), "pass", "passes"), m.DefaultVerify)
		paragraph(c.out, c.width(), 4, "passes: "+passList(m.PassTitles()))
	}
	paragraph(c.out, c.width(), 4, "standard: "+m.Claim())
	if !m.Legacy {
		paragraph(c.out, c.width(), 4, "proves: "+m.Proves)
	}
	c.printf("\n")
}

// abilityLines says what is special about an action, on this drive where there is one.
func abilityLines(m method.Method, a drive.Answers) []string {
	lines := []string{"cannot be cancelled; goes on when the server is stopped, and is picked up again"}
	if m.OnlyNamed {
		lines = append(lines, "runs only when named with --method")
	}
	ability, _ := a.Ability(m.Action)
	if ability.Warn != "" {
		lines = append(lines, "warning: "+ability.Warn)
	}
	if ability.Takes > 0 {
		lines = append(lines, "takes "+duration(ability.Takes)+", as the drive says")
	}
	var reaches []string
	for _, r := range ability.Reaches {
		reaches = append(reaches, strings.TrimSpace(r.Name+" "+r.What))
	}
	if len(reaches) > 0 {
		lines = append(lines, "also erases "+strings.Join(reaches, ", ")+", which must be named and confirmed too")
	}
	return lines
}

// passList names passes in order, repeated ones once with their number.
func passList(titles []string) string {
	var list []string
	for n := 0; n < len(titles); {
		same := n
		for same < len(titles) && titles[same] == titles[n] {
			same++
		}
		text := titles[n]
		if same-n > 1 {
			text = fmt.Sprintf("%d x %s", same-n, text)
		}
		list = append(list, text)
		n = same
	}
	return strings.Join(list, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
