package shell

import (
	"strings"
)

// special are the characters that mean something to a POSIX shell and nothing here: unquoted they are an error, so that
// nobody believes a part of the line did what it does elsewhere.
const special = ";|&$`<>()*?[\n"

// split cuts a command line into words as a POSIX shell cuts plain and quoted words (XCU 2.2), and knows nothing else of
// a shell. A backslash is an ordinary character outside quotes. The error is a usage error.
func split(line string) ([]string, error) {
	if strings.ContainsRune(line, 0) {
		return nil, fail(exitUsage, "the line holds a NUL byte; nothing of it was run")
	}
	var words []string
	s := splitter{line: line}
	for s.skipBlanks() {
		word, err := s.word()
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}

type splitter struct {
	line string
	at   int
}

func (s *splitter) skipBlanks() bool {
	for s.at < len(s.line) && isBlank(s.line[s.at]) {
		s.at++
	}
	return s.at < len(s.line)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func (s *splitter) word() (string, error) {
	var word strings.Builder
	start := s.at
	for s.at < len(s.line) && !isBlank(s.line[s.at]) {
		c := s.line[s.at]
		switch {
		case c == '\'' || c == '"':
			if err := s.quoted(&word, c); err != nil {
				return "", err
			}
			continue
		case strings.IndexByte(special, c) >= 0, c == '~' && s.at == start && !madeSerial(s.line[start:]), c == '#' && s.at == start:
			return "", fail(exitUsage, "%q at character %d: this is no shell, there are no variables, pipes or globs. Next: put it in quotes if you mean it", string(c), s.at+1)
		}
		word.WriteByte(c)
		s.at++
	}
	return word.String(), nil
}

// quoted takes what stands between two quotes. In double quotes a backslash takes its meaning from " \ $ and `.
func (s *splitter) quoted(word *strings.Builder, quote byte) error {
	open := s.at
	for s.at++; s.at < len(s.line); s.at++ {
		c := s.line[s.at]
		switch {
		case c == quote:
			s.at++
			return nil
		case c == '\\' && quote == '"' && s.at+1 < len(s.line) && strings.IndexByte("\"\\$`", s.line[s.at+1]) >= 0:
			s.at++
			c = s.line[s.at]
		}
		word.WriteByte(c)
	}
	return fail(exitUsage, "the quote %c at character %d is not closed; nothing of the line was run. Next: close it", quote, open+1)
}

// madeSerial tells whether text begins with a serial made by a station, ~KIND-HEX. It is the one word that may begin
// with an unquoted ~, because operators and scripts type it as `drives` shows it.
func madeSerial(text string) bool {
	word, _, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	kind, hex, ok := strings.Cut(strings.TrimPrefix(word, "~"), "-")
	return ok && kind != "" && hex != "" &&
		strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") == "" && strings.Trim(hex, "0123456789abcdef") == ""
}
