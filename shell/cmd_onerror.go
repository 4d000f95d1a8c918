package shell

import "wiped/auth"

var onError = command{
	name: "on-error", args: "continue|stop", role: auth.Viewer, min: 1, max: 1, words: fixedWords,
	short: "lines mode: go on after a line that fails, or stop there",
	long: "A script given to `ssh -T` stops at its first failing line and exits with that line's code. After `on-error continue` " +
		"it goes on instead, and each failure is one line `error CODE: ...` on standard error: for programs that keep a connection open.",
	example: "on-error continue",
	prepare: noFlags(func(c *call) error {
		switch c.args[0] {
		case "continue", "stop":
			c.s.goOn = c.args[0] == "continue"
			return nil
		}
		return fail(exitUsage, "on-error %s: there is only continue and stop. Next: help on-error", quoted(c.args[0]))
	}),
}
