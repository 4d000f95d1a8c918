package shell

import "wiped/auth"

var hello = command{
	name: "hello", role: auth.Viewer,
	short: "see whether the server hears you",
	long:  "Prints Hello! How are you? and nothing else: a script's way to see that the station is there and lets it in.",
	prepare: noFlags(func(c *call) error {
		c.printf("Hello! How are you?\n")
		return nil
	}),
}
