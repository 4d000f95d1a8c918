package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// errRefused is what every refused key gets, whatever the reason: the reason is for our log, not for whoever asks.
var errRefused = errors.New("authorize key: not allowed to log in")

// Keys is one authorized_keys file, read afresh at each login, so that an edited line holds from the next login on.
// It is safe for concurrent use.
type Keys struct {
	Path string
	Log  *slog.Logger     // nil: nothing is logged
	Now  func() time.Time // nil: time.Now

	mu        sync.Mutex
	file      *keyFile // what Path held when it was last read
	complaint string   // why Path could not be used last time, so that it is logged once and not at each login
	refusals  limiter
}

// identityKey is the key under which an Identity travels in Permissions.ExtraData.
type identityKey struct{}

// IdentityOf returns the Identity that Authorize put into p.
func IdentityOf(p *ssh.Permissions) (Identity, bool) {
	if p == nil {
		return Identity{}, false
	}
	id, ok := p.ExtraData[identityKey{}].(Identity)
	return id, ok
}

// WithIdentity puts who into p, where IdentityOf finds it.
func WithIdentity(p *ssh.Permissions, who Identity) *ssh.Permissions {
	p.ExtraData = map[any]any{identityKey{}: who}
	return p
}

// Usable returns the number of lines with which somebody may log in now. It is an error, which names the command that
// mends it, if there is none, or if the file is missing, unreadable, too large, or may be changed by others.
func (k *Keys) Usable() (int, error) {
	file, err := k.read()
	if err != nil {
		return 0, err
	}
	now, n, why := k.now(), 0, ""
	for _, l := range file.lines {
		if err := l.allowsTime(now); err != nil {
			why = fmt.Sprintf("; line %d: %v", l.number, err)
			continue
		}
		n++
	}
	if n > 0 {
		return n, nil
	}
	if len(file.bad) > 0 {
		why = fmt.Sprintf("; line %d: %v", file.bad[0].number, file.bad[0].why)
	}
	return 0, fmt.Errorf("read authorized keys: %s has no usable key line, so nobody could log in: add a public key: cat id_ed25519.pub >> %s%s",
		escape(k.Path), shellQuote(k.Path), why)
}

// Authorize decides whether key may log in; it is an ssh.ServerConfig.PublicKeyCallback. The library calls it also for
// keys that are only asked about and not proved, so all it changes is the log. The answer is a fresh Permissions with
// the Identity in it. Every refusal is the same error.
func (k *Keys) Authorize(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	return k.admit(offer{user: meta.User(), address: addressOf(meta.RemoteAddr()), key: key, now: k.now()})
}

// LookUp is Authorize for a credential that came by another way than a handshake of this process.
func (k *Keys) LookUp(c Credential, from net.Addr) (*ssh.Permissions, error) {
	key, err := ssh.ParsePublicKey([]byte(c.Key))
	if err != nil {
		return nil, errRefused
	}
	return k.admit(offer{user: c.Login, address: addressOf(from), key: key, now: k.now()})
}

func (k *Keys) admit(o offer) (*ssh.Permissions, error) {
	file, err := k.read()
	if err != nil {
		return nil, errRefused
	}
	var last *line
	var why error
	for _, l := range file.lines {
		if !l.matches(o.key) {
			continue
		}
		permissions, err := l.admit(o)
		if err == nil {
			return permissions, nil
		}
		last, why = l, err
	}
	k.logRefusal(o, last, why)
	return nil, errRefused
}

// read returns the file as it is now. Lines that cannot be used are logged once for each content of the file.
func (k *Keys) read() (*keyFile, error) {
	content, err := readFile(k.Path)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.complain(err)
		return nil, err
	}
	k.complaint = ""
	// Parsing thousands of keys costs much more than reading them, and whoever knocks makes us do it.
	if sum := sha256.Sum256(content); k.file == nil || k.file.sum != sum {
		k.file = parseFile(content)
		k.file.sum = sum
		k.logBadLines(k.file.bad)
	}
	return k.file, nil
}

func (k *Keys) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}
