package rawtest

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Handshake runs the first key exchange: Greet, OfferAlgorithms, Exchange.
func (c *Client) Handshake() error {
	for _, step := range []func() error{c.Greet, c.OfferAlgorithms, c.Exchange} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Greet exchanges versions.
func (c *Client) Greet() error {
	if _, err := fmt.Fprintf(c, "%s\r\n", c.Version); err != nil {
		return err
	}
	return c.ReadVersion()
}

// ReadVersion reads the server's version.
func (c *Client) ReadVersion() error {
	line, err := c.r.ReadString('\n')
	c.server = strings.TrimRight(line, "\r\n")
	return err
}

// KexInit is the client's offer.
func (c *Client) KexInit() []byte {
	kex := []string{"curve25519-sha256"}
	if c.Strict {
		kex = append(kex, "kex-strict-c-v00@openssh.com")
	}
	return ssh.Marshal(struct {
		Type                                                          byte
		Cookie                                                        [16]byte
		Kex, HostKeys, CipherC, CipherS, MACC, MACS, ZipC, ZipS, A, B []string
		Follows                                                       bool
		Reserved                                                      uint32
	}{Type: MsgKexInit, Kex: kex, HostKeys: []string{"ssh-ed25519"},
		CipherC: []string{"aes256-gcm@openssh.com"}, CipherS: []string{"aes256-gcm@openssh.com"},
		MACC: []string{"hmac-sha2-256-etm@openssh.com"}, MACS: []string{"hmac-sha2-256-etm@openssh.com"},
		ZipC: []string{"none"}, ZipS: []string{"none"}})
}

// OfferAlgorithms exchanges the first messages of the key exchange.
func (c *Client) OfferAlgorithms() (err error) {
	c.init = c.KexInit()
	if err := c.Send(c.init); err != nil {
		return err
	}
	c.ServerInit, err = c.Expect(MsgKexInit)
	return err
}

// Exchange agrees on keys and takes them into use.
func (c *Client) Exchange() error {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	q := key.PublicKey().Bytes()
	if err := c.Send(ssh.Marshal(struct {
		Type byte
		Q    []byte
	}{MsgKexRequest, q})); err != nil {
		return err
	}
	packet, err := c.Expect(MsgKexReply)
	if err != nil {
		return err
	}
	var reply struct {
		HostKey []byte `sshtype:"31"`
		Q, Sig  []byte
	}
	if err := ssh.Unmarshal(packet, &reply); err != nil {
		return err
	}
	peer, err := ecdh.X25519().NewPublicKey(reply.Q)
	if err != nil {
		return err
	}
	shared, err := key.ECDH(peer)
	if err != nil {
		return err
	}
	k := ssh.Marshal(struct{ K *big.Int }{new(big.Int).SetBytes(shared)})
	h := sha256.Sum256(append(ssh.Marshal(struct {
		VC, VS             string
		IC, IS, KS, QC, QS []byte
	}{c.Version, c.server, c.init, c.ServerInit, reply.HostKey, q, reply.Q}), k...))
	c.SessionID = h[:]
	return c.useKeys(k, h[:])
}

// useKeys changes to the keys that follow from the secret k and the exchange hash h: RFC 4253, section 7.2.
func (c *Client) useKeys(k, h []byte) error {
	if err := c.Send([]byte{MsgNewKeys}); err != nil {
		return err
	}
	if _, err := c.Expect(MsgNewKeys); err != nil {
		return err
	}
	derive := func(letter byte) []byte {
		sum := sha256.Sum256(append(append(append(append([]byte{}, k...), h...), letter), h...))
		return sum[:]
	}
	c.out = newPackets(derive('C'), derive('A'))
	c.in = newPackets(derive('D'), derive('B'))
	return nil
}
