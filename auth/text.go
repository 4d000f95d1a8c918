package auth

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds, in runes, every text from outside that is shown.
const maxText = 200

// escape makes text from outside fit to be shown: what does not print, runs backwards, takes no room or is not UTF-8 is
// written as in a Go string, and what is too long ends in "…". A backslash is doubled, so that no text can look like
// the escaped form of another.
func escape(s string) string {
	var b strings.Builder
	runes, cut := 0, 0
	for len(s) > 0 {
		piece, size := escapeFirst(s)
		if runes < maxText {
			cut = b.Len()
		}
		if runes += utf8.RuneCountInString(piece); runes > maxText {
			return b.String()[:cut] + "…"
		}
		b.WriteString(piece)
		s = s[size:]
	}
	return b.String()
}

func escapeFirst(s string) (piece string, size int) {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf(`\x%02x`, s[0]), 1
	case r == '\\':
		return `\\`, size
	case !visible(r):
		quoted := strconv.QuoteRuneToASCII(r)
		return quoted[1 : len(quoted)-1], size
	}
	return s[:size], size
}

// visible tells whether r is seen for what it is. IsPrint leaves out controls, bidi and format characters, but not the
// letters and marks that Unicode says are drawn as nothing.
func visible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// plain tells whether s can be shown as it is.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !visible(r) })
}

// shellQuote writes a path so that the command we propose can be pasted.
func shellQuote(path string) string {
	safe := func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-+@%:,=", r))
	}
	if path != "" && !strings.ContainsFunc(path, func(r rune) bool { return !safe(r) }) {
		return path
	}
	if !plain(path) {
		path = escape(path) // it cannot be pasted any more, but it does no harm either
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
