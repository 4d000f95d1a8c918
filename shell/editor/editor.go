package editor

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/term"
)

// After each of these the editor works on; after io.EOF there is nothing more to read.
var (
	ErrInterrupted = errors.New("interrupted")
	ErrTooLong     = fmt.Errorf("the line is longer than %d characters; nothing of it was run", maxLine)
	ErrLost        = errors.New("too much was typed ahead and part of this line was dropped; nothing of it was run")
)

// quiet is for how long nothing may arrive before a confirmation is asked for: what was pasted in one go without paste
// markers arrives in several parts.
const quiet = 100 * time.Millisecond

const defaultHistory = 500

// Config is what an editor stands on.
type Config struct {
	In            io.Reader // what the client sends; its owner ends it, and with it the goroutine that reads it
	Out           io.Writer // the terminal, raw; only one goroutine writes to it, and may be kept waiting
	Columns, Rows int
	// Complete returns candidates for the last word of line, which ends at the cursor: whole words, no trailing blank.
	// Nil: none. It is called from ReadLine.
	Complete func(line string) []string
	History  int // lines kept; 0 means 500
}

// Editor edits the lines of one terminal. ReadLine and Confirm are for one goroutine; all else is for any.
type Editor struct {
	cfg     Config
	in      *inbox
	out     *outbox
	feed    *feed
	term    *term.Terminal
	history history

	writing sync.Mutex // held through one Write, which may wait
	mu      sync.Mutex // what is on the screen; never held while waiting
	screen
}

// New starts an editor. Close ends it.
func New(cfg Config) *Editor {
	if cfg.History <= 0 {
		cfg.History = defaultHistory
	}
	e := &Editor{cfg: cfg, out: newOutbox(), history: history{limit: cfg.History}}
	e.in = newInbox(e.bell)
	e.feed = &feed{in: e.in, out: e.out, complete: e.completed}
	e.term = term.NewTerminal(e.feed, "")
	e.term.AutoCompleteCallback = e.feed.pressed
	e.term.History = &e.history
	e.Resize(cfg.Columns, cfg.Rows)
	go e.in.run(cfg.In)
	go func() {
		e.out.run(cfg.Out)
		e.in.close() // nobody sees a prompt any more
	}()
	return e
}

// ReadLine reads one line. It returns io.EOF for ^D on an empty line and when the input has ended (what stands in an
// unfinished line is dropped), ErrInterrupted for ^C, and ErrTooLong or ErrLost for a line that is not complete.
// A line is never returned together with an error.
func (e *Editor) ReadLine(prompt string) (string, error) {
	e.in.begin()
	defer e.in.end()
	line, err := e.read(prompt)
	if err == nil {
		e.history.record(line)
	}
	return line, err
}

// Confirm reads the answer to a question. What was sent before the question was asked cannot be the answer: all output is
// handed to the terminal first, then everything typed or pasted is dropped until nothing more arrives, and so is what comes
// later of a paste that had begun. Neither history nor completion is at hand. The errors are those of ReadLine.
func (e *Editor) Confirm(prompt string) (string, error) {
	e.in.begin()
	defer e.in.end()
	e.out.drain()
	if err := e.settle(); err != nil {
		return "", err
	}
	e.history.off = true
	defer func() { e.history.off = false }()
	return e.read(prompt)
}

// settle drops what arrives until nothing does.
func (e *Editor) settle() error {
	for before := -1; ; time.Sleep(quiet) {
		arrived, interrupted := e.in.discard()
		switch {
		case interrupted:
			e.echoInterrupt()
			return ErrInterrupted
		case e.in.isEnded():
			return io.EOF
		case arrived == before:
			return nil
		}
		before = arrived
	}
}

func (e *Editor) read(prompt string) (string, error) {
	e.feed.reset()
	e.open(prompt)
	line, err := e.term.ReadLine()
	e.leave()
	if err := e.feed.outcome(err); err != nil {
		return "", err
	}
	return line, nil
}

// Interrupts has a value when ^C was pressed while no line was being read. What had been typed ahead is dropped then.
func (e *Editor) Interrupts() <-chan struct{} { return e.in.interrupt }

func (e *Editor) bell() { e.out.put([]byte("\a")) }

// Close delivers the output that is queued and ends the editor; a ReadLine returns io.EOF. It waits for as long as the
// terminal takes output, and returns ErrUndelivered when that takes nothing for two seconds. The goroutine that reads
// In ends with In's next read, and one that is stuck in Out with that write: both are for their owner to end.
func (e *Editor) Close() error {
	e.finish()
	e.in.close()
	e.in.discard()
	return e.out.close()
}
