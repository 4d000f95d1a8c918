package sshd

import (
	"io"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/shell"
)

// exitDefect is the exit code for a defect in wiped itself.
const exitDefect = 70

// linger is how long a write that a returned handler left behind may go on, and after that how long the client may
// take to close the channel.
const linger = 2 * time.Second

// start runs the handler. The request for it has been answered, so that its output comes after the answer.
func (x *channel) start() {
	out, errs := x.streams()
	s := x.session(out, errs)
	x.done = make(chan struct{})
	go func() {
		defer close(x.done)
		defer x.conn.server.end()
		x.conn.guard(func() { x.finish(x.handle(s), out, errs) })
	}()
}

// streams are the output and the error output. A terminal has one stream and does its own line ends; for a command that
// was given one, line ends are made straight.
func (x *channel) streams() (out, errs *stream) {
	if x.mode == shell.Terminal {
		out = newStream(x.Channel, false)
		return out, out
	}
	straight := x.terminal != nil
	return newStream(x.Channel, straight), newStream(x.Stderr(), straight)
}

func (x *channel) session(out, errs *stream) *shell.Session {
	s := &shell.Session{
		ID: x.id, Who: x.who, Login: x.conn.login.name, From: x.conn.peer.address,
		Mode: x.mode, Command: x.command,
		In: &input{channel: x}, Out: out, Err: errs,
		Resize: x.resize, Interrupt: x.interrupt,
	}
	if x.terminal != nil {
		s.Term, s.Size = x.terminal.term, x.terminal.size
	}
	if x.mode == shell.Exec && x.terminal != nil {
		s.In = x.keyboard(s.In)
	}
	return s
}

// handle runs the handler and survives its panic.
func (x *channel) handle(s *shell.Session) (exit int) {
	exit = exitDefect
	x.conn.trap(x.id, func() { exit = x.conn.server.config.Handler(x.ctx, s) })
	if exit < 0 || exit > 255 {
		x.conn.server.config.Log.Error("defect: exit code out of range", "session", x.id, "exit", exit)
		return exitDefect // 256 would arrive as success
	}
	return exit
}

// finish tells the client the exit status and closes the channel. If the handler left a write behind that does not end,
// and closing the channel does not end it, the connection is closed: the goroutine in that write must not stay.
func (x *channel) finish(exit int, out, errs *stream) {
	patience := time.NewTimer(linger)
	defer patience.Stop()
	errs.sealed.Store(true)
	ended := out.seal(patience.C) && errs.seal(patience.C)
	// Before the end of the output: PuTTY closes a channel once that has ended, and says 0 of one without a status.
	x.SendRequest("exit-status", false, gossh.Marshal(struct{ Status uint32 }{uint32(exit)}))
	if ended {
		x.CloseWrite()
	}
	x.Close()
	if !ended {
		x.release()
	}
}

// release waits for the client to close its side of the channel, which frees all writes to it, or else cuts it off.
func (x *channel) release() {
	cut := time.AfterFunc(linger, func() { x.conn.closeFor("a session ended in a write that the client does not take") })
	defer cut.Stop()
	<-x.closed
}

// input is what the client sends. The library reports a lost connection as the end of the input; a half-read line must
// not be taken for a whole one, so the two are told apart here: io.EOF is what the client said, and
// io.ErrUnexpectedEOF means that it is gone.
type input struct {
	channel *channel
	end     error
}

func (in *input) Read(p []byte) (int, error) {
	if in.end != nil {
		return 0, in.end
	}
	n, err := in.channel.Read(p)
	if err == nil || n > 0 {
		return n, nil // an error comes again
	}
	in.end = io.EOF
	// Nothing can be sent on a channel that the client has closed, and everything on one it has only ended its
	// input on. The question needs no answer.
	if _, err := in.channel.SendRequest(keepaliveRequest, false, nil); err != nil || in.channel.conn.lost.Load() {
		in.end = io.ErrUnexpectedEOF
	}
	return 0, in.end
}
