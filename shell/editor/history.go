package editor

import "strings"

// history is the lines one may go back to. x/term's own adding is not used, as it also adds what is not to be run.
type history struct {
	lines []string // the oldest first
	limit int
	off   bool // while an answer is read: an old line is no answer
}

func (h *history) Add(string) {}

func (h *history) Len() int {
	if h.off {
		return 0
	}
	return len(h.lines)
}

func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

// record adds a line that was returned to the caller.
func (h *history) record(line string) {
	if strings.TrimSpace(line) == "" || line[0] == ' ' || len(h.lines) > 0 && h.At(0) == line {
		return
	}
	if len(h.lines) == h.limit {
		h.lines = append(h.lines[:0], h.lines[1:]...)
	}
	h.lines = append(h.lines, line)
}
