package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
)

// Config says whom to let in and what to run for them. A zero duration or limit means its default.
type Config struct {
	// HostKeys is at least one key, each of another type. An RSA key signs with SHA-2 only.
	HostKeys []gossh.Signer
	// Authorize says whether a key may log in, before its possession is proved. It may be called several times for a
	// connection, with keys that are never proved, and from many goroutines. Every error means no.
	Authorize func(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error)
	// IdentityOf reads the identity that Authorize put into the permissions.
	IdentityOf func(*gossh.Permissions) (auth.Identity, bool)
	// LoggedIn, if set, is called once for each connection, after the proof and before the client is told.
	LoggedIn func(who auth.Identity, login, from string)
	// Handler runs a session and returns its exit code, 0 to 255; any other, like a panic, is a defect: 70.
	// ctx ends when the client closes this session, kills it, or is lost; not when it only has no more input.
	// A write to Out or Err blocks for as long as the client does not read; the end of the channel or of the
	// connection frees it with an error. Out and Err may be used by several goroutines, and not after the return.
	Handler func(ctx context.Context, s *shell.Session) (exit int)
	// Log receives OpenSSH-like lines; nil: none.
	Log *slog.Logger
	// LoginGrace is how long a client may take to log in, and then to start something on a channel; default 30 s.
	LoginGrace time.Duration
	// Keepalive is how often a silent client is asked whether it is there; three missed and it is cut; default 15 s.
	Keepalive time.Duration
	Limits    Limits
}

// Limits bounds what clients can make the server hold. Zero fields mean the defaults of defaultLimits.
type Limits struct {
	// Startups is the most connections that have not logged in. One more is admitted all the same, and the oldest one of
	// the source that has most of them is closed: whoever fills the station with silent connections loses them, and who comes
	// to log in needs a tenth of a second. One source, an IPv4 address or an IPv6 /64 network, has at most StartupsPerSource.
	Startups, StartupsPerSource int
	// Connections is the most connections in all, ConnectionsPerKey the most that are logged in with one key.
	Connections, ConnectionsPerKey int
	// Sessions is the most open sessions on one connection.
	Sessions int
}

// defaultLimits is wider than OpenSSH's MaxStartups of 10:30:100: a waiting handshake costs some 100 kB here, not a process,
// and a script that logs in to work on fifty drives at once is an ordinary client.
var defaultLimits = Limits{
	Startups: 300, StartupsPerSource: 64,
	Connections: 1000, ConnectionsPerKey: 250,
	Sessions: 10,
}

// LimitsFor are the standard limits, or smaller ones for a process that may have only so many files open: a third of them
// for connections, so that those have their sessions too, and half of these for connections that have not logged in.
func LimitsFor(files int) Limits {
	l := defaultLimits
	const ownFiles = 16 // listener, border, log, what Go itself holds
	l.Connections = min(l.Connections, max(4, (files-ownFiles)/3))
	l.Startups = min(l.Startups, max(2, l.Connections/2))
	return l
}

const (
	defaultLoginGrace = 30 * time.Second
	defaultKeepalive  = 15 * time.Second
)

// complete checks c and returns it with the defaults filled in.
func (c Config) complete() (Config, error) {
	if c.Authorize == nil || c.IdentityOf == nil || c.Handler == nil {
		return c, errors.New("configure sshd: Authorize, IdentityOf and Handler must be set")
	}
	keys, err := hostKeys(c.HostKeys)
	if err != nil {
		return c, fmt.Errorf("configure sshd: %w", err)
	}
	c.HostKeys = keys
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	orDefault(&c.LoginGrace, defaultLoginGrace)
	orDefault(&c.Keepalive, defaultKeepalive)
	c.Limits.complete()
	return c, nil
}

func (l *Limits) complete() {
	orDefault(&l.Startups, defaultLimits.Startups)
	orDefault(&l.StartupsPerSource, defaultLimits.StartupsPerSource)
	orDefault(&l.Connections, defaultLimits.Connections)
	orDefault(&l.ConnectionsPerKey, defaultLimits.ConnectionsPerKey)
	orDefault(&l.Sessions, defaultLimits.Sessions)
}

func orDefault[T int | time.Duration](value *T, standard T) {
	if *value <= 0 {
		*value = standard
	}
}
