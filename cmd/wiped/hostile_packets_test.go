//go:build hostile

package main

import (
	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// The packets of RFC 4252 and 4254 that the cases send.

func text(s string) []byte { return ssh.Marshal(struct{ S string }{s}) }

// loginRequest is a request to log in by a method that needs no more than its name.
func loginRequest(user, method string, more ...byte) []byte {
	return append(ssh.Marshal(struct {
		Type                  byte
		User, Service, Method string
	}{rawtest.MsgUserAuthRequest, user, "ssh-connection", method}), more...)
}

// open opens a session channel and returns the server's number for it.
func (c *raw) open(number, window, packet uint32) (uint32, error) {
	if err := c.Send(rawtest.OpenRequest("session", number, window, packet)); err != nil {
		return 0, err
	}
	answer, err := c.Expect(rawtest.MsgChannelConfirm)
	if err != nil {
		return 0, err
	}
	return serverNumber(answer)
}

// serverNumber reads the server's number of a channel from its confirmation.
func serverNumber(confirmation []byte) (uint32, error) {
	var m struct {
		Mine           uint32 `sshtype:"91"`
		Theirs         uint32
		Window, Packet uint32
		Rest           []byte `ssh:"rest"`
	}
	err := ssh.Unmarshal(confirmation, &m)
	return m.Theirs, err
}

// ask sends a channel request and tells whether it was granted.
func (c *raw) ask(channel uint32, kind string, payload []byte) (bool, error) {
	if err := c.Send(rawtest.ChannelRequest(channel, kind, true, payload)); err != nil {
		return false, err
	}
	answer, err := c.Expect(rawtest.MsgChannelSuccess, rawtest.MsgChannelFailure)
	return err == nil && answer[0] == rawtest.MsgChannelSuccess, err
}

func channelClose(channel uint32) []byte {
	return ssh.Marshal(struct {
		Type    byte
		Channel uint32
	}{rawtest.MsgChannelClose, channel})
}

func windowAdjust(channel, more uint32) []byte {
	return ssh.Marshal(struct {
		Type          byte
		Channel, More uint32
	}{rawtest.MsgWindowAdjust, channel, more})
}

func globalRequest(name string, reply bool, payload ...byte) []byte {
	return append(ssh.Marshal(struct {
		Type  byte
		Name  string
		Reply bool
	}{rawtest.MsgGlobalRequest, name, reply}), payload...)
}

func ptyRequest(term string, columns, rows uint32) []byte {
	return ssh.Marshal(struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}{term, columns, rows, 0, 0, "\x00"})
}

func windowChange(columns, rows uint32) []byte {
	return ssh.Marshal(struct{ Columns, Rows, Width, Height uint32 }{columns, rows, 0, 0})
}

// openChannel opens a session over x/crypto.
func (g *target) openChannel(client *ssh.Client) (ssh.Channel, <-chan *ssh.Request) {
	g.Helper()
	ch, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		g.Fatalf("open channel: %v", err)
	}
	return ch, requests
}

// request sends a channel request and tells whether it was granted.
func (g *target) request(ch ssh.Channel, name string, payload []byte) bool {
	g.Helper()
	ok, err := ch.SendRequest(name, true, payload)
	if err != nil {
		g.Fatalf("request %s: %v", name, err)
	}
	return ok
}

// exitStatus waits for the end of a channel and returns its exit status, -1 if none came before it was closed.
func exitStatus(requests <-chan *ssh.Request) int {
	exit := -1
	for req := range requests {
		if req.Type == "exit-status" && len(req.Payload) == 4 {
			exit = int(req.Payload[3])
		}
		_ = req.Reply(false, nil)
	}
	return exit
}
