package rawtest

import (
	"crypto/rand"

	"golang.org/x/crypto/ssh"
)

// Message numbers of RFC 4250, section 4.1.2.
const (
	MsgDisconnect      = 1
	MsgIgnore          = 2
	MsgServiceRequest  = 5
	MsgServiceAccept   = 6
	MsgKexInit         = 20
	MsgNewKeys         = 21
	MsgKexRequest      = 30
	MsgKexReply        = 31
	MsgUserAuthRequest = 50
	MsgUserAuthFailure = 51
	MsgUserAuthSuccess = 52
	MsgUserAuthKeyOK   = 60
	MsgGlobalRequest   = 80
	MsgGlobalSuccess   = 81
	MsgGlobalFailure   = 82
	MsgChannelOpen     = 90
	MsgChannelConfirm  = 91
	MsgChannelRefused  = 92
	MsgWindowAdjust    = 93
	MsgChannelData     = 94
	MsgChannelEOF      = 96
	MsgChannelClose    = 97
	MsgChannelRequest  = 98
	MsgChannelSuccess  = 99
	MsgChannelFailure  = 100
)

// ServiceRequest asks for a service.
func ServiceRequest(name string) []byte {
	return ssh.Marshal(struct {
		Type byte
		Name string
	}{MsgServiceRequest, name})
}

// KeyRequest offers a key, or begins a signed request; algorithm and blob may be anything.
func KeyRequest(user string, signed bool, algorithm string, blob []byte) []byte {
	return ssh.Marshal(struct {
		Type                  byte
		User, Service, Method string
		Signed                bool
		Algorithm             string
		Key                   []byte
	}{MsgUserAuthRequest, user, "ssh-connection", "publickey", signed, algorithm, blob})
}

// OpenRequest opens a channel.
func OpenRequest(kind string, number, window, packet uint32, more ...byte) []byte {
	return append(ssh.Marshal(struct {
		Type                   byte
		Kind                   string
		Number, Window, Packet uint32
	}{MsgChannelOpen, kind, number, window, packet}), more...)
}

// ChannelRequest is a request on a channel, by the server's number of it.
func ChannelRequest(channel uint32, kind string, reply bool, payload []byte) []byte {
	return append(ssh.Marshal(struct {
		Type    byte
		Channel uint32
		Kind    string
		Reply   bool
	}{MsgChannelRequest, channel, kind, reply}), payload...)
}

// RequestService asks for a service and waits for the answer.
func (c *Client) RequestService(name string) error {
	if err := c.Send(ServiceRequest(name)); err != nil {
		return err
	}
	_, err := c.Expect(MsgServiceAccept)
	return err
}

// LoginAnswer sends a login request and returns the type of the answer, 0 if the connection ends.
func (c *Client) LoginAnswer(request []byte) (byte, error) {
	if err := c.Send(request); err != nil {
		return 0, err
	}
	packet, err := c.Expect(MsgUserAuthFailure, MsgUserAuthSuccess, MsgUserAuthKeyOK)
	if err != nil {
		return 0, err
	}
	return packet[0], nil
}

// Offer asks whether a key would do.
func (c *Client) Offer(user string, key ssh.PublicKey) (byte, error) {
	return c.LoginAnswer(KeyRequest(user, false, key.Type(), key.Marshal()))
}

// Sign logs in with a key.
func (c *Client) Sign(user string, key ssh.Signer) (byte, error) {
	return c.SignAs(user, key.PublicKey(), user, key)
}

// SignAs asks to be let in as user with the key shown, signed for another user or by another key.
func (c *Client) SignAs(user string, shown ssh.PublicKey, signedUser string, signer ssh.Signer) (byte, error) {
	signed := KeyRequest(signedUser, true, shown.Type(), shown.Marshal())
	signature, err := signer.Sign(rand.Reader, append(ssh.Marshal(struct{ ID []byte }{c.SessionID}), signed...))
	if err != nil {
		return 0, err
	}
	request := KeyRequest(user, true, shown.Type(), shown.Marshal())
	return c.LoginAnswer(append(request, ssh.Marshal(struct{ Sig []byte }{ssh.Marshal(signature)})...))
}
