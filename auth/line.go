package auth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

const blanks = " \t"

// line is one usable line of an authorized_keys file: a key, or an authority that signs certificates, and what its
// holder may do. It is never changed once it is parsed.
type line struct {
	number     int
	key        ssh.PublicKey
	blob       []byte // of key, for comparing
	name       string // the comment, escaped; may be empty
	options    []string
	role       Role
	authority  bool
	principals []string
	from       addressList
	expires    time.Time // zero: never
	command    string    // empty: any
	noPTY      bool
	noTouch    bool
}

// offer is a key somebody comes with, whether proved yet or not.
type offer struct {
	user    string
	address netip.Addr // invalid if it is not an IP address
	key     ssh.PublicKey
	now     time.Time
}

// parseLine reads one line that is neither blank nor a comment, without its line end.
func parseLine(text string) (*line, error) {
	if len(text) > maxLine {
		return nil, fmt.Errorf("it is longer than %d bytes", maxLine)
	}
	l, rest := &line{}, strings.Trim(text, blanks)
	if word, _ := cutWord(rest); !namesKeyType(word) {
		var err error
		if rest, err = l.parseOptions(rest); err != nil {
			return nil, err
		}
	}
	if err := l.parseKey(rest); err != nil {
		return nil, err
	}
	if err := l.agree(); err != nil {
		return nil, err
	}
	return l, nil
}

// parseKey reads "TYPE BASE64 [COMMENT]". ssh.ParseAuthorizedKey is not used because it looks for options itself and
// passes over what it does not understand.
func (l *line) parseKey(text string) error {
	kind, rest := cutWord(text)
	if kind == "" {
		return errors.New("there is no key after the options")
	}
	if !namesKeyType(kind) {
		return fmt.Errorf(`"%s" is not a key type; is a quote or a comma missing before it?`, escape(kind))
	}
	if err := checkKind(kind); err != nil {
		return err
	}
	encoded, comment := cutWord(rest)
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || encoded == "" {
		return errors.New("the key is cut short or damaged: copy the whole line of the .pub file")
	}
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return fmt.Errorf("the key is damaged (%s): copy the whole line of the .pub file", escape(err.Error()))
	}
	if key.Type() != kind {
		return fmt.Errorf("it says %s but the key is %s: copy the whole line of the .pub file", kind, key.Type())
	}
	l.key, l.blob, l.name = key, key.Marshal(), escape(comment)
	return checkKey(key)
}

// cutWord returns the first word of text and what follows it, without blanks around.
func cutWord(text string) (word, rest string) {
	if i := strings.IndexAny(text, blanks); i >= 0 {
		return text[:i], strings.Trim(text[i:], blanks)
	}
	return text, ""
}

// agree settles what the options say together, and refuses what contradicts itself.
func (l *line) agree() error {
	switch {
	case l.authority && l.role == Nobody:
		return errors.New(`a cert-authority line must say what its people may do: add role="viewer", role="operator" or role="admin"`)
	case !l.authority && l.principals != nil:
		return errors.New("principals= has no meaning without cert-authority: add that option, or take this one out")
	case l.role == Nobody:
		l.role = Operator
	}
	return nil
}

// matches tells whether this line speaks of key: the key itself, or for an authority a certificate it signed.
func (l *line) matches(key ssh.PublicKey) bool {
	certificate, ok := key.(*ssh.Certificate)
	if !ok {
		return !l.authority && bytes.Equal(key.Marshal(), l.blob)
	}
	return l.authority && bytes.Equal(certificate.SignatureKey.Marshal(), l.blob)
}

// admit decides on an offer whose key the line matches. The error is for the log.
func (l *line) admit(o offer) (*ssh.Permissions, error) {
	if err := l.allowsTime(o.now); err != nil {
		return nil, err
	}
	if l.from != nil && !l.from.contains(o.address) {
		return nil, errors.New("from= does not allow this address")
	}
	if certificate, ok := o.key.(*ssh.Certificate); ok {
		return l.admitCertificate(o, certificate)
	}
	return permissions(l.identity(o, fingerprint(l.key)), l.noTouch, ""), nil
}

func (l *line) allowsTime(now time.Time) error {
	if !l.expires.IsZero() && !now.Before(l.expires) {
		return fmt.Errorf("it expired at %s", l.expires.Format(time.RFC3339))
	}
	return nil
}

func (l *line) identity(o offer, fingerprint string) Identity {
	id := Identity{
		Name:        l.name,
		Fingerprint: fingerprint,
		Role:        l.role,
		KeyType:     keyTypes[l.key.Type()],
		Command:     l.command,
		NoPTY:       l.noPTY,
		NotAfter:    l.expires,
		Credential:  Credential{Login: o.user, Key: string(o.key.Marshal())},
	}
	if id.Name == "" {
		id.Name = fingerprint
	}
	return id
}

// permissions holds only what the library itself acts on, and the identity. A certificate's own maps must not get in
// here: they outlive the login, and the library would obey whatever extension stands in them.
func permissions(id Identity, noTouch bool, sourceAddress string) *ssh.Permissions {
	p := WithIdentity(&ssh.Permissions{}, id)
	if noTouch {
		p.Extensions = map[string]string{noTouchRequired: ""}
	}
	if sourceAddress != "" {
		p.CriticalOptions = map[string]string{sourceAddressOption: sourceAddress}
	}
	return p
}

// hasOption tells whether the line was written with the option name, in lower case.
func (l *line) hasOption(name string) bool { return slices.Contains(l.options, name) }
