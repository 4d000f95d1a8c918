//go:build hostile

package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Cases 15 to 17: what somebody who is logged in does to the connection.

// globalRequests sends 100,000 requests that no server knows, over four connections.
func globalRequests(g *target) {
	const each = 25_000
	var all sync.WaitGroup
	from := time.Now()
	for n := range 4 {
		c := g.in(g.source(n), "viewer")
		all.Go(func() {
			go func() {
				for range each / 100 {
					batch := make([][]byte, 100)
					for i := range batch {
						batch[i] = globalRequest("nonsense@example.com", i%2 == 0, make([]byte, i)...)
					}
					if c.send(batch...) != nil {
						return
					}
				}
				_ = c.send(globalRequest("keepalive@openssh.com", true))
			}()
			if _, err := c.expect(msgGlobalSuccess); err != nil {
				g.Error(err)
			}
			if got := c.seen[msgGlobalFailure].Load(); got != each/2 {
				g.Errorf("%d refusals of %d requests that want an answer", got, each/2)
			}
			c.Close()
		})
	}
	all.Wait()
	g.outcome.note("%d requests a second on each of 4 connections", int(each/time.Since(from).Seconds()))
}

// forwarding asks for everything that SSH can carry and that is not served here.
func forwarding(g *target) {
	c := g.in(g.source(1), "admin")
	address := append(append(text("127.0.0.1"), 0, 0, 0, 22), append(text("127.0.0.1"), 0, 0, 0, 1)...)
	for n, kind := range []string{"direct-tcpip", "forwarded-tcpip", "direct-streamlocal@openssh.com", "forwarded-streamlocal@openssh.com",
		"tun@openssh.com", "x11", "auth-agent@openssh.com", "auth-agent", "sftp", "session@openssh.com", "", strings.Repeat("s", 30<<10)} {
		_ = c.send(openRequest(kind, uint32(n), 1<<20, 32<<10, address...))
		answer, err := c.expect(msgChannelRefused, msgChannelConfirm)
		if err != nil {
			g.Fatal(err)
		}
		if answer[0] != msgChannelRefused || binary.BigEndian.Uint32(answer[5:]) != uint32(ssh.Prohibited) {
			g.Errorf("channel %.40s: message %d, %q; want it administratively prohibited", kind, answer[0], answer[1:])
		}
	}
	for _, name := range []string{"tcpip-forward", "cancel-tcpip-forward", "streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com",
		"hostkeys-prove-00@openssh.com", "elevation@openssh.com"} {
		_ = c.send(globalRequest(name, true, append(text("127.0.0.1"), 0, 0, 0, 0)...))
		if answer, err := c.expect(msgGlobalSuccess, msgGlobalFailure); err != nil || answer[0] != msgGlobalFailure {
			g.Errorf("%s: %v %v", name, answer, err)
		}
	}
	theirs, err := c.open(50, 1<<20, 32<<10)
	if err != nil {
		g.Fatal(err)
	}
	for _, name := range []string{"x11-req", "auth-agent-req@openssh.com", "auth-agent-req", "subsystem", "break",
		"xon-xoff", "eow@openssh.com", "tun@openssh.com", "", "nonsense"} {
		if granted, err := c.ask(theirs, name, text("sftp")); granted || err != nil {
			g.Errorf("%s: granted %v, %v", name, granted, err)
		}
	}
	for _, args := range [][]string{
		{"-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "op@127.0.0.1", "hello"},
		{"-o", "ExitOnForwardFailure=yes", "-R", g.dir + "/s:127.0.0.1:1", "op@127.0.0.1", "hello"},
		{"-W", "127.0.0.1:22", "op@127.0.0.1"}, {"-s", "op@127.0.0.1", "sftp"}, {"-s", "op@127.0.0.1", "netconf"},
	} {
		if out, err := g.ssh("admin", args...).CombinedOutput(); err == nil {
			g.Errorf("ssh %v: %s", args, out)
		}
	}
	if out, err := g.ssh("admin", "-A", "-X", "op@127.0.0.1", "hello").Output(); err != nil || string(out) != "Hello! How are you?\n" {
		g.Errorf("a client that would like an agent and X11 has no session: %s %v", out, err)
	}
}

// channels opens 10,000 sessions at once on one connection, then opens and closes 100,000, one batch after the other.
func channels(g *target) {
	c := g.in(g.source(1), "viewer")
	go func() {
		for n := range 100 {
			batch := make([][]byte, 100)
			for i := range batch {
				batch[i] = openRequest("session", uint32(n*100+i), 1<<20, 32<<10)
			}
			_ = c.send(batch...)
		}
	}()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for c.seen[msgChannelConfirm].Load()+c.seen[msgChannelRefused].Load() < 10_000 {
		if _, err := c.receive(); err != nil {
			g.Fatal(err)
		}
	}
	if got := c.seen[msgChannelConfirm].Load(); got != 10 {
		g.Errorf("%d of 10000 sessions were opened on one connection; the limit is 10", got)
	}
	c.Close()
	var all sync.WaitGroup
	for n := range 4 {
		c := g.in(g.source(2+n), "viewer")
		all.Go(func() {
			if err := c.openAndClose(25_000); err != nil {
				g.Error(err)
			}
			c.Close()
		})
	}
	all.Wait()
}

// openAndClose opens and closes sessions, six at a time.
func (c *raw) openAndClose(sessions int) error {
	const atOnce = 6
	var batch [][]byte
	asked, closed := 0, 0
	another := func() {
		if asked < sessions {
			batch = append(batch, openRequest("session", uint32(asked), 1<<20, 32<<10))
			asked++
		}
	}
	for range atOnce {
		another()
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for closed < sessions {
		if len(batch) > 0 {
			if err := c.send(batch...); err != nil {
				return err
			}
			batch = nil
		}
		packet, err := c.receive()
		if err != nil {
			return fmt.Errorf("after %d sessions: %w", closed, err)
		}
		switch packet[0] {
		case msgChannelConfirm:
			theirs, err := serverNumber(packet)
			if err != nil {
				return err
			}
			batch = append(batch, channelClose(theirs))
		case msgChannelClose:
			closed++
			another()
		case msgChannelRefused: // the place of one that was closed is not free yet
			asked--
			another()
		}
	}
	return nil
}
