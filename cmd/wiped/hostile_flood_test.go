//go:build hostile

package main

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// Cases 1 to 3: who does not even log in, in numbers.

const shortGrace = 3 * time.Second

// slowLoris stalls or drips at every step before the login: each connection is closed when the grace time is over, and neither before
// nor much later.
func slowLoris(g *target) {
	drip := func(c *raw, bytes string) {
		for _, b := range []byte(strings.Repeat(bytes, 100)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(300 * time.Millisecond)
		}
	}
	stages := map[string]func(*raw) error{
		"silent":           func(*raw) error { return nil },
		"version by drips": func(c *raw) error { go drip(c, "S"); return nil },
		"version only":     func(c *raw) error { return c.Greet() },
		"half a KEXINIT":   func(c *raw) error { _ = c.Greet(); _, err := c.Write(c.Encode(c.KexInit())[:100]); return err },
		"KEXINIT only":     func(c *raw) error { _ = c.Greet(); return c.OfferAlgorithms() },
		"KEXINIT by drips": func(c *raw) error { _ = c.Greet(); go drip(c, string(c.Encode(c.KexInit()))); return nil },
		"after NEWKEYS":    func(c *raw) error { return c.Handshake() },
		"in user auth":     func(c *raw) error { _ = c.Handshake(); return c.RequestService("ssh-userauth") },
		"a login by drips": func(c *raw) error {
			_ = c.Handshake()
			go drip(c, string(c.Encode(loginRequest("x", "none"))))
			return nil
		},
		"ignore, again": func(c *raw) error {
			_ = c.Handshake()
			_ = c.RequestService("ssh-userauth")
			go c.trickle()
			return nil
		},
		"window of no bytes": func(c *raw) error { _ = c.Greet(); return nil },
	}
	var all sync.WaitGroup
	for stage, stall := range stages {
		for range 4 {
			all.Go(func() {
				c, from := g.knock(g.source(1)), time.Now()
				if err := stall(c); err != nil {
					g.Errorf("%s: %v", stage, err)
				}
				closed := c.IsClosed()
				took, slack := time.Since(from), g.neighbour.longest(from, time.Now())
				if !closed || took > shortGrace+time.Second+slack || took < shortGrace-time.Second {
					g.Errorf("%s: closed after %v; the grace time is %v", stage, took, shortGrace)
				}
			})
		}
	}
	all.Wait()
}

// trickle sends messages that mean nothing until the connection ends.
func (c *raw) trickle() {
	for c.Send(append([]byte{rawtest.MsgIgnore}, text("x")...)) == nil {
		time.Sleep(100 * time.Millisecond)
	}
}

// onItsWay is the connection that is just being refused, or closed for another one: it has a socket too.
const onItsWay = 1

// flood holds as many connections that do not log in as it can get: from one address first, then from many. Others work on, and
// who comes new from elsewhere is let in.
func flood(g *target) {
	held := g.hold(2000, func(int) string { return g.source(1) })
	if held > 64+onItsWay {
		g.Errorf("%d connections of one source that had not logged in were held; the limit is 64", held)
	}
	g.newcomers(20, "while one source floods")
	total := held + g.hold(2000, func(n int) string { return g.source(2 + n%40) })
	g.outcome.note("of 2000 silent connections from one address %d were held, of 2000 more from 40 addresses %d in all", held, total)
	if total > 300+onItsWay {
		g.Errorf("%d connections that had not logged in were held; the limit is 300", total)
	}
	g.newcomers(20, "while 40 sources flood")
}

// hold opens connections and returns how many more the server has after it has dropped what it drops; they stay until the case leaves.
func (g *target) hold(n int, from func(int) string) (held int) {
	g.Helper()
	if g.witness != nil { // who comes and goes
		g.rest()
		defer g.work()
	}
	before := g.sockets()
	for i := range n {
		g.knock(from(i))
	}
	same := 0
	_ = eventually(func() error { // until it has not changed for a while
		was := held
		held = g.sockets() - before
		if same++; held != was || held == 0 {
			same = 0
		}
		if same < 10 {
			return fmt.Errorf("still changes")
		}
		return nil
	})
	return held
}

// newcomers logs in a number of times, each time from another address, and tolerates no failure.
func (g *target) newcomers(n int, when string) {
	g.Helper()
	refused := 0
	var last error
	for i := range n {
		client, err := g.dialAs(g.source(1000+i), "op", g.keys["operator"])
		if err != nil {
			refused, last = refused+1, err
			continue
		}
		if err := wantHello(execute(client, "hello")); err != nil {
			g.Error(err)
		}
		client.Close()
	}
	g.outcome.note("%s %d of %d new logins from other addresses got in", when, n-refused, n)
	if refused > 0 {
		g.Errorf("%s %d of %d new logins from other addresses were turned away: %v", when, refused, n, last)
	}
}

// guessing tries key after key: six and the connection ends, and who goes on is held up, alone.
func guessing(g *target) {
	for range 15 {
		c := g.keyed(g.source(1))
		if err := c.RequestService("ssh-userauth"); err != nil {
			g.Fatal(err)
		}
		failures := 0
		for ; failures < 20; failures++ {
			if got, err := c.Offer("root", newPublicKey()); err != nil {
				break
			} else if got != rawtest.MsgUserAuthFailure {
				g.Fatalf("an unknown key: message %d", got)
			}
		}
		if failures != 6 && failures != 5 { // the last one may go down with the connection
			g.Errorf("%d keys could be tried on one connection; the limit is 6", failures)
		}
	}
	slow, quick := g.keyTime(g.source(1)), g.keyTime(g.source(2))
	g.outcome.note("a handshake of the source that guesses takes %.0f times as long as one of another source", float64(slow)/float64(quick))
	if slow < 3*quick {
		g.Errorf("after 15 failed logins a handshake takes %v, and %v from another source", slow, quick)
	}
	before := g.used().resident
	const sources, atOnce = 8000, 100
	for n := 0; n < sources; n += atOnce { // each with an address of its own: the table of sources must not grow without end
		var batch []*raw
		for i := n; i < n+atOnce; i++ {
			batch = append(batch, g.knock(fmt.Sprintf("127.%d.%d.%d", 100+i/40000, i/200, 1+i%200)))
		}
		for _, c := range batch { // it is no flood, that is case 2: the server has seen each, and is done with them before more come
			if err := c.ReadVersion(); err != nil {
				g.Fatalf("no greeting: %v", err)
			}
			c.Close()
		}
		g.digested(n)
	}
	grown := g.used().resident - before
	g.outcome.note("%d sources: %d kB more", sources, grown>>10)
	if grown > 32<<20 {
		g.Errorf("%d sources cost %d MB", sources, grown>>20)
	}
}

// digested waits until the server has seen that so many more connections are closed which came and went.
func (g *target) digested(n int) {
	g.Helper()
	const others = 20 // what witness and worker may have besides
	if err := eventually(func() error {
		if held := g.sockets(); held > g.baseline.descriptors+others {
			return fmt.Errorf("after %d connections that were closed at once the server holds %d sockets", n, held)
		}
		return nil
	}); err != nil {
		g.Fatal(err)
	}
}

func (g *target) keyTime(from string) time.Duration {
	g.Helper()
	begin := time.Now()
	g.keyed(from).Close()
	return time.Since(begin)
}

func newPublicKey() ssh.PublicKey {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		panic(err)
	}
	return key
}
