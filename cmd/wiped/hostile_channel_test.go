//go:build hostile

package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
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
					if c.Send(batch...) != nil {
						return
					}
				}
				_ = c.Send(globalRequest("keepalive@openssh.com", true))
			}()
			if _, err := c.Expect(rawtest.MsgGlobalSuccess); err != nil {
				g.Error(err)
			}
			if got := c.Seen[rawtest.MsgGlobalFailure].Load(); got != each/2 {
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
		_ = c.Send(rawtest.OpenRequest(kind, uint32(n), 1<<20, 32<<10, address...))
		answer, err := c.Expect(rawtest.MsgChannelRefused, rawtest.MsgChannelConfirm)
		if err != nil {
			g.Fatal(err)
		}
		if answer[0] != rawtest.MsgChannelRefused || binary.BigEndian.Uint32(answer[5:]) != uint32(ssh.Prohibited) {
			g.Errorf("channel %.40s: message %d, %q; want it administratively prohibited", kind, answer[0], answer[1:])
		}
	}
	for _, name := range []string{"tcpip-forward", "cancel-tcpip-forward", "streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com",
		"hostkeys-prove-00@openssh.com", "elevation@openssh.com"} {
		_ = c.Send(globalRequest(name, true, append(text("127.0.0.1"), 0, 0, 0, 0)...))
		if answer, err := c.Expect(rawtest.MsgGlobalSuccess, rawtest.MsgGlobalFailure); err != nil || answer[0] != rawtest.MsgGlobalFailure {
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
				batch[i] = rawtest.OpenRequest("session", uint32(n*100+i), 1<<20, 32<<10)
			}
			_ = c.Send(batch...)
		}
	}()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for c.Seen[rawtest.MsgChannelConfirm].Load()+c.Seen[rawtest.MsgChannelRefused].Load() < 10_000 {
		if _, err := c.Receive(); err != nil {
			g.Fatal(err)
		}
	}
	if got := c.Seen[rawtest.MsgChannelConfirm].Load(); got != 10 {
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
			batch = append(batch, rawtest.OpenRequest("session", uint32(asked), 1<<20, 32<<10))
			asked++
		}
	}
	for range atOnce {
		another()
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for closed < sessions {
		if len(batch) > 0 {
			if err := c.Send(batch...); err != nil {
				return err
			}
			batch = nil
		}
		packet, err := c.Receive()
		if err != nil {
			return fmt.Errorf("after %d sessions: %w", closed, err)
		}
		switch packet[0] {
		case rawtest.MsgChannelConfirm:
			theirs, err := serverNumber(packet)
			if err != nil {
				return err
			}
			batch = append(batch, channelClose(theirs))
		case rawtest.MsgChannelClose:
			closed++
			another()
		case rawtest.MsgChannelRefused: // the place of one that was closed is not free yet
			asked--
			another()
		}
	}
	return nil
}
