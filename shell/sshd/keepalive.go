package sshd

import "time"

// missedKeepalives is how many intervals a client may be silent for.
const missedKeepalives = 3

const keepaliveRequest = "keepalive@openssh.com"

// keepalive cuts the connection of a client that has not sent a byte for three intervals though it was asked to. It
// returns when the connection ends.
func (c *conn) keepalive() {
	tick := time.NewTicker(c.server.config.Keepalive)
	defer tick.Stop()
	asking := make(chan struct{}, 1) // full while a question is out: it blocks where the client does not read
	for missed := 0; missed < missedKeepalives; {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		missed++
		if c.heard.Swap(false) {
			missed = 0
		}
		select {
		case asking <- struct{}{}:
			go func() {
				c.guard(c.ask)
				<-asking
			}()
		default:
		}
	}
	c.closeFor("client did not answer three keepalives")
}

// ask sends one question and waits for the answer, whatever it is, or for the end of the connection.
func (c *conn) ask() {
	if sc := c.serverConn(); sc != nil {
		sc.SendRequest(keepaliveRequest, true, nil)
	}
}
