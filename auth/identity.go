// Package auth turns a proved key or certificate into who its holder is: a name, a fingerprint and a role.
// It knows OpenSSH's authorized_keys format and nothing of sessions, commands or drives.
package auth

import (
	"fmt"
	"time"
)

// Role says how much a key may do. The zero value may do nothing.
type Role int

// The roles, each including the ones before it.
const (
	Nobody Role = iota
	Viewer
	Operator
	Admin
)

var roleNames = []string{"nobody", "viewer", "operator", "admin"}

func (r Role) String() string {
	if r < Nobody || r > Admin {
		return fmt.Sprintf("role(%d)", int(r))
	}
	return roleNames[r]
}

// ParseRole reads viewer, operator or admin; anything else, "nobody" included, is an error.
func ParseRole(name string) (Role, error) {
	for r := Viewer; r <= Admin; r++ {
		if roleNames[r] == name {
			return r, nil
		}
	}
	return Nobody, fmt.Errorf("unknown role %q: use viewer, operator or admin", name)
}

// Allows tells whether somebody with role r may do what needs the role need.
func (r Role) Allows(need Role) bool { return need > Nobody && r >= need }

// Identity is who proved possession of a key in the handshake. Text from outside in it is already escaped:
// it holds no control characters.
type Identity struct {
	Name        string    // comment of the key line or key id of the certificate; the fingerprint where there is none
	Fingerprint string    // SHA256:... of the key that signed; for a certificate, of the key in it
	Role        Role      // what it may do
	KeyType     string    // OpenSSH's short word: ED25519, RSA, ECDSA, ED25519-SK, ED25519-CERT ...
	CA          string    // SHA256:... of the certificate authority; empty for a plain key
	Serial      uint64    // certificate serial; 0 for a plain key
	Command     string    // command= of the line or force-command of the certificate: the only line this key may run
	NoPTY       bool      // no terminal may be given to it
	NotAfter    time.Time // when the key line or the certificate expires; zero: never
	Credential  Credential
}

// Credential is what somebody logs in with, and what the identity can be looked up by again.
type Credential struct {
	Login string // the login name as sent, of any bytes
	Key   string // the key or the certificate, in SSH's wire format
}
