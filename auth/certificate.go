package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	forceCommandOption  = "force-command"
	sourceAddressOption = "source-address"
	permitPTY           = "permit-pty"
)

// authoritySignatures are the algorithms by which an authority may have signed: OpenSSH's CASignatureAlgorithms. The
// library would take RSA with SHA-1 as well.
var authoritySignatures = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
}

// lastSecond is the end of the year 9999, beyond which no time can be written as RFC 3339.
const lastSecond = 253402300799

// admitCertificate decides on a certificate that names this line's key as its authority.
func (l *line) admitCertificate(o offer, c *ssh.Certificate) (*ssh.Permissions, error) {
	if err := l.checkCertificate(o, c); err != nil {
		return nil, err
	}
	sourceAddress, limited := c.CriticalOptions[sourceAddressOption]
	if limited {
		if err := checkSourceAddress(sourceAddress, o.address); err != nil {
			return nil, err
		}
	}
	command, err := l.certificateCommand(c)
	if err != nil {
		return nil, err
	}
	noTouch, err := l.certificateNoTouch(c)
	if err != nil {
		return nil, err
	}
	_, pty := c.Extensions[permitPTY]
	id := l.identity(o, fingerprint(c))
	id.KeyType = keyTypes[c.Key.Type()] + "-CERT"
	id.CA = fingerprint(l.key)
	id.Serial = c.Serial
	id.Command = command
	id.NoPTY = l.noPTY || !pty
	id.NotAfter = earlier(l.expires, validBefore(c))
	if id.Name = escape(c.KeyId); id.Name == "" {
		id.Name = id.Fingerprint
	}
	return permissions(id, noTouch, sourceAddress), nil
}

// checkCertificate checks all that does not depend on what the holder then may do.
func (l *line) checkCertificate(o offer, c *ssh.Certificate) error {
	if c.CertType != ssh.UserCert {
		return errors.New("the certificate is for a host, not for a user")
	}
	if err := checkKey(c.Key); err != nil {
		return fmt.Errorf("the certificate's key: %w", err)
	}
	if c.Signature == nil || !slices.Contains(authoritySignatures, c.Signature.Format) {
		return errors.New("the certificate is signed in a way that is not safe: sign it again with a current ssh-keygen")
	}
	principal, err := l.principal(o.user, c)
	if err != nil {
		return err
	}
	checker := ssh.CertChecker{
		SupportedCriticalOptions: []string{forceCommandOption, sourceAddressOption},
		Clock:                    func() time.Time { return o.now },
	}
	if err := checker.CheckCert(principal, c); err != nil {
		return errors.New(escape(strings.TrimPrefix(err.Error(), "ssh: ")))
	}
	return nil
}

// principal returns the name by which the certificate is let in: one that principals= lists, or without that option
// the login name. Names are compared whole: a certificate may hold a name with a comma in it, and to the library one
// without names is good for everybody.
func (l *line) principal(user string, c *ssh.Certificate) (string, error) {
	wanted := l.principals
	if wanted == nil {
		wanted = []string{user}
	}
	for _, name := range wanted {
		if name != "" && slices.Contains(c.ValidPrincipals, name) {
			return name, nil
		}
	}
	switch {
	case len(c.ValidPrincipals) == 0:
		return "", errors.New("the certificate names no principals: sign it with ssh-keygen -n NAME")
	case l.principals != nil:
		return "", errors.New("the certificate has none of the line's principals")
	}
	return "", fmt.Errorf(`the login name "%s" is not among the certificate's principals`, escape(user))
}

// certificateCommand is the only command that the line and the certificate together allow; empty: any.
func (l *line) certificateCommand(c *ssh.Certificate) (string, error) {
	command, forced := c.CriticalOptions[forceCommandOption]
	if !forced {
		return l.command, nil
	}
	if err := checkCommand(command); err != nil {
		return "", fmt.Errorf("the certificate's force-command %w", err)
	}
	if l.command != "" && l.command != command {
		return "", errors.New("the certificate's force-command is not the line's command=")
	}
	return command, nil
}

// certificateNoTouch tells whether the holder may sign without touching the security key, which takes both the line
// and the certificate. The library looks at the certificate alone and then asks for no touch, and cannot be told
// otherwise; so a certificate that claims more than its line is not let in.
func (l *line) certificateNoTouch(c *ssh.Certificate) (bool, error) {
	_, claimed := c.Extensions[noTouchRequired]
	if claimed && !l.noTouch && strings.HasSuffix(keyTypes[c.Key.Type()], "-SK") {
		return false, errors.New("the certificate says no-touch-required but the line does not: sign it without, or add the option to the line")
	}
	return claimed && l.noTouch, nil
}

// validBefore returns when the certificate ends; zero: never.
func validBefore(c *ssh.Certificate) time.Time {
	if c.ValidBefore == ssh.CertTimeInfinity {
		return time.Time{}
	}
	return time.Unix(int64(min(c.ValidBefore, lastSecond)), 0)
}

// earlier returns the earlier of two ends, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
