package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An option is one word before the key. Exactly one of flag and value is set.
type option struct {
	name    string
	example string // what the value looks like
	flag    func(*line)
	value   func(*line, string) error
}

const noTouchRequired = "no-touch-required" // the word is the same as an option, an extension and to the library

// options are all that a line may have. Forwarding, X11, agents and rc files do not exist here, so that taking them
// away is always true. They are applied in the order of the line, as OpenSSH does.
var options = []option{
	{name: "from", example: "192.168.1.0/24", value: (*line).setFrom},
	{name: "expiry-time", example: "20301231", value: (*line).setExpiry},
	{name: "command", example: "drives --json", value: (*line).setCommand},
	{name: "role", example: "operator", value: (*line).setRole},
	{name: "principals", example: "alice,bob", value: (*line).setPrincipals},
	{name: "cert-authority", flag: func(l *line) { l.authority = true }},
	{name: "restrict", flag: func(l *line) { l.noPTY = true }},
	{name: "pty", flag: func(l *line) { l.noPTY = false }},
	{name: "no-pty", flag: func(l *line) { l.noPTY = true }},
	{name: noTouchRequired, flag: func(l *line) { l.noTouch = true }},
	{name: "no-port-forwarding", flag: func(*line) {}},
	{name: "no-x11-forwarding", flag: func(*line) {}},
	{name: "no-agent-forwarding", flag: func(*line) {}},
	{name: "no-user-rc", flag: func(*line) {}},
}

// parseOptions reads the comma-separated options at the start of text and returns what follows the blank after them.
func (l *line) parseOptions(text string) (rest string, err error) {
	for {
		end := strings.IndexAny(text, "=,"+blanks)
		if end < 0 {
			end = len(text)
		}
		o, err := findOption(text[:end])
		if err != nil {
			return "", err
		}
		if text, err = l.apply(o, text[end:]); err != nil {
			return "", err
		}
		switch {
		case text == "" || text[0] != ',':
			return strings.TrimLeft(text, blanks), nil
		case len(text) == 1 || strings.ContainsRune(blanks, rune(text[1])):
			return "", errors.New("the options end in a comma: take it out, and leave no blank between options")
		}
		text = text[1:]
	}
}

func findOption(word string) (option, error) {
	name := strings.ToLower(word)
	i := slices.IndexFunc(options, func(o option) bool { return o.name == name })
	switch {
	case i >= 0:
		return options[i], nil
	case name == "verify-required":
		return option{}, errors.New("verify-required cannot be enforced here (whether a PIN was asked for is not known): take the option out, or the line")
	}
	return option{}, fmt.Errorf(`"%s" is neither an option nor a key type known here: take it out`, escape(word))
}

// apply takes the value of o off the start of text and sets it in the line.
func (l *line) apply(o option, text string) (rest string, err error) {
	repeated := l.hasOption(o.name)
	l.options = append(l.options, o.name)
	if o.flag != nil {
		o.flag(l)
		return text, endOfOption(o, text)
	}
	value, rest, ok := cutQuoted(strings.TrimPrefix(text, "=")) // nothing else than = can stand before a quote here
	switch {
	case !ok:
		return "", fmt.Errorf(`%s wants a value in double quotes: %s="%s"`, o.name, o.name, o.example)
	case repeated:
		return "", fmt.Errorf("%s= is there twice: leave one", o.name)
	}
	if err := o.value(l, value); err != nil {
		return "", fmt.Errorf("%s= %w", o.name, err)
	}
	return rest, endOfOption(o, rest)
}

func endOfOption(o option, rest string) error {
	if rest == "" || strings.ContainsRune(","+blanks, rune(rest[0])) {
		return nil
	}
	return fmt.Errorf("there is something right after %s: options are separated by a comma and nothing else", o.name)
}

// cutQuoted takes a quoted value off the start of text. Within it, \" is a quote and any other backslash is itself.
func cutQuoted(text string) (value, rest string, ok bool) {
	if text == "" || text[0] != '"' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], true
		case strings.HasPrefix(text[i:], `\"`):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

func (l *line) setFrom(value string) (err error) {
	l.from, err = parseAddressList(value)
	return err
}

func (l *line) setExpiry(value string) (err error) {
	l.expires, err = parseExpiry(value, time.Local)
	return err
}

func (l *line) setRole(value string) (err error) {
	if l.role, err = ParseRole(value); err != nil {
		return fmt.Errorf(`"%s" is not a role: write viewer, operator or admin`, escape(value))
	}
	return nil
}

func (l *line) setCommand(value string) error {
	l.command = value
	return checkCommand(value)
}

// checkCommand refuses what would not restrict anything, or would hide what it does where it is shown.
func checkCommand(command string) error {
	switch {
	case strings.Trim(command, blanks) == "":
		return errors.New("is empty: say which command, or take it out to allow all that the role allows")
	case !plain(command):
		return fmt.Errorf(`holds characters that cannot be seen: "%s"`, escape(command))
	case len(command) > maxLine:
		return fmt.Errorf("is longer than %d bytes", maxLine)
	}
	return nil
}

func (l *line) setPrincipals(value string) error {
	l.principals = strings.Split(value, ",")
	for _, name := range l.principals {
		if name == "" || name != strings.Trim(name, blanks) {
			return errors.New("has an empty name or blanks around one: write alice,bob")
		}
	}
	return nil
}
