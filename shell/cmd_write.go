package shell

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine/journal"
)

var write = command{
	name: "write:", args: "TEXT", role: auth.Operator, changes: true, max: -1,
	short: "leave a message for everybody who works here",
	long: "Everything after `write:` and one blank is the text, byte for byte: no quotes are needed and none are taken away. " +
		"Message saved! is said when the message is on disk. Read messages with `messages`.",
	example: "write: bay 4 is jammed, don't force it",
	ready:   func(sh *Shell) error { return notSaved(sh.Messages.Room()) },
	prepare: noFlags(saveMessage),
}

func saveMessage(c *call) error {
	if err := notSaved(c.sh.Messages.Save(time.Now(), c.s.Who.Name, c.args[0])); err != nil {
		return err
	}
	c.printf("Message saved!\n")
	return nil
}

// notSaved is what the operator reads if a message could not be kept.
func notSaved(err error) error {
	if err == nil {
		return nil
	}
	return &failure{exitFailed, "message NOT saved: " + noRoom(err), err}
}

var messages = command{
	name: "messages", args: "[--json]", role: auth.Viewer,
	short:   "read the messages that were left",
	long:    "Shows every message with its time and who left it. Control characters are shown escaped, as in \\x1b.",
	prepare: prepareMessages,
}

func prepareMessages(fs *pflag.FlagSet) func(*call) error {
	asJSON := fs.Bool("json", false, "print one JSON array")
	return func(c *call) error {
		if *asJSON {
			return c.messagesJSON()
		}
		return c.sh.Messages.Each(func(m journal.Message) error {
			_, err := fmt.Fprintf(c.out, "%s  %s  %s\n", clean(m.Time), journal.EscapeOnce(m.Operator), clean(m.Text))
			return err
		})
	}
}

// messagesJSON prints one array, an element at a time: the file may be larger than what a session should hold.
func (c *call) messagesJSON() error {
	before := "["
	err := c.sh.Messages.Each(func(m journal.Message) error {
		text, err := journal.JSON(m)
		if err == nil {
			_, err = fmt.Fprintf(c.out, "%s%s", before, text)
		}
		before = ","
		return err
	})
	if err == nil && before == "[" {
		_, err = fmt.Fprint(c.out, "[")
	}
	if err == nil {
		_, err = fmt.Fprintln(c.out, "]")
	}
	return err
}
