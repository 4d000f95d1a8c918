package shell

import (
	"fmt"

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
				return c.sh.Audit.Entries(func(e journal.Entry) error { return c.auditEntry(e, *asJSON) })
			case c.args[0] == "verify":
				return verifyAudit(c)
			}
			return fail(exitUsage, "audit %s: there is only audit and audit verify. Next: help audit", clean(c.args[0]))
		}
	},
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
	_, err := fmt.Fprintf(c.out, "%d %s %s %s %s%s%s %s %s\n", e.Seq, e.Time, clean(e.Operator), e.From, e.Action, of, code, clean(e.Command), clean(e.Detail))
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
