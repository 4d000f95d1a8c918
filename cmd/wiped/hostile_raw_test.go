//go:build hostile

package main

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// raw is an SSH client that sends any packet at any time, which no well-behaved library does: curve25519-sha256, aes256-gcm, no check
// of the host key. Its steps are called one after the other, so that a case can stop or stray between any two.
type raw struct {
	net.Conn
	r             *bufio.Reader
	in, out       *rawCipher
	version       string // ours
	strict        bool   // offers strict key exchange
	serverVersion string
	clientInit    []byte
	serverInit    []byte
	sessionID     []byte
	seen          [256]atomic.Int64 // packets received, by type
}

type rawCipher struct {
	aead  cipher.AEAD
	nonce []byte
}

// Message numbers of RFC 4250.
const (
	msgDisconnect      = 1
	msgIgnore          = 2
	msgServiceRequest  = 5
	msgServiceAccept   = 6
	msgKexInit         = 20
	msgNewKeys         = 21
	msgKexReply        = 31
	msgUserAuthRequest = 50
	msgUserAuthFailure = 51
	msgUserAuthSuccess = 52
	msgUserAuthKeyOK   = 60
	msgGlobalRequest   = 80
	msgGlobalSuccess   = 81
	msgGlobalFailure   = 82
	msgChannelOpen     = 90
	msgChannelConfirm  = 91
	msgChannelRefused  = 92
	msgWindowAdjust    = 93
	msgChannelData     = 94
	msgChannelEOF      = 96
	msgChannelClose    = 97
	msgChannelRequest  = 98
	msgChannelSuccess  = 99
	msgChannelFailure  = 100
)

// knock connects and does nothing else.
func (g *target) knock(from string) *raw {
	g.Helper()
	conn, err := g.connect(from)
	if err != nil {
		g.Fatalf("connect: %v", err)
	}
	g.remember(conn)
	return &raw{Conn: conn, r: bufio.NewReaderSize(conn, 64<<10), version: "SSH-2.0-raw"}
}

// keyed connects and runs the first key exchange.
func (g *target) keyed(from string) *raw {
	g.Helper()
	c := g.knock(from)
	if err := errors.Join(c.greet(), c.offerAlgorithms(), c.exchange()); err != nil {
		g.Fatalf("key exchange: %v", err)
	}
	return c
}

// in gets to the connection protocol.
func (g *target) in(from, who string) *raw {
	g.Helper()
	c := g.keyed(from)
	if err := c.requestService("ssh-userauth"); err != nil {
		g.Fatalf("service: %v", err)
	}
	if got, err := c.sign("op", g.keys[who]); got != msgUserAuthSuccess {
		g.Fatalf("raw login as %s: message %d, %v", who, got, err)
	}
	return c
}

// greet exchanges versions.
func (c *raw) greet() error {
	if _, err := fmt.Fprintf(c, "%s\r\n", c.version); err != nil {
		return err
	}
	line, err := c.r.ReadString('\n')
	c.serverVersion = strings.TrimRight(line, "\r\n")
	return err
}

// kexInit is the client's offer.
func (c *raw) kexInit() []byte {
	kex := []string{"curve25519-sha256"}
	if c.strict {
		kex = append(kex, "kex-strict-c-v00@openssh.com")
	}
	return ssh.Marshal(struct {
		Type                                                          byte
		Cookie                                                        [16]byte
		Kex, HostKeys, CipherC, CipherS, MACC, MACS, ZipC, ZipS, A, B []string
		Follows                                                       bool
		Reserved                                                      uint32
	}{Type: msgKexInit, Kex: kex, HostKeys: []string{"ssh-ed25519"},
		CipherC: []string{"aes256-gcm@openssh.com"}, CipherS: []string{"aes256-gcm@openssh.com"},
		MACC: []string{"hmac-sha2-256-etm@openssh.com"}, MACS: []string{"hmac-sha2-256-etm@openssh.com"},
		ZipC: []string{"none"}, ZipS: []string{"none"}})
}

// offerAlgorithms exchanges the first messages of the key exchange.
func (c *raw) offerAlgorithms() (err error) {
	c.clientInit = c.kexInit()
	if err := c.send(c.clientInit); err != nil {
		return err
	}
	c.serverInit, err = c.expect(msgKexInit)
	return err
}

// exchange agrees on keys and takes them into use.
func (c *raw) exchange() error {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if err := c.send(ssh.Marshal(struct {
		Type byte
		Q    []byte
	}{30, key.PublicKey().Bytes()})); err != nil {
		return err
	}
	packet, err := c.expect(msgKexReply)
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
	}{c.version, c.serverVersion, c.clientInit, c.serverInit, reply.HostKey, key.PublicKey().Bytes(), reply.Q}), k...))
	c.sessionID = h[:]
	if err := c.send([]byte{msgNewKeys}); err != nil {
		return err
	}
	if _, err := c.expect(msgNewKeys); err != nil {
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

// encode returns the bytes on the wire of one packet, so that many can be written at once.
func (c *raw) encode(payload []byte) []byte {
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

// send writes packets.
func (c *raw) send(payloads ...[]byte) error {
	var all []byte
	for _, p := range payloads {
		all = append(all, c.encode(p)...)
	}
	_, err := c.Write(all)
	return err
}

func (c *raw) receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c.r, head); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head))
	if c.in != nil {
		size += c.in.aead.Overhead()
	}
	if size > 1<<20 {
		return nil, fmt.Errorf("packet of %d bytes", size)
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
	payload := body[1 : len(body)-int(body[0])]
	c.seen[payload[0]].Add(1)
	return payload, nil
}

// expect returns the next packet of one of the types wanted, skipping others.
func (c *raw) expect(wanted ...byte) ([]byte, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for {
		packet, err := c.receive()
		if err != nil {
			return nil, fmt.Errorf("waiting for message %v: %w", wanted, err)
		}
		if bytes.IndexByte(wanted, packet[0]) >= 0 {
			return packet, nil
		}
	}
}

// isClosed reads on and tells whether the server closes the connection, other than patience being at its end.
func (c *raw) isClosed() bool {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, c.r)
	return !isTimeout(err)
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
