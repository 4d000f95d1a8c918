//go:build hostile

package main

import (
	"crypto/rand"

	"golang.org/x/crypto/ssh"
)

// The packets of RFC 4252 and 4254 that the cases send.

func text(s string) []byte { return ssh.Marshal(struct{ S string }{s}) }

// requestService asks for a service and waits for the answer.
func (c *raw) requestService(name string) error {
	if err := c.send(append([]byte{msgServiceRequest}, text(name)...)); err != nil {
		return err
	}
	_, err := c.expect(msgServiceAccept)
	return err
}

// loginRequest is a request to log in by a method that needs no more than its name.
func loginRequest(user, method string, more ...byte) []byte {
	return append(ssh.Marshal(struct {
		Type                  byte
		User, Service, Method string
	}{msgUserAuthRequest, user, "ssh-connection", method}), more...)
}

// keyRequest offers a key, or begins a signed request; algorithm and blob may be anything.
func keyRequest(user string, signed bool, algorithm string, blob []byte) []byte {
	return ssh.Marshal(struct {
		Type                  byte
		User, Service, Method string
		Signed                bool
		Algorithm             string
		Key                   []byte
	}{msgUserAuthRequest, user, "ssh-connection", "publickey", signed, algorithm, blob})
}

// loginAnswer sends a login request and returns the type of the answer, 0 if the connection ends.
func (c *raw) loginAnswer(request []byte) (byte, error) {
	if err := c.send(request); err != nil {
		return 0, err
	}
	packet, err := c.expect(msgUserAuthFailure, msgUserAuthSuccess, msgUserAuthKeyOK)
	if err != nil {
		return 0, err
	}
	return packet[0], nil
}

// offer asks whether a key would do.
func (c *raw) offer(user string, key ssh.PublicKey) (byte, error) {
	return c.loginAnswer(keyRequest(user, false, key.Type(), key.Marshal()))
}

// sign logs in with a key.
func (c *raw) sign(user string, key ssh.Signer) (byte, error) {
	return c.signAs(user, key.PublicKey(), user, key)
}

// signAs asks to be let in as user with the key shown, signed for another user or by another key.
func (c *raw) signAs(user string, shown ssh.PublicKey, signedUser string, signer ssh.Signer) (byte, error) {
	signed := keyRequest(signedUser, true, shown.Type(), shown.Marshal())
	signature, err := signer.Sign(rand.Reader, append(ssh.Marshal(struct{ ID []byte }{c.sessionID}), signed...))
	if err != nil {
		return 0, err
	}
	request := keyRequest(user, true, shown.Type(), shown.Marshal())
	return c.loginAnswer(append(request, ssh.Marshal(struct{ Sig []byte }{ssh.Marshal(signature)})...))
}

// channel is a session channel of a raw client; its own number is the server's too while channels are opened and closed in order.
func openRequest(kind string, number, window, packet uint32, more ...byte) []byte {
	return append(ssh.Marshal(struct {
		Type                   byte
		Kind                   string
		Number, Window, Packet uint32
	}{msgChannelOpen, kind, number, window, packet}), more...)
}

// open opens a session channel and returns the server's number for it.
func (c *raw) open(number, window, packet uint32) (uint32, error) {
	if err := c.send(openRequest("session", number, window, packet)); err != nil {
		return 0, err
	}
	answer, err := c.expect(msgChannelConfirm)
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

func channelRequest(channel uint32, kind string, reply bool, payload []byte) []byte {
	return append(ssh.Marshal(struct {
		Type    byte
		Channel uint32
		Kind    string
		Reply   bool
	}{msgChannelRequest, channel, kind, reply}), payload...)
}

// ask sends a channel request and tells whether it was granted.
func (c *raw) ask(channel uint32, kind string, payload []byte) (bool, error) {
	if err := c.send(channelRequest(channel, kind, true, payload)); err != nil {
		return false, err
	}
	answer, err := c.expect(msgChannelSuccess, msgChannelFailure)
	return err == nil && answer[0] == msgChannelSuccess, err
}

func channelClose(channel uint32) []byte {
	return ssh.Marshal(struct {
		Type    byte
		Channel uint32
	}{msgChannelClose, channel})
}

func windowAdjust(channel, more uint32) []byte {
	return ssh.Marshal(struct {
		Type          byte
		Channel, More uint32
	}{msgWindowAdjust, channel, more})
}

func globalRequest(name string, reply bool, payload ...byte) []byte {
	return append(ssh.Marshal(struct {
		Type  byte
		Name  string
		Reply bool
	}{msgGlobalRequest, name, reply}), payload...)
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
