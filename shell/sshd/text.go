package sshd

import (
	"strconv"
	"strings"
)

// plain makes text from outside fit for a log line: at most limit bytes of it, and everything escaped that is not a
// printable ASCII character. Blanks are escaped too: a login name with words in it could pass itself off as the rest
// of the line to a program that reads the log.
func plain(text string, limit int) string {
	return strings.ReplaceAll(sentence(text, limit), " ", `\x20`)
}

// sentence is plain with blanks left alone, for texts that come last.
func sentence(text string, limit int) string {
	cut := ""
	if len(text) > limit {
		text, cut = text[:limit], "..."
	}
	quoted := strconv.QuoteToASCII(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`) + cut
}

// printable tells whether text is printable ASCII only.
func printable(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
