package shell

import (
	"io"

	"wiped/auth"
)

// Mode is how a session is worked.
type Mode int

// The three modes; the zero value is none of them.
const (
	Exec     Mode = iota + 1 // one command line, then the end
	Lines                    // lines from standard input, no echo, no prompt
	Terminal                 // a person at a terminal: prompt, editing, history
)

func (m Mode) String() string { return [...]string{"none", "exec", "lines", "terminal"}[m] }

// Size is a terminal's size in character cells.
type Size struct{ Columns, Rows int }

// Session is one request for the shell: plain data and streams only, because it crosses the border between two processes (package privsep).
type Session struct {
	ID        string          // short name of the session in the log, unique while the server runs
	Who       auth.Identity   // who proved to be there
	Login     string          // the login name; grants nothing
	From      string          // HOST:PORT of the client
	Mode      Mode            // exec, lines or terminal
	Command   string          // exec: the command line as sent, of any bytes
	Term      string          // terminal: the TERM it asked for
	Size      Size            // terminal: its size at the start, columns 10 to 1000, rows 2 to 1000
	In        io.Reader       // what the client sends; io.EOF when it has sent all
	Out       io.Writer       // standard output; a write may block for as long as the client does not read
	Err       io.Writer       // standard error; in terminal mode the same stream as Out
	Resize    <-chan Size     // terminal: the newest size, older ones are dropped; never closed
	Interrupt <-chan struct{} // one value for each signal INT of the client, surplus ones dropped; never closed
}
