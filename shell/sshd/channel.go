package sshd

import (
	"context"
	"fmt"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
)

// channel is one session channel. Its requests are answered by one goroutine, which starts at most one handler.
type channel struct {
	gossh.Channel
	conn *conn
	who  auth.Identity
	id   string

	ctx    context.Context // ends when the channel or its connection does, or when the client kills the session
	cancel context.CancelFunc
	closed chan struct{} // closed when the channel is
	idle   *time.Timer   // closes a channel on which nothing is started

	// The goroutine of the requests alone uses these.
	terminal  *terminal
	mode      shell.Mode // what is to be started, or was
	command   string
	resize    chan shell.Size
	interrupt chan struct{}
	done      chan struct{} // closed when the handler has ended; nil: it was not started
}

// openSession accepts a session channel, if there may be one more, and serves it to its end.
func (c *conn) openSession(sc *gossh.ServerConn, nc gossh.NewChannel) {
	who, ok := c.server.config.IdentityOf(sc.Permissions)
	if refusal := c.mayOpen(who, ok); refusal != "" {
		c.refuse(nc, gossh.Prohibited, refusal)
		return
	}
	number, ok := c.enterSession()
	if !ok {
		c.refuse(nc, gossh.ResourceShortage, "too many sessions on this connection: close one, or connect again")
		return
	}
	defer c.leaveSession()
	ch, requests, err := nc.Accept()
	if err != nil {
		return // the connection is gone
	}
	x := &channel{
		Channel: ch, conn: c, who: who, id: fmt.Sprintf("%d.%d", c.id, number), closed: make(chan struct{}),
		resize: make(chan shell.Size, 1), interrupt: make(chan struct{}, 1),
	}
	x.ctx, x.cancel = context.WithCancel(c.ctx)
	defer x.cancel()
	defer func() { go gossh.DiscardRequests(requests) }() // some are left only after a panic
	x.idle = time.AfterFunc(c.server.config.LoginGrace, func() { ch.Close() })
	x.serve(requests)
}

func (c *conn) mayOpen(who auth.Identity, known bool) (refusal string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !known:
		return "nobody is logged in"
	case c.noMore:
		return "this connection asked for no more sessions"
	case c.server.isClosing():
		return "the server shuts down"
	case !who.NotAfter.IsZero() && time.Now().After(who.NotAfter):
		return "the key has expired: log in with another one"
	}
	return ""
}

// refuse turns a channel down. While many refusals are under way the connection is not read from.
func (c *conn) refuse(nc gossh.NewChannel, reason gossh.RejectionReason, message string) {
	c.countRefusing(1)
	defer c.countRefusing(-1)
	nc.Reject(reason, message)
}

func (c *conn) countRefusing(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusing += n
	c.change.Broadcast()
}

func (c *conn) enterSession() (number uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions >= c.server.config.Limits.Sessions {
		return 0, false
	}
	c.sessions++
	c.served++
	return c.served, true
}

func (c *conn) leaveSession() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions--
}

// inSession tells whether a session channel is open, be it after its handler has ended.
func (c *conn) inSession() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions > 0
}

// serve answers the requests of the channel until it is closed, and then waits for its handler. The library stops
// reading the whole connection if a request is left lying, so nothing here may wait for a handler.
func (x *channel) serve(requests <-chan *gossh.Request) {
	for req := range requests {
		answer := answers[req.Type]
		ok := answer != nil && answer(x, req.Payload)
		req.Reply(ok, nil)
		if x.mode != 0 && x.done == nil {
			x.start()
		}
	}
	close(x.closed)
	x.idle.Stop()
	x.cancel()
	if x.done != nil {
		<-x.done
	}
}

// answers is all that a client may ask of a session. The rest is refused: environment, agent, X11, subsystems, break.
var answers = map[string]func(*channel, payload) bool{
	"pty-req":       (*channel).wantTerminal,
	"window-change": (*channel).wantSize,
	"shell":         (*channel).wantShell,
	"exec":          (*channel).wantExec,
	"signal":        (*channel).signal,
}

func (x *channel) wantTerminal(p payload) bool {
	t, ok := parseTerminal(p)
	if !ok || x.terminal != nil || x.mode != 0 || x.who.NoPTY {
		return false
	}
	x.terminal = &t
	return true
}

func (x *channel) wantSize(p payload) bool {
	size, ok := parseSize(p)
	if !ok || x.terminal == nil {
		return false
	}
	x.terminal.size = size
	if x.mode == 0 {
		return true
	}
	select { // nobody else sends: after this there is room
	case <-x.resize:
	default:
	}
	x.resize <- size
	return true
}

func (x *channel) wantShell(p payload) bool {
	mode := shell.Lines
	if x.terminal != nil {
		mode = shell.Terminal
	}
	return len(p) == 0 && x.want(mode, "")
}

func (x *channel) wantExec(p payload) bool {
	command, ok := parseText(p)
	return ok && x.want(shell.Exec, command)
}

// want settles what the channel is for. There is one start a channel, and none while the server shuts down.
func (x *channel) want(mode shell.Mode, command string) bool {
	if x.mode != 0 || !x.idle.Stop() || !x.conn.server.begin() {
		return false
	}
	x.mode, x.command = mode, command
	return true
}

func (x *channel) signal(p payload) bool {
	name, ok := parseText(p)
	if !ok || x.mode == 0 {
		return false
	}
	switch name {
	case "INT":
		x.interrupted()
	case "TERM", "HUP", "KILL":
		x.cancel()
	default:
		return false
	}
	return true
}

func (x *channel) interrupted() {
	select {
	case x.interrupt <- struct{}{}:
	default: // one is waiting to be seen already
	}
}
