package shell

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
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
}

func listMethods(c *call, asJSON bool) error {
	list := method.All()
	if len(c.args) > 0 {
		d, err := c.sh.Engine.Drive(c.args[0])
		if err != nil {
			return err
		}
		list = engine.MethodsFor(d.Info)
	}
	if asJSON {
		docs := []methodJSON{}
		for _, m := range list {
			docs = append(docs, methodJSON{m.Name, m.Title, m.Level.String(), m.Legacy, m.PassTitles(), m.DefaultVerify.String(), m.Claim(), m.Proves})
		}
		return c.json(docs)
	}
	legacy := false
	for _, m := range list {
		if m.Legacy && !legacy {
			legacy = true
			c.printf("Legacy pattern lists, only when named with --method:\n\n")
		}
		printMethod(c, m)
	}
	return nil
}

func printMethod(c *call, m method.Method) {
	c.printf("%s: %s, %s, then verify %s\n", m.Name, m.Level, count(len(m.Passes), "pass", "passes"), m.DefaultVerify)
	paragraph(c.out, c.width(), 4, "passes: "+passList(m.PassTitles()))
	paragraph(c.out, c.width(), 4, "standard: "+m.Claim())
	if !m.Legacy {
		paragraph(c.out, c.width(), 4, "proves: "+m.Proves)
	}
	c.printf("\n")
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
