package sshd

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// rawClient is an SSH client that sends any packet at any time, which no well-behaved library does:
// curve25519-sha256, aes256-gcm, no host key check, no rekeying.
type rawClient struct {
	net.Conn
	t         testing.TB
	r         *bufio.Reader
	in, out   *rawCipher
	sessionID []byte
}

type rawCipher struct {
	aead  cipher.AEAD
	nonce []byte
}

const rawVersion = "SSH-2.0-raw"

// Message numbers of RFC 4250.
const (
	msgServiceRequest  = 5
	msgServiceAccept   = 6
	msgKexInit         = 20
	msgNewKeys         = 21
	msgUserAuthRequest = 50
	msgUserAuthFailure = 51
	msgUserAuthSuccess = 52
	msgUserAuthKeyOK   = 60
	msgChannelOpen     = 90
	msgChannelConfirm  = 91
	msgChannelData     = 94
	msgChannelRequest  = 98
)

// expect returns the next packet of one of the types wanted, skipping others.
func (c *rawClient) expect(wanted ...byte) []byte {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	for {
		packet, err := c.receive()
		if err != nil {
			c.t.Fatalf("waiting for message %v: %v", wanted, err)
		}
		if bytes.IndexByte(wanted, packet[0]) >= 0 {
			return packet
		}
	}
}

// requestService asks for a service and waits for the answer.
func (c *rawClient) requestService() {
	c.t.Helper()
	c.send(gossh.Marshal(struct {
		Type byte
		Name string
	}{msgServiceRequest, "ssh-userauth"}))
	c.expect(msgServiceAccept)
}

type rawPublicKey struct {
	Type                  byte
	User, Service, Method string
	Signed                bool
	Algorithm             string
	Key                   []byte
}

func publicKeyRequest(user string, key gossh.PublicKey, signed bool) []byte {
	return gossh.Marshal(rawPublicKey{msgUserAuthRequest, user, "ssh-connection", "publickey", signed, key.Type(), key.Marshal()})
}

// offer asks whether a key would do.
func (c *rawClient) offer(user string, key gossh.PublicKey) byte {
	c.t.Helper()
	c.send(publicKeyRequest(user, key, false))
	return c.expect(msgUserAuthFailure, msgUserAuthSuccess, msgUserAuthKeyOK)[0]
}

// sign logs in with a key.
func (c *rawClient) sign(user string, key gossh.Signer) byte {
	c.t.Helper()
	request := publicKeyRequest(user, key.PublicKey(), true)
	signature, err := key.Sign(rand.Reader, append(gossh.Marshal(struct{ ID []byte }{c.sessionID}), request...))
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(append(request, gossh.Marshal(struct{ Sig []byte }{gossh.Marshal(signature)})...))
	return c.expect(msgUserAuthFailure, msgUserAuthSuccess)[0]
}

// login gets to the connection protocol.
func (c *rawClient) login(user string, key gossh.Signer) {
	c.t.Helper()
	c.requestService()
	if got := c.sign(user, key); got != msgUserAuthSuccess {
		c.t.Fatalf("raw login: message %d", got)
	}
}

// exec opens channel number, which must be the first free one, and runs a command on it.
func (c *rawClient) exec(number uint32, command string) {
	c.t.Helper()
	c.send(openRequest("session", number, 1<<20))
	c.expect(msgChannelConfirm)
	c.send(channelRequest(number, "exec", true, gossh.Marshal(struct{ S string }{command})))
}

// openRequest is the packet that opens a channel.
func openRequest(kind string, number, window uint32) []byte {
	return gossh.Marshal(struct {
		Type                   byte
		Kind                   string
		Number, Window, Packet uint32
	}{msgChannelOpen, kind, number, window, 32 << 10})
}

func channelRequest(channel uint32, kind string, reply bool, payload []byte) []byte {
	return append(gossh.Marshal(struct {
		Type    byte
		Channel uint32
		Kind    string
		Reply   bool
	}{msgChannelRequest, channel, kind, reply}), payload...)
}

