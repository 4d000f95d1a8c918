package sshd

import "time"

// maxGlobalRequests is how many global requests a second a connection gets answers to; more wait, and hold up only
// the connection they came on.
const maxGlobalRequests = 5000

// global answers a request that belongs to no channel. There is no forwarding, so that is hardly any. It is called for
// one request of a connection after the other.
func (c *conn) global(name string) bool {
	for !c.requests.Allow() { // Wait would wake up for each one: in a flood that takes twice the processor time
		select {
		case <-c.ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	switch name {
	case keepaliveRequest:
		return true
	case "no-more-sessions@openssh.com": // what OpenSSH says when it does not multiplex
		c.mu.Lock()
		c.noMore = true
		c.mu.Unlock()
		return true
	}
	return false
}
