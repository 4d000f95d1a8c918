package sshd

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
)

func TestParseRefusesEveryTruncation(t *testing.T) {
	for name, c := range map[string]struct {
		whole []byte
		parse func(payload) bool
	}{
		"pty-req":       {ptyRequest("xterm", 80, 24), func(p payload) bool { _, ok := parseTerminal(p); return ok }},
		"window-change": {windowChange(80, 24), func(p payload) bool { _, ok := parseSize(p); return ok }},
		"exec":          {text("erase"), func(p payload) bool { _, ok := parseText(p); return ok }},
	} {
		if !c.parse(c.whole) {
			t.Errorf("%s refused", name)
		}
		for n := range c.whole {
			if c.parse(c.whole[:n]) {
				t.Errorf("%s of %d bytes out of %d was accepted", name, n, len(c.whole))
			}
		}
		if c.parse(append(bytes.Clone(c.whole), 0)) {
			t.Errorf("%s with a byte left over was accepted", name)
		}
	}
}

// FuzzChannelRequest sends any request with any payload, twice, to a channel before and after its start: it must not
// panic or block, and what is taken over must keep its promises.
func FuzzChannelRequest(f *testing.F) {
	overflow := make([]byte, 64)
	binary.BigEndian.PutUint32(overflow, 0xFFFFFFFE)
	for _, name := range []string{"pty-req", "window-change", "exec", "signal", "shell", "env"} {
		for _, p := range [][]byte{overflow, ptyRequest("xterm", 80, 24), windowChange(1, 1<<31), text("INT"), nil} {
			f.Add(name, p)
		}
	}
	f.Fuzz(func(t *testing.T, name string, p []byte) {
		x := bareChannel(auth.Identity{})
		answer := answers[name]
		if answer == nil {
			return
		}
		before := bytes.Clone(p)
		answer(x, p)
		answer(x, p)
		if !bytes.Equal(before, p) {
			t.Error("the payload was changed")
		}
		if x.terminal != nil {
			checkTerminal(t, *x.terminal)
		}
		if x.mode == shell.Exec && !bytes.Equal(text(x.command), p) {
			t.Errorf("command %q out of payload %q", x.command, p)
		}
		select {
		case size := <-x.resize:
			checkTerminal(t, terminal{"x", size})
		default:
		}
	})
}

func checkTerminal(t *testing.T, got terminal) {
	t.Helper()
	if got.size.Columns < 10 || got.size.Columns > 1000 || got.size.Rows < 2 || got.size.Rows > 1000 {
		t.Errorf("size %v", got.size)
	}
	if got.term == "" || len(got.term) > maxTerm || !printable(got.term) {
		t.Errorf("TERM %q", got.term)
	}
}

// bareChannel is a channel with a server behind it and no client.
func bareChannel(who auth.Identity) *channel {
	server := &Server{closing: make(chan struct{})}
	return &channel{
		conn: &conn{server: server}, who: who, idle: time.NewTimer(time.Hour), cancel: func() {},
		resize: make(chan shell.Size, 1), interrupt: make(chan struct{}, 1),
	}
}

func TestHostKeys(t *testing.T) {
	config := Config{Authorize: (&station{}).authorize, IdentityOf: identityOf, Handler: nothing}
	for name, keys := range map[string][]gossh.Signer{"none": nil, "nil": {nil}, "two of a type": {hostKey, goodKey}} {
		config.HostKeys = keys
		if _, err := New(config); err == nil {
			t.Errorf("host keys: %s: accepted", name)
		}
	}
	config.HostKeys = []gossh.Signer{hostKey}
	if _, err := New(config); err != nil {
		t.Error(err)
	}
	config.Authorize = nil
	if _, err := New(config); err == nil {
		t.Error("no Authorize: accepted, which would be no authentication")
	}
}
