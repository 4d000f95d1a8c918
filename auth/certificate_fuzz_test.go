package auth

import (
	"bytes"
	"crypto/ed25519"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// fixedSigner is the same in every run, so that what is found can be run again.
func fixedSigner(t testing.TB, seed byte) ssh.Signer {
	t.Helper()
	return signerOf(t, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)), nil)
}

func fixedLine(t testing.TB, options string, key ssh.PublicKey) *line {
	t.Helper()
	l, err := parseLine(options + " " + publicText(key) + " line")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// FuzzCertificate has an authority sign a certificate with anything in it. It is let in only if all that it says was kept to, and
// never with more than its line gives.
func FuzzCertificate(f *testing.F) {
	authority, holder := fixedSigner(f, 1), fixedSigner(f, 2).PublicKey()
	f.Add(uint32(ssh.UserCert), "alice@lab", "alice", "alice", "", "", "permit-pty", "", uint64(0), uint64(ssh.CertTimeInfinity), false)
	f.Add(uint32(ssh.HostCert), "", "alice\x00bob", "bob", "force-command", "hello", "no-touch-required", "", uint64(1), uint64(2), false)
	f.Add(uint32(ssh.UserCert), "\x1b[31m", "wiper", "op", "source-address", "10.0.0.0/8,192.0.2.1", "", "", uint64(0), uint64(1<<63), true)
	f.Add(uint32(ssh.UserCert), "x", "", "", "source-address", "::/0", "permit-pty", "x", uint64(0), uint64(noon.Unix()+1), true)
	f.Add(uint32(ssh.UserCert), "x", "a,b", "a", "verify-required", "", "", "", uint64(0), uint64(noon.Unix()+1), false)
	free := fixedLine(f, `cert-authority,role="viewer"`, authority.PublicKey())
	listed := fixedLine(f, `cert-authority,role="operator",principals="wiper,root",no-pty`, authority.PublicKey())
	address := netip.MustParseAddr("192.0.2.1")
	f.Fuzz(func(t *testing.T, kind uint32, keyID, principals, user, option, value, extension, extended string, after, before uint64, list bool) {
		c := &ssh.Certificate{Key: holder, CertType: kind, KeyId: keyID, ValidAfter: after, ValidBefore: before, Nonce: make([]byte, 32),
			Permissions: ssh.Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{}}}
		if principals != "" {
			c.ValidPrincipals = strings.Split(principals, "\x00")
		}
		if option != "" {
			c.CriticalOptions[option] = value
		}
		if extension != "" {
			c.Extensions[extension] = extended
		}
		if err := c.SignCert(bytes.NewReader(make([]byte, 64)), authority); err != nil {
			t.Skip(err)
		}
		l := free
		if list {
			l = listed
		}
		key, err := ssh.ParsePublicKey(c.Marshal()) // as it comes over the wire
		if err != nil {
			return
		}
		p, err := l.admitCertificate(offer{user: user, address: address, key: key, now: noon}, key.(*ssh.Certificate))
		if err != nil {
			if p != nil || !plain(err.Error()) {
				t.Errorf("admitCertificate = %v, %q; want nothing and a clean message", p, err)
			}
			return
		}
		checkAdmitted(t, l, c, p, user)
	})
}

func checkAdmitted(t *testing.T, l *line, c *ssh.Certificate, p *ssh.Permissions, user string) {
	t.Helper()
	id, ok := IdentityOf(p)
	wanted := l.principals
	if wanted == nil {
		wanted = []string{user}
	}
	now := uint64(noon.Unix())
	switch {
	case !ok || id.Role != l.role || !plain(id.Name) || id.Name == "" || !plain(id.Command):
		t.Errorf("it is %+v", id)
	case c.CertType != ssh.UserCert || c.ValidAfter > now || c.ValidBefore <= now:
		t.Errorf("type %d, from %d to %d, is let in", c.CertType, c.ValidAfter, c.ValidBefore)
	case !slices.ContainsFunc(wanted, func(name string) bool { return name != "" && slices.Contains(c.ValidPrincipals, name) }):
		t.Errorf("%q is let in as %q with the principals %q", user, wanted, c.ValidPrincipals)
	case l.noPTY && !id.NoPTY:
		t.Error("it has a terminal, which the line forbids")
	}
	for option, value := range c.CriticalOptions {
		kept := option == forceCommandOption && id.Command == value || option == sourceAddressOption && p.CriticalOptions[option] == value
		if !kept {
			t.Errorf("its critical option %q=%q came to nothing", option, value)
		}
	}
}

// FuzzCredential logs in with any key or certificate, as it comes over the wire: nobody gets in who is not listed.
func FuzzCredential(f *testing.F) {
	authority, listed := fixedSigner(f, 1), fixedSigner(f, 2).PublicKey()
	c := &ssh.Certificate{Key: fixedSigner(f, 3).PublicKey(), CertType: ssh.UserCert, KeyId: "x", ValidPrincipals: []string{"op"},
		ValidBefore: ssh.CertTimeInfinity, Nonce: make([]byte, 32)}
	if err := c.SignCert(bytes.NewReader(make([]byte, 64)), authority); err != nil {
		f.Fatal(err)
	}
	lines := []*line{fixedLine(f, `cert-authority,role="viewer"`, authority.PublicKey()), fixedLine(f, `role="operator"`, listed)}
	for _, key := range []ssh.PublicKey{listed, c, authority.PublicKey(), newECDSA(f).PublicKey()} {
		f.Add(key.Marshal(), "op")
	}
	f.Fuzz(func(t *testing.T, blob []byte, user string) {
		key, err := ssh.ParsePublicKey(blob)
		if err != nil {
			return
		}
		for _, l := range lines {
			if !l.matches(key) {
				continue
			}
			p, err := l.admit(offer{user: user, address: netip.MustParseAddr("192.0.2.1"), key: key, now: noon})
			if err != nil || p == nil {
				continue
			}
			if certificate, ok := key.(*ssh.Certificate); ok {
				if !bytes.Equal(certificate.Key.Marshal(), c.Key.Marshal()) || user != "op" {
					t.Errorf("a certificate that nobody signed is let in as %q: %x", user, blob)
				}
			} else if !bytes.Equal(key.Marshal(), listed.Marshal()) {
				t.Errorf("a key that is not listed is let in: %x", blob)
			}
		}
	})
}