// dialRaw connects and runs the key exchange; what follows is up to the test.
func dialRaw(t testing.TB, addr string) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &rawClient{Conn: conn, t: t, r: bufio.NewReader(conn)}
	if err := c.keyExchange(); err != nil {
		t.Fatalf("raw key exchange: %v", err)
	}
	return c
}

func (c *rawClient) keyExchange() error {
	fmt.Fprintf(c, "%s\r\n", rawVersion)
	line, err := c.r.ReadString('\n')
	if err != nil {
		return err
	}
	serverVersion := strings.TrimRight(line, "\r\n")
	clientInit := gossh.Marshal(struct {
		Type                                                          byte
		Cookie                                                        [16]byte
		Kex, HostKeys, CipherC, CipherS, MACC, MACS, ZipC, ZipS, A, B []string
		Follows                                                       bool
		Reserved                                                      uint32
	}{Type: msgKexInit, Kex: []string{"curve25519-sha256"}, HostKeys: []string{"ssh-ed25519"},
		CipherC: []string{"aes256-gcm@openssh.com"}, CipherS: []string{"aes256-gcm@openssh.com"},
		MACC: []string{"hmac-sha2-256-etm@openssh.com"}, MACS: []string{"hmac-sha2-256-etm@openssh.com"},
		ZipC: []string{"none"}, ZipS: []string{"none"}})
	if err := c.send(clientInit); err != nil {
		return err
	}
	serverInit, err := c.receive()
	if err != nil {
		return err
	}
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if err := c.send(gossh.Marshal(struct {
		Type byte
		Q    []byte
	}{30, key.PublicKey().Bytes()})); err != nil {
		return err
	}
	packet, err := c.receive()
	if err != nil {
		return err
	}
	var reply struct {
		HostKey []byte `sshtype:"31"`
		Q, Sig  []byte
	}
	if err := gossh.Unmarshal(packet, &reply); err != nil {
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
	k := gossh.Marshal(struct{ K *big.Int }{new(big.Int).SetBytes(shared)})
	h := sha256.Sum256(append(gossh.Marshal(struct {
		VC, VS             string
		IC, IS, KS, QC, QS []byte
	}{rawVersion, serverVersion, clientInit, serverInit, reply.HostKey, key.PublicKey().Bytes(), reply.Q}), k...))
	c.sessionID = h[:]
	if err := c.send([]byte{msgNewKeys}); err != nil {
		return err
	}
	if _, err := c.receive(); err != nil {
		return err
	}
	derive := func(letter byte) []byte {
		sum := sha256.Sum256(append(append(append(append([]byte{}, k...), h[:]...), letter), h[:]...))
		return sum[:]
	}
	c.out = newRawCipher(derive('C'), derive('A'))
	c.in = newRawCipher(derive('D'), derive('B'))
	return nil
}

func newRawCipher(key, iv []byte) *rawCipher {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &rawCipher{aead, iv[:12]}
}

func (r *rawCipher) next() {
	binary.BigEndian.PutUint64(r.nonce[4:], binary.BigEndian.Uint64(r.nonce[4:])+1)
}

// encode returns the bytes on the wire of one packet, so that several can be written at once.
func (c *rawClient) encode(payload []byte) []byte {
	block, header := 16, 0
	if c.out == nil {
		block, header = 8, 4
	}
	pad := block - (header+1+len(payload))%block
	if pad < 4 {
		pad += block
	}
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
	body := append(append([]byte{byte(pad)}, payload...), make([]byte, pad)...)
	if c.out == nil {
		return append(packet, body...)
	}
	defer c.out.next()
	return c.out.aead.Seal(packet, c.out.nonce, body, packet)
}

func (c *rawClient) send(payload []byte) error {
	_, err := c.Write(c.encode(payload))
	return err
}

func (c *rawClient) receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c.r, head); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head))
	if c.in != nil {
		size += c.in.aead.Overhead()
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return nil, err
	}
	if c.in != nil {
		var err error
		if body, err = c.in.aead.Open(nil, c.in.nonce, body, head); err != nil {
			return nil, err
		}
		c.in.next()
	}
	return body[1 : len(body)-int(body[0])], nil
}
