//go:build hostile

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"wiped/shell/sshd/rawtest"
)

// Cases 18 and 19: flow control and terminals.

// fill has the server keep a number of messages, so that there is something long to read back, and returns it.
func (g *target) fill(messages int) string {
	g.Helper()
	client := g.dial("operator")
	session, err := client.NewSession()
	if err != nil {
		g.Fatal(err)
	}
	var script bytes.Buffer
	for n := range messages {
		fmt.Fprintf(&script, "write: %s\n", strings.Repeat(string(rune('a'+n%26)), 60_000))
	}
	session.Stdin = &script
	session.Stdout = io.Discard
	if err = session.Shell(); err == nil {
		err = session.Wait()
	}
	if err != nil {
		g.Fatal(err)
	}
	got := execute(client, "messages")
	if got.exit != 0 || len(got.out) < messages*60_000 {
		g.Fatalf("messages: exit %d, %d bytes, %s", got.exit, len(got.out), got.err)
	}
	return got.out
}

// windows plays with what flow control counts.
func windows(g *target) {
	long := g.fill(300)
	all := execute(g.dial("viewer"), "messages").out
	if all != long {
		g.Error("messages prints something else the second time")
	}
	c := g.in(g.source(1), "viewer") // an endless window, and nothing is read
	theirs, err := c.open(0, 0xFFFFFFFF, 1<<31)
	if err != nil {
		g.Fatal(err)
	}
	_ = c.Send(rawtest.ChannelRequest(theirs, "exec", false, text("messages")))
	time.Sleep(time.Second)
	var got strings.Builder
	for packet := []byte(nil); ; {
		if packet, err = c.Expect(rawtest.MsgChannelData, rawtest.MsgChannelClose); err != nil {
			g.Fatal(err)
		}
		if packet[0] == rawtest.MsgChannelClose {
			break
		}
		got.Write(packet[9:])
	}
	if got.String() != long {
		g.Errorf("a slow reader got %d of %d bytes, or others", got.Len(), len(long))
	}
	c.Close()
	for n := range 3 { // closed windows: thirty sessions have all of it to say, and nobody takes a byte
		c := g.in(g.source(10+n), "viewer")
		for session := range 10 {
			theirs, err := c.open(uint32(session), 0, 32<<10)
			if err != nil {
				g.Fatal(err)
			}
			_ = c.Send(rawtest.ChannelRequest(theirs, "exec", false, text("messages")))
		}
	}
	time.Sleep(time.Second)
	c = g.in(g.source(2), "viewer") // the window over its end
	if theirs, err = c.open(0, 0xFFFFFFFF, 32<<10); err != nil {
		g.Fatal(err)
	}
	for range 10 {
		_ = c.Send(windowAdjust(theirs, 0xFFFFFFFF))
	}
	if !c.IsClosed() {
		g.Error("a window of more than 4 GB: the connection stays open")
	}
	help := execute(g.dial("viewer"), "help").out
	for _, size := range []uint32{0, 1, 8, 9, 10, 1 << 31, 1<<31 + 1, 0xFFFFFFFF} {
		c := g.in(g.source(3), "viewer")
		_ = c.Send(rawtest.OpenRequest("session", 0, 1<<20, size))
		answer, err := c.Expect(rawtest.MsgChannelConfirm, rawtest.MsgChannelRefused)
		if err != nil || answer[0] == rawtest.MsgChannelRefused {
			c.Close()
			continue
		}
		theirs, _ := serverNumber(answer)
		_ = c.Send(rawtest.ChannelRequest(theirs, "exec", false, text("help")))
		if said := c.heard(); said != help {
			g.Errorf("with packets of %d bytes help prints %d bytes, not %d", size, len(said), len(help))
		}
		c.Close()
	}
	for _, more := range []int{1, 3 << 20} { // more data than the server's window allows
		c := g.in(g.source(4), "viewer")
		theirs, err := c.open(0, 1<<20, 32<<10)
		if err != nil {
			g.Fatal(err)
		}
		_ = c.Send(rawtest.ChannelRequest(theirs, "shell", false, nil))
		data := append([]byte{rawtest.MsgChannelData, 0, 0, 0, byte(theirs)}, text(strings.Repeat("#", 30<<10))...)
		for range more/(30<<10) + 1 {
			_ = c.Send(data)
		}
		c.Close()
	}
}

// heard collects what is printed on the one channel of a connection until it is closed.
func (c *raw) heard() string {
	var said strings.Builder
	for {
		packet, err := c.Expect(rawtest.MsgChannelData, rawtest.MsgChannelClose)
		if err != nil || packet[0] == rawtest.MsgChannelClose {
			return said.String()
		}
		said.Write(packet[9:])
	}
}

// oddTerminals asks for terminals that there are none of.
func oddTerminals(g *target) {
	client := g.dial("viewer")
	overflow := make([]byte, 64)
	binary.BigEndian.PutUint32(overflow, 0xFFFFFFFE)
	good := ptyRequest("xterm", 80, 24)
	bad := [][]byte{overflow, nil, {0, 0}, append(bytes.Clone(good), 0)}
	for n := range good {
		bad = append(bad, good[:n])
	}
	ch, _ := g.openChannel(client)
	for _, name := range []string{"pty-req", "window-change", "exec", "signal", "env", "subsystem"} {
		if g.request(ch, name, overflow) {
			g.Errorf("%s with a length of 0xFFFFFFFE was granted", name)
		}
	}
	for _, payload := range bad {
		if g.request(ch, "pty-req", payload) {
			g.Errorf("pty-req with payload %q was granted", payload)
		}
	}
	ch.Close()
	for _, c := range []struct {
		term          string
		columns, rows uint32
	}{{"xterm", 0, 0}, {"xterm", 0xFFFFFFFF, 0xFFFFFFFF}, {"xterm", 1, 1}, {"", 80, 24}, {strings.Repeat("x", 200<<10), 80, 24}, {"\x1b[31m\x00", 80, 24}} {
		client := g.dial("viewer")
		ch, requests := g.openChannel(client)
		if !g.request(ch, "pty-req", ptyRequest(c.term, c.columns, c.rows)) || !g.request(ch, "shell", nil) {
			g.Errorf("%.20q, %d x %d: no terminal", c.term, c.columns, c.rows)
		}
		go io.WriteString(ch, "hello\rgoodbye\r")
		out := make(chan string, 1)
		go func() { all, _ := io.ReadAll(ch); out <- string(all) }()
		exit := exitStatus(requests)
		if said := <-out; exit != 0 || !strings.Contains(squeeze(said), "Hello!Howareyou?") {
			g.Errorf("%.20q, %d x %d: exit %d, %.300q", c.term, c.columns, c.rows, exit, said)
		}
		client.Close()
	}
	ch, _ = g.openChannel(client)
	_, err := ch.SendRequest("pty-req", true, ptyRequest(strings.Repeat("x", 1<<20), 80, 24))
	if err == nil && execute(client, "hello").exit == 0 {
		g.Log("a TERM of 1 MB cost nothing at all")
	} else if err != nil && !errors.Is(err, io.EOF) {
		g.Logf("a TERM of 1 MB: %v", err)
	}
}

// squeeze is text without blanks, line ends and escape sequences: what a narrow terminal shows of it.
func squeeze(said string) string {
	var out strings.Builder
	for n := 0; n < len(said); n++ {
		switch b := said[n]; {
		case b == 0x1b:
			for n++; n < len(said) && (said[n] < 'A' || said[n] > 'z' || said[n] == '['); n++ {
			}
		case b > ' ':
			out.WriteByte(b)
		}
	}
	return out.String()
}
