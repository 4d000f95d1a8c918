package sshd

import (
	"encoding/binary"

	"wiped/shell"
)

// What a client asks for in a channel request. The bytes are a stranger's: every length is checked before it is
// used, and a payload with anything missing or left over is refused as a whole.

// payload is the rest of a request that has not been read.
type payload []byte

func (p *payload) number() (uint32, bool) {
	if len(*p) < 4 {
		return 0, false
	}
	n := binary.BigEndian.Uint32(*p)
	*p = (*p)[4:]
	return n, true
}

func (p *payload) text() (string, bool) {
	n, ok := p.number()
	if !ok || uint64(n) > uint64(len(*p)) {
		return "", false
	}
	text := string((*p)[:n])
	*p = (*p)[n:]
	return text, true
}

// size reads the four numbers of a terminal's size, of which the pixels are ignored.
func (p *payload) size() (shell.Size, bool) {
	var numbers [4]uint32
	for i := range numbers {
		n, ok := p.number()
		if !ok {
			return shell.Size{}, false
		}
		numbers[i] = n
	}
	return shell.Size{Columns: clamp(numbers[0], 80, 10, 1000), Rows: clamp(numbers[1], 24, 2, 1000)}, true
}

// clamp puts n between low and high; 0 is how a client says that it does not know.
func clamp(n, unknown, low, high uint32) int {
	if n == 0 {
		n = unknown
	}
	return int(min(max(n, low), high))
}

// parseText reads a payload that is one text: the command of exec, the name of signal.
func parseText(p payload) (string, bool) {
	text, ok := p.text()
	return text, ok && len(p) == 0
}

// parseSize reads window-change.
func parseSize(p payload) (shell.Size, bool) {
	size, ok := p.size()
	return size, ok && len(p) == 0
}

// terminal is what pty-req asks for. Its modes are a line discipline's, which there is none of.
type terminal struct {
	term string
	size shell.Size
}

const maxTerm = 64

func parseTerminal(p payload) (terminal, bool) {
	term, ok := p.text()
	if !ok {
		return terminal{}, false
	}
	size, ok := p.size()
	if !ok {
		return terminal{}, false
	}
	if _, ok = p.text(); !ok || len(p) != 0 {
		return terminal{}, false
	}
	if term == "" || len(term) > maxTerm || !printable(term) {
		term = "dumb"
	}
	return terminal{term, size}, true
}
