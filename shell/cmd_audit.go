package shell

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine/journal"
)

var audit = command{
	name: "audit", args: "[verify] [--json]", role: auth.Admin, max: 1, words: fixedWords,
	short: "who did what, when, from where, with what result",
	long: "Every login, every command that changes something, every refusal. `audit verify` reads the whole chain of hashes and says " +
		"whether it holds; exit code 1 if it does not.",
	example: "audit verify",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		asJSON := fs.Bool("json", false, "print one JSON object a line")
		return func(c *call) error {
			switch {
			case len(c.args) == 0:
				return c.auditEntries(*asJSON)
			case c.args[0] == "verify":
				return verifyAudit(c)
			}
			return fail(exitUsage, "audit %s: there is only audit and audit verify. Next: help audit", quoted(c.args[0]))
		}
	},
}

func (c *call) auditEntries(asJSON bool) error {
	damaged := 0
	err := c.sh.Audit.Entries(func(e journal.Entry) error {
		if e.Action == "damaged" {
			damaged++
		}
		return c.auditEntry(e, asJSON)
	})
	if err == nil && damaged > 0 {
		return fail(exitFailed, "%s of the audit cannot be read. Next: audit verify", count(damaged, "damaged line", "damaged lines"))
	}
	return err
}

func (c *call) auditEntry(e journal.Entry, asJSON bool) error {
	if asJSON {
		return c.json(e)
	}
	code := ""
	if e.Exit != nil {
		code = fmt.Sprintf(" exit %d", *e.Exit)
	}
	of := ""
	if e.Of != 0 {
		of = fmt.Sprintf(" of %d", e.Of)
	}
	line := fmt.Sprintf("%d %s %s %s %s%s%s %s %s", e.Seq, e.Time, journal.EscapeOnce(e.Operator), journal.EscapeOnce(e.From), journal.EscapeOnce(e.Action),
		of, code, journal.EscapeOnce(e.Command), journal.EscapeOnce(strings.ReplaceAll(e.Detail, "\n", " / ")))
	_, err := fmt.Fprintln(c.out, strings.TrimRight(line, " "))
	return err
}

func verifyAudit(c *call) error {
	n, err := c.sh.Audit.Verify()
	if err != nil {
		return &failure{exitFailed, fmt.Sprintf("the audit chain is BROKEN after %d entries: %v. Next: compare audit.jsonl with a copy", n, err), err}
	}
	c.printf("the audit chain holds: %d entries\n", n)
	return nil
}
