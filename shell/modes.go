package shell

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine is the longest line in bytes, its end not counted.
const maxLine = 64 << 10

// exec runs the one command line of the session.
func (s *session) exec() int {
	line := unended(s.Command)
	var refuse *failure
	switch {
	case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		refuse = fail(exitUsage, "there is no command. Next: help")
	case len(line) > maxLine:
		refuse = tooLong(len(line))
	case strings.ContainsAny(line, "\n\x00"):
		refuse = fail(exitUsage, "the command holds a line end or a NUL byte; nothing of it was run. Next: one command line for each exec, or several in lines mode: ssh -T")
	default:
		return s.run(line)
	}
	fmt.Fprintln(s.errOut, refuse.say)
	return refuse.code
}

// either passes on what comes from a or b until done is closed.
func either(done <-chan struct{}, a, b <-chan struct{}) <-chan struct{} {
	both := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-a:
			case <-b:
			case <-done:
				return
			}
			select {
			case both <- struct{}{}:
			default:
			}
		}
	}()
	return both
}

// lines runs line after line and stops at the first that fails, unless told to go on.
func (s *session) lines() int {
	fmt.Fprintln(s.out, Greeting)
	s.startPump(s.printStatus)
	defer s.pump.stop()
	in := s.readLines()
	for {
		var got input
		select {
		case got = <-in:
		case <-s.ctx.Done():
			return s.farewell()
		}
		code := exitDone
		switch {
		case errors.Is(got.err, io.EOF):
			return exitDone
		case got.err != nil:
			code = s.sayLine(got.err)
		case got.line == "" || strings.HasPrefix(got.line, "#"):
		default:
			code = s.run(got.line)
		}
		if s.leaving || (code != exitDone && !s.goOn) {
			return code
		}
		if s.ctx.Err() != nil {
			return s.farewell()
		}
	}
}

// sayLine says what is wrong with a line that is not run.
func (s *session) sayLine(err error) int {
	code, say := explain(err)
	if s.goOn {
		say = fmt.Sprintf("error %d: %s", code, say)
	}
	s.screen.Lock()
	defer s.screen.Unlock()
	fmt.Fprintln(s.errOut, say)
	return code
}

// farewell ends a session whose client has gone or whose server stops.
func (s *session) farewell() int {
	select {
	case <-s.sh.Stopping:
		fmt.Fprintln(s.errOut, "the server is stopping; goodbye")
	default:
	}
	return exitInterrupted
}

type input struct {
	line string
	err  error // io.EOF at the end; a usage error for a line that cannot be run
}

// readLines reads lines in a goroutine of its own, so that a session ends when the server does and not when its client
// says something. It ends with the client's input.
func (s *session) readLines() <-chan input {
	in := make(chan input)
	go func() {
		defer s.guard()
		r := bufio.NewReaderSize(s.In, maxLine+2)
		for {
			got := readLine(r)
			select {
			case in <- got:
			case <-s.ctx.Done():
				return
			}
			if errors.Is(got.err, io.EOF) {
				return
			}
		}
	}()
	return in
}

// readLine reads one line: it ends at LF, or with the input if the client itself ended that; one CR before it is dropped.
// A line that is too long is read to its end and thrown away whole.
func readLine(r *bufio.Reader) input {
	text, err := r.ReadSlice('\n')
	length := len(text)
	long := errors.Is(err, bufio.ErrBufferFull)
	text = bytes.Clone(text)
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = r.ReadSlice('\n')
		length += len(more)
	}
	if err != nil && (length == 0 || !errors.Is(err, io.EOF)) {
		return input{err: io.EOF} // a line that was cut off with its connection is not run
	}
	if err == nil {
		length--
	}
	line := unended(string(text))
	switch {
	case long || len(line) > maxLine:
		return input{err: tooLong(length)}
	case strings.IndexByte(line, 0) >= 0:
		return input{err: fail(exitUsage, "the line holds a NUL byte; nothing of it was run or saved")}
	case strings.TrimLeft(line, " \t") == "":
		return input{}
	}
	return input{line: line}
}

// unended is a line without its end: LF, or CR and LF.
func unended(line string) string {
	if body, ok := strings.CutSuffix(line, "\n"); ok {
		return strings.TrimSuffix(body, "\r")
	}
	return line
}

func tooLong(length int) *failure {
	return fail(exitUsage, "the line has %d bytes, and %d is the most; nothing of it was run or saved", length, maxLine)
}
