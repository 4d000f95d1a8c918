package sshd

import (
	"net"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// rawClient is a client whose test is over where the server does not answer as it should.
type rawClient struct {
	*rawtest.Client
	t testing.TB
}

// dialRaw connects and runs the key exchange; what follows is up to the test.
func dialRaw(t testing.TB, addr string) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &rawClient{rawtest.New(conn, patience), t}
	if err := c.Handshake(); err != nil {
		t.Fatalf("raw key exchange: %v", err)
	}
	return c
}

// expect returns the next packet of one of the types wanted, skipping others.
func (c *rawClient) expect(wanted ...byte) []byte {
	c.t.Helper()
	packet, err := c.Expect(wanted...)
	if err != nil {
		c.t.Fatal(err)
	}
	return packet
}

// requestService gets to the user authentication.
func (c *rawClient) requestService() {
	c.t.Helper()
	if err := c.RequestService("ssh-userauth"); err != nil {
		c.t.Fatal(err)
	}
}

// offer asks whether a key would do.
func (c *rawClient) offer(user string, key gossh.PublicKey) byte {
	c.t.Helper()
	return c.answer(c.Offer(user, key))
}

// sign logs in with a key.
func (c *rawClient) sign(user string, key gossh.Signer) byte {
	c.t.Helper()
	return c.answer(c.Sign(user, key))
}

func (c *rawClient) answer(got byte, err error) byte {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

// login gets to the connection protocol.
func (c *rawClient) login(user string, key gossh.Signer) {
	c.t.Helper()
	c.requestService()
	if got := c.sign(user, key); got != rawtest.MsgUserAuthSuccess {
		c.t.Fatalf("raw login: message %d", got)
	}
}

// exec opens channel number, which must be the first free one, and runs a command on it.
func (c *rawClient) exec(number uint32, command string) {
	c.t.Helper()
	c.Send(rawtest.OpenRequest("session", number, 1<<20, 32<<10))
	c.expect(rawtest.MsgChannelConfirm)
	c.Send(rawtest.ChannelRequest(number, "exec", true, text(command)))
}
