package shell

import "wiped/auth"

var goodbye = command{
	name: "goodbye", aliases: []string{"exit", "quit"}, role: auth.Viewer,
	short: "leave; running jobs go on",
	long:  "Closes the session with exit code 0. Jobs never stop because somebody leaves: log in again and watch them.",
	prepare: noFlags(func(c *call) error {
		c.printf("Noooo don't go awayyyyy...\n")
		c.s.leaving = true
		return nil
	}),
}
