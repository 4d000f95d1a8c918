package sshd

import (
	"errors"
	"fmt"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
)

// maxAuthTries is OpenSSH's; the library counts a refused offer of a key as one.
const maxAuthTries = 6

// One error for every refusal: neither a client nor the library gets to act on what Authorize answered.
var errRefused = errors.New("permission denied")

// login is who logged in on a connection.
type login struct {
	name string // the login name, made plain
	key  string // fingerprint of the key; empty: nobody has logged in
}

// attempts is what a connection tried before it logged in. Only the goroutine of the handshake uses it.
type attempts struct {
	user    string // the last one named, made plain
	failed  []string
	err     error // how the handshake ended
	packets chan []byte
}

// serverConfig is what the library is told about one connection. gliderlabs/ssh switches NoClientAuth on whenever its own
// handlers are not used; hence the callback that refuses it.
func (c *conn) serverConfig() *gossh.ServerConfig {
	return &gossh.ServerConfig{
		Config:                    gossh.Config{KeyExchanges: keyExchanges, Ciphers: ciphers, MACs: macs},
		PublicKeyAuthAlgorithms:   loginKeys,
		MaxAuthTries:              maxAuthTries,
		NoClientAuthCallback:      func(gossh.ConnMetadata) (*gossh.Permissions, error) { return nil, errRefused },
		PreAuthConnCallback:       c.keyed,
		PublicKeyCallback:         c.offered,
		VerifiedPublicKeyCallback: c.proved,
	}
}

// keyed is called when user authentication begins.
func (c *conn) keyed(preAuth gossh.ServerPreAuthConn) {
	c.auth.packets = packetsOf(preAuth)
	c.enter(proving)
}

// offered decides about a key that the client may or may not hold.
func (c *conn) offered(meta gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
	c.auth.user = plain(meta.User(), maxLogin)
	permissions, err := c.server.config.Authorize(meta, key)
	if err == nil && permissions == nil {
		err = errors.New("defect: Authorize returned no permissions")
	}
	if err != nil {
		c.auth.failed = append(c.auth.failed, fmt.Sprintf("Failed publickey for %s from %s ssh2: %s (%s)",
			c.auth.user, c.peer, describe(key), sentence(err.Error(), maxReason)))
		return nil, errRefused
	}
	return permissions, nil
}

// proved is called once the client has signed with the key it holds: here, and nowhere else, it becomes somebody.
func (c *conn) proved(meta gossh.ConnMetadata, key gossh.PublicKey, permissions *gossh.Permissions, _ string) (*gossh.Permissions, error) {
	who, ok := c.server.config.IdentityOf(permissions)
	if !ok || who.Role == auth.Nobody {
		c.server.config.Log.Error("defect: a key was authorized for nobody", "from", c.peer.String())
		return nil, errRefused
	}
	name, fingerprint := plain(meta.User(), maxLogin), fingerprint(key)
	if !c.server.admission.login(c, fingerprint) {
		c.auth.failed = append(c.auth.failed, fmt.Sprintf("Refused publickey for %s from %s ssh2: %s (too many connections with this key)",
			name, c.peer, describe(key)))
		return nil, errRefused
	}
	c.login = login{name, fingerprint}
	if !c.enter(open) {
		return nil, errRefused // the grace time ran out meanwhile
	}
	c.grace.Stop()
	c.server.config.Log.Info(fmt.Sprintf("Accepted publickey for %s from %s ssh2: %s", name, c.peer, describe(key)), "conn", c.id)
	if c.server.config.LoggedIn != nil {
		c.server.config.LoggedIn(who, name, c.peer.address)
	}
	c.startKeepalive()
	return permissions, nil
}
