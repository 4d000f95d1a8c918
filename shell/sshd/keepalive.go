package sshd

import (
	"sync/atomic"
	"time"
)

// missedKeepalives is how many intervals a client may be silent for.
const missedKeepalives = 3

const keepaliveRequest = "keepalive@openssh.com"

// keepalive cuts the connection of a client that has not sent a byte for three intervals though it was asked to.
type keepalive struct {
	timer  *time.Timer // calls look, again and again
	missed int
	asking atomic.Bool // a question is out: it blocks where the client does not read
}

func (c *conn) startKeepalive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.alive.timer = time.AfterFunc(c.server.config.Keepalive, func() { c.guard(c.look) })
	}
}

// look is what happens at each interval. It blocks for nobody.
func (c *conn) look() {
	k := &c.alive
	k.missed++
	if c.heard.Swap(false) {
		k.missed = 0
	}
	if k.missed >= missedKeepalives {
		c.closeFor("client did not answer three keepalives")
		return
	}
	if k.asking.CompareAndSwap(false, true) {
		go func() {
			c.guard(c.ask)
			k.asking.Store(false)
		}()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		k.timer.Reset(c.server.config.Keepalive)
	}
}

// ask sends one question and waits for the answer, whatever it is, or for the end of the connection.
func (c *conn) ask() {
	if sc := c.serverConn(); sc != nil {
		sc.SendRequest(keepaliveRequest, true, nil)
	}
}
