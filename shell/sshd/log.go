package sshd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/time/rate"
)

const (
	maxLogin  = 100 // bytes of a login name in the log, OpenSSH's limit
	maxReason = 200 // bytes of an error text
)

// peer is a client's address as the log writes it.
type peer struct{ address, words string }

func (p peer) String() string { return p.words }

func peerOf(addr net.Addr) peer {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return peer{addr.String(), plain(addr.String(), maxReason) + " port 0"}
	}
	return peer{addr.String(), host + " port " + port}
}

// keyNames are OpenSSH's short names of key types.
var keyNames = map[string]string{
	gossh.KeyAlgoED25519: "ED25519", gossh.KeyAlgoSKED25519: "ED25519-SK", gossh.KeyAlgoSKECDSA256: "ECDSA-SK",
	gossh.KeyAlgoECDSA256: "ECDSA", gossh.KeyAlgoECDSA384: "ECDSA", gossh.KeyAlgoECDSA521: "ECDSA",
	gossh.KeyAlgoRSA: "RSA",
}

func keyName(key gossh.PublicKey) string {
	if name := keyNames[key.Type()]; name != "" {
		return name
	}
	return plain(key.Type(), maxLogin)
}

// fingerprint is the key's; for a certificate, of the key in it.
func fingerprint(key gossh.PublicKey) string {
	if cert, ok := key.(*gossh.Certificate); ok {
		key = cert.Key
	}
	return gossh.FingerprintSHA256(key)
}

// describe names a key, or a certificate and its authority, as OpenSSH's log does.
func describe(key gossh.PublicKey) string {
	cert, ok := key.(*gossh.Certificate)
	if !ok {
		return keyName(key) + " " + fingerprint(key)
	}
	return fmt.Sprintf("%s-CERT %s ID %s (serial %d) CA %s %s", keyName(cert.Key), fingerprint(cert),
		plain(cert.KeyId, maxLogin), cert.Serial, keyName(cert.SignatureKey), fingerprint(cert.SignatureKey))
}

// strangers writes what clients that have not logged in cause to be logged, so much of it only: anybody can cause it.
type strangers struct {
	sources    *sources
	mu         sync.Mutex
	total      *rate.Limiter
	suppressed int
}

func (s *strangers) allow(from netip.Prefix) (ok bool, suppressed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources.with(from, func(e *source) { ok = e.lines.Allow() })
	if !ok || !s.total.Allow() {
		s.suppressed++
		return false, 0
	}
	suppressed, s.suppressed = s.suppressed, 0
	return true, suppressed
}

// stranger logs a line about a client that has not logged in.
func (s *Server) stranger(from netip.Prefix, line string) {
	ok, suppressed := s.strangers.allow(from)
	switch {
	case !ok:
	case suppressed > 0:
		s.config.Log.Info(line, "suppressed_before", suppressed)
	default:
		s.config.Log.Info(line)
	}
}

// logEnd says how a connection ended. Failed attempts are logged only if no login followed: an operator with five keys
// in the agent, the last of which is the right one, has not failed.
func (c *conn) logEnd() {
	if c.isOpen() {
		c.logDisconnect()
		return
	}
	for _, line := range c.auth.failed {
		c.server.stranger(c.source, line)
	}
	user := ""
	if c.auth.user != "" {
		user = "authenticating user " + c.auth.user + " "
	}
	c.server.stranger(c.source, fmt.Sprintf("Connection closed by %s%s [preauth]: %s", user, c.peer, sentence(c.ending(c.auth.err), maxReason)))
}

func (c *conn) logDisconnect() {
	var err error
	if sc := c.serverConn(); sc != nil {
		err = sc.Wait()
	}
	c.server.config.Log.Info(fmt.Sprintf("Disconnected from user %s %s", c.login.name, c.peer),
		"conn", c.id, "duration", time.Since(c.since).Round(time.Millisecond).String(), "received", c.received.Load(), "sent", c.sent.Load(),
		"sessions", c.served, "reason", sentence(c.ending(err), maxReason))
}

// ending is the server's reason to close the connection, else what the library saw.
func (c *conn) ending(err error) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.reason != "":
		return c.reason
	case err == nil || errors.Is(err, io.EOF):
		return "the client closed the connection"
	}
	return err.Error()
}
