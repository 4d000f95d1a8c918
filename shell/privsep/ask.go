package privsep

import (
	"time"

	"wiped/auth"
	"wiped/shell"
)

// The bodies of messages. Texts from clients may hold any bytes, which JSON's strings may not.

// welcome is what the child works with.
type welcome struct {
	User                  int      // whom to become, if the process is root
	HostKeys              [][]byte // public, in SSH's wire format, the preferred one first
	LoginGrace, Keepalive time.Duration
}

// offer is a key that came with a login name, proved or not.
type offer struct {
	Login, Key []byte
	From       string // HOST:PORT
	Session    bool   `json:",omitempty"` // with a login: a socket for a session is wanted
}

func (o offer) credential() auth.Credential {
	return auth.Credential{Login: string(o.Login), Key: string(o.Key)}
}

// grant is the answer to an offer: what the library must know to check the proof, and for whom that is.
type grant struct {
	CriticalOptions, Extensions map[string]string
	Role                        auth.Role
	NoPTY                       bool
	NotAfter                    time.Time
}

// toSign is what a host key is to sign.
type toSign struct {
	HostKey   int // its place in welcome
	Algorithm string
	Hash      []byte
}

// signed is an SSH signature.
type signed struct {
	Format string
	Blob   []byte
}

// opening is the first frame of a session.
type opening struct {
	ID            string
	Offer         offer
	Login         string
	Mode          shell.Mode
	Command       []byte
	Term          string
	Columns, Rows int
}

// Resources are what the child holds.
type Resources struct{ Goroutines, Descriptors int }
