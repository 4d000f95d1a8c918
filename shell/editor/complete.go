package editor

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxListed is how many candidates are listed before the rest is only counted.
const maxListed = 200

// completed extends the word before the cursor as far as the candidates agree, or lists them if that is not at all. It
// runs within x/term's callback, when x/term is not locked: to print is allowed.
func (e *Editor) completed(line string, pos int) (string, int, bool) {
	if e.cfg.Complete == nil || e.history.off {
		return "", 0, false
	}
	head, tail := line[:pos], line[pos:]
	word := head[strings.LastIndexByte(head, ' ')+1:]
	found := matching(e.cfg.Complete(head), word)
	if len(found) == 0 {
		e.out.put([]byte("\a"))
		return "", 0, false
	}
	more := commonPrefix(found)[len(word):]
	switch {
	case len(found) == 1 && !strings.HasPrefix(tail, " "):
		more += " "
	case len(found) > 1 && more == "":
		e.list(line, found)
	}
	if more == "" || utf8.RuneCountInString(line+more) > maxLine {
		return "", 0, false
	}
	return head + more + tail, pos + len(more), true
}

// matching returns the candidates that the word may become, sorted, each once, without any that would bring control
// characters to the screen: names of drives come from outside.
func matching(candidates []string, word string) []string {
	found := slices.DeleteFunc(slices.Clone(candidates), func(c string) bool {
		return !strings.HasPrefix(c, word) || c == "" || !utf8.ValidString(c) || strings.ContainsFunc(c, unicode.IsControl)
	})
	slices.Sort(found)
	return slices.Compact(found)
}

// commonPrefix of sorted strings is that of the first and the last.
func commonPrefix(sorted []string) string {
	first, last := sorted[0], sorted[len(sorted)-1]
	n := 0
	for i, r := range first {
		if !strings.HasPrefix(last[i:], string(r)) {
			break
		}
		n = i + utf8.RuneLen(r)
	}
	return first[:n]
}

// list prints the candidates below a copy of the line; then x/term draws the line again.
func (e *Editor) list(line string, found []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.print([]byte(e.prompt + line + "\n" + table(found, e.columns)))
}

// table lays the words out in columns, downwards as ls does.
func table(words []string, width int) string {
	left := max(0, len(words)-maxListed)
	words = words[:len(words)-left]
	cell := 2
	for _, w := range words {
		cell = max(cell, utf8.RuneCountInString(w)+2)
	}
	columns := max(1, width/cell)
	rows := (len(words) + columns - 1) / columns
	var b strings.Builder
	for r := range rows {
		line := ""
		for i := r; i < len(words); i += rows {
			line += fmt.Sprintf("%-*s", cell, words[i])
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if left > 0 {
		fmt.Fprintf(&b, "and %d more\n", left)
	}
	return b.String()
}
