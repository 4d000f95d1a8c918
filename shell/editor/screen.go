package editor

import (
	"bytes"
	"slices"
)

const (
	pasteOn   = "\x1b[?2004h" // have the terminal mark what is pasted
	pasteOff  = "\x1b[?2004l"
	clearDown = "\x1b[J"

	minSize, maxSize = 10, 1000
)

// screen is what is known of the terminal's screen. Editor.mu guards it.
type screen struct {
	prompt        string
	columns, rows int
	active        bool   // a line is being edited
	marking       bool   // paste markers are on
	busy          bool   // a Write is under way
	midLine       bool   // the output stands in the middle of a line
	held          []byte // status lines that wait for the end of that line or Write
	finished      bool
}

// Write prints p, above the line if one is being edited; p is to be whole lines then, and is made to be. It waits for
// room in the queue, and is not mixed with another Write nor with status lines.
func (e *Editor) Write(p []byte) (int, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	n := 0
	for n < len(p) {
		if err := e.out.wait(); err != nil {
			return n, err
		}
		part := cut(p[n:])
		n += len(part)
		e.write(part, n < len(p))
	}
	return n, nil
}

// cut returns the first piece of p, of whole lines if that is possible.
func cut(p []byte) []byte {
	if len(p) <= piece {
		return p
	}
	if i := bytes.LastIndexByte(p[:piece], '\n'); i >= 0 {
		return p[:i+1]
	}
	return p[:piece]
}

func (e *Editor) write(p []byte, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.print(p)
	e.busy = more
	e.release()
}

// WriteStatus prints one line above the line being edited, between other output and never inside it. It never waits:
// false means that there is no room and the line was not taken.
func (e *Editor) WriteStatus(line []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.out.hasRoom(len(e.held) + len(line) + 1) {
		return false
	}
	e.held = append(e.held, bytes.TrimRight(line, "\r\n")...)
	e.held = append(e.held, '\n')
	e.release()
	return true
}

// release prints what was held if this is the place for it.
func (e *Editor) release() {
	if len(e.held) > 0 && !e.busy && !e.midLine {
		e.print(e.held)
		e.held = e.held[:0]
	}
}

// print has x/term print. While a line is edited x/term takes that away first and draws it again afterwards; what it
// forgets are the rows of the line below the cursor.
func (e *Editor) print(p []byte) {
	if e.active {
		p = slices.Concat([]byte(clearDown), p)
		if !bytes.HasSuffix(p, []byte("\n")) {
			p = append(p, '\n')
		}
	}
	e.midLine = !bytes.HasSuffix(p, []byte("\n"))
	e.term.Write(p) // a put into the queue does not fail
}

// freshLine ends a line that output left unfinished.
func (e *Editor) freshLine() {
	if e.midLine {
		e.print([]byte("\n"))
	}
	e.release()
}

// open gets the screen ready for a line to be edited.
func (e *Editor) open(prompt string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.freshLine()
	if !e.marking {
		e.marking = true
		e.out.put([]byte(pasteOn))
	}
	e.prompt = prompt
	e.term.SetPrompt(prompt)
	e.active = true
}

// leave is the end of open.
func (e *Editor) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.active = false
}

func (e *Editor) echoInterrupt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.freshLine()
	e.print([]byte("^C\n"))
}

// finish leaves the terminal as it was found, and lets nothing more be printed.
func (e *Editor) finish() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finished {
		return
	}
	e.finished = true
	if e.active {
		e.out.put([]byte("\r\n"))
	} else {
		e.freshLine()
	}
	if e.marking {
		e.out.put([]byte(pasteOff))
	}
	e.out.shut()
}

// Resize says how large the terminal is now. It waits for room in the queue, as the line is drawn again; of sizes that
// come in the meantime the last one counts.
func (e *Editor) Resize(columns, rows int) {
	e.mu.Lock()
	e.columns, e.rows = clamp(columns), clamp(rows)
	e.mu.Unlock()
	if e.out.wait() != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.term.SetSize(e.columns, e.rows) // a put into the queue does not fail
}

func clamp(n int) int { return min(max(n, minSize), maxSize) }
