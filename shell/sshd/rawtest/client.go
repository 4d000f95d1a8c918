// Package rawtest is an SSH client for tests that sends any packet at any time, which no well-behaved library does. It knows the
// wire of RFC 4252 to 4254, and nothing of wiped.
package rawtest

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// maxPacket is the longest packet that is read: a length beyond it is a mistake.
const maxPacket = 1 << 20

// Client speaks curve25519-sha256 and aes256-gcm, does not check the host key and does not rekey. Its steps are called one after
// the other, so that a test can stop or stray between any two. Without a connection it still encodes what is sent in clear.
type Client struct {
	net.Conn
	Version    string            // ours
	Strict     bool              // offers strict key exchange
	ServerInit []byte            // the server's offer of algorithms
	SessionID  []byte            // set by Exchange
	Seen       [256]atomic.Int64 // packets received, by type
	patience   time.Duration     // how long Expect waits
	r          *bufio.Reader     // of Conn
	in, out    *packets          // nil: in clear
	server     string            // its version
	init       []byte            // our offer
}

// New is a client that has sent nothing, and waits so long for what it expects.
func New(conn net.Conn, patience time.Duration) *Client {
	return &Client{Conn: conn, Version: "SSH-2.0-raw", patience: patience, r: bufio.NewReaderSize(conn, 64<<10)}
}

// Read reads past what was buffered for packets: bytes as they come, still encrypted.
func (c *Client) Read(p []byte) (int, error) { return c.r.Read(p) }

// packets are those of one direction.
type packets struct {
	aead  cipher.AEAD
	nonce []byte
}

func newPackets(key, iv []byte) *packets {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &packets{aead, iv[:12]}
}

// next counts a packet: RFC 5647, section 7.1.
func (p *packets) next() {
	binary.BigEndian.PutUint64(p.nonce[4:], binary.BigEndian.Uint64(p.nonce[4:])+1)
}

// Encode returns the bytes on the wire of one packet, so that many can be written at once.
func (c *Client) Encode(payload []byte) []byte {
	block, header := 16, 0
	if c.out == nil {
		block, header = 8, 4
	}
	pad := block - (header+1+len(payload))%block
	if pad < 4 {
		pad += block
	}
	body := append(append([]byte{byte(pad)}, payload...), make([]byte, pad)...)
	if c.out == nil {
		return append(length(body), body...)
	}
	return c.Seal(body)
}

// Seal encrypts a packet that is built by hand, its length apart.
func (c *Client) Seal(body []byte) []byte {
	defer c.out.next()
	return c.out.aead.Seal(length(body), c.out.nonce, body, length(body))
}

func length(body []byte) []byte { return binary.BigEndian.AppendUint32(nil, uint32(len(body))) }

// Send writes packets.
func (c *Client) Send(payloads ...[]byte) error {
	var all []byte
	for _, p := range payloads {
		all = append(all, c.Encode(p)...)
	}
	_, err := c.Write(all)
	return err
}

// Receive returns the next packet.
func (c *Client) Receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c.r, head); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head))
	if c.in != nil {
		size += c.in.aead.Overhead()
	}
	if size > maxPacket {
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
	c.Seen[payload[0]].Add(1)
	return payload, nil
}

// Expect returns the next packet of one of the types wanted, skipping others.
func (c *Client) Expect(wanted ...byte) ([]byte, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.patience))
	for {
		packet, err := c.Receive()
		if err != nil {
			return nil, fmt.Errorf("waiting for message %v: %w", wanted, err)
		}
		if bytes.IndexByte(wanted, packet[0]) >= 0 {
			return packet, nil
		}
	}
}

// IsClosed reads on and tells whether the server closes the connection, other than patience being at its end.
func (c *Client) IsClosed() bool {
	_ = c.SetReadDeadline(time.Now().Add(c.patience))
	_, err := io.Copy(io.Discard, c.r)
	var e net.Error
	return !errors.As(err, &e) || !e.Timeout()
}
