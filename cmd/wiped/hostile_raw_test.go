//go:build hostile

package main

import "wiped/shell/sshd/rawtest"

// raw is a client that may stop or stray at any step.
type raw struct{ *rawtest.Client }

// knock connects and does nothing else.
func (g *target) knock(from string) *raw {
	g.Helper()
	conn, err := g.connect(from)
	if err != nil {
		g.Fatalf("connect: %v", err)
	}
	g.remember(conn)
	return &raw{rawtest.New(conn, patience)}
}

// keyed connects and runs the first key exchange.
func (g *target) keyed(from string) *raw {
	g.Helper()
	c := g.knock(from)
	if err := c.Handshake(); err != nil {
		g.Fatalf("key exchange: %v", err)
	}
	return c
}

// in gets to the connection protocol.
func (g *target) in(from, who string) *raw {
	g.Helper()
	c := g.keyed(from)
	if err := c.RequestService("ssh-userauth"); err != nil {
		g.Fatalf("service: %v", err)
	}
	if got, err := c.Sign("op", g.keys[who]); got != rawtest.MsgUserAuthSuccess {
		g.Fatalf("raw login as %s: message %d, %v", who, got, err)
	}
	return c
}
