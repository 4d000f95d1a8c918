package auth

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestCertificate(t *testing.T) {
	authority, key := newSigner(t), newSigner(t).PublicKey()
	end := noon.Add(time.Hour)
	good := Identity{
		Name: "Alice at the bench", Fingerprint: ssh.FingerprintSHA256(key), Role: Viewer, KeyType: "ED25519-CERT",
		CA: ssh.FingerprintSHA256(authority.PublicKey()), Serial: 42, NotAfter: end,
	}
	with := func(edit func(*Identity)) Identity {
		id := good
		edit(&id)
		return id
	}
	tests := []struct {
		name, options string
		edit          func(*ssh.Certificate)
		want          Identity
		reason        string // in the log, if it is refused
	}{
		{name: "good", want: good},
		{name: "role of the line", options: `role="admin"`, want: with(func(id *Identity) { id.Role = Admin })},
		{name: "for a host", edit: func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, reason: "for a host"},
		{name: "of no type", edit: func(c *ssh.Certificate) { c.CertType = 0 }, reason: "for a host"},

		{name: "other login name", edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"bob"} }, reason: "login name"},
		{name: "among several", edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"bob", "alice"} }, want: good},
		{name: "no principals", edit: func(c *ssh.Certificate) { c.ValidPrincipals = nil }, reason: "no principals"},
		{name: "no principals, though the line lists", options: `principals="alice"`, edit: func(c *ssh.Certificate) { c.ValidPrincipals = nil }, reason: "no principals"},
		{name: "empty principal", edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{""} }, reason: "login name"},
		{name: "wildcard", edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"*", "al?ce"} }, reason: "login name"},
		{name: "login name in a list", edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"bob,alice"} }, reason: "login name"},
		{name: "listed", options: `principals="root,wiper"`, edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"wiper"} }, want: good},
		{name: "not listed, though the login name fits", options: `principals="root,wiper"`, reason: "none of the line's"},
		{name: "comma in a principal", options: `principals="root,wiper"`, edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"x,wiper", "root,wiper"} }, reason: "none of the line's"},
		{name: "other case", options: `principals="Wiper"`, edit: func(c *ssh.Certificate) { c.ValidPrincipals = []string{"wiper"} }, reason: "none of the line's"},

		{name: "expired", edit: func(c *ssh.Certificate) { c.ValidBefore = uint64(noon.Unix()) }, reason: "expired"},
		{name: "not yet valid", edit: func(c *ssh.Certificate) { c.ValidAfter = uint64(noon.Unix() + 1) }, reason: "not yet valid"},
		{name: "without end", edit: func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity }, want: with(func(id *Identity) { id.NotAfter = time.Time{} })},
		{name: "end far away", edit: func(c *ssh.Certificate) { c.ValidBefore = 1<<63 - 1 }, want: with(func(id *Identity) { id.NotAfter = time.Unix(lastSecond, 0) })},
		{name: "end beyond int64", edit: func(c *ssh.Certificate) { c.ValidBefore = 1 << 63 }, reason: "expired"},
		{name: "line ends first", options: `expiry-time="20260601123000Z"`, want: with(func(id *Identity) { id.NotAfter = noon.Add(30 * time.Minute) })},
		{name: "certificate ends first", options: `expiry-time="20270101Z"`, want: good},
		{name: "line ends, certificate does not", options: `expiry-time="20270101Z"`, edit: func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity },
			want: with(func(id *Identity) { id.NotAfter = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{name: "line expired", options: `expiry-time="20260101Z"`, reason: "it expired"},
		{name: "from refuses", options: `from="10.0.0.0/8"`, reason: "from="},

		{name: "force-command", edit: critical(forceCommandOption, "drives"), want: with(func(id *Identity) { id.Command = "drives" })},
		{name: "command of the line", options: `command="drives"`, want: with(func(id *Identity) { id.Command = "drives" })},
		{name: "the same twice", options: `command="drives"`, edit: critical(forceCommandOption, "drives"), want: with(func(id *Identity) { id.Command = "drives" })},
		{name: "commands differ", options: `command="drives"`, edit: critical(forceCommandOption, "jobs"), reason: "not the line's command="},
		{name: "empty force-command", edit: critical(forceCommandOption, ""), reason: "is empty"},
		{name: "force-command with controls", edit: critical(forceCommandOption, "drives\n"), reason: "cannot be seen"},
		{name: "source-address", edit: critical(sourceAddressOption, "10.0.0.0/8,192.0.2.7"), want: good},
		{name: "other source-address", edit: critical(sourceAddressOption, "10.0.0.0/8"), reason: "source-address"},
		{name: "empty source-address", edit: critical(sourceAddressOption, ""), reason: "source-address"},
		{name: "unknown critical option", edit: critical("verify-required", ""), reason: "verify-required"},
		{name: "extension as critical option", edit: critical(noTouchRequired, ""), reason: "no-touch-required"},
		{name: "unknown extension", edit: extension("permit-everything@example.com"), want: good},
		{name: "no-touch-required without a security key", edit: extension(noTouchRequired), want: good},

		{name: "no permit-pty", edit: func(c *ssh.Certificate) { c.Extensions = nil }, want: with(func(id *Identity) { id.NoPTY = true })},
		{name: "restrict", options: "restrict", want: with(func(id *Identity) { id.NoPTY = true })},
		{name: "pty of the line alone", options: "restrict,pty", edit: func(c *ssh.Certificate) { c.Extensions = nil }, want: with(func(id *Identity) { id.NoPTY = true })},
		{name: "both give the pty", options: "restrict,pty", want: good},

		{name: "key id with controls", edit: func(c *ssh.Certificate) { c.KeyId = "a\x1b]0;x\x07\xff" }, want: with(func(id *Identity) { id.Name = `a\x1b]0;x\a\xff` })},
		{name: "long key id", edit: func(c *ssh.Certificate) { c.KeyId = strings.Repeat("k", 5000) }, want: with(func(id *Identity) { id.Name = strings.Repeat("k", 199) + "…" })},
		{name: "no key id", edit: func(c *ssh.Certificate) { c.KeyId = "" }, want: with(func(id *Identity) { id.Name = id.Fingerprint })},
		{name: "short RSA key", edit: func(c *ssh.Certificate) { c.Key = newRSA(t, 1024).PublicKey() }, reason: "1024 bits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := "cert-authority"
			if !strings.Contains(test.options, "role=") {
				options += `,role="viewer"`
			}
			if test.options != "" {
				options += "," + test.options
			}
			keys, log := newKeys(t, options+" "+publicText(authority.PublicKey())+" our CA")
			got, ok := login(keys, newCertificate(t, key, authority, test.edit))
			if got.NotAfter.Equal(test.want.NotAfter) {
				got.NotAfter = test.want.NotAfter
			}
			if got != test.want || ok != (test.reason == "") || !strings.Contains(log.String(), test.reason) {
				t.Errorf("Authorize = %+v, %t; want %+v, %q\n%s", got, ok, test.want, test.reason, log)
			}
		})
	}
}

func critical(name, value string) func(*ssh.Certificate) {
	return func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{name: value} }
}

func extension(name string) func(*ssh.Certificate) {
	return func(c *ssh.Certificate) { c.Extensions[name] = "" }
}

func TestCertificateMatchesOnlyItsAuthority(t *testing.T) {
	authority, key := newSigner(t), newSigner(t)
	certificate := newCertificate(t, key.PublicKey(), authority, nil)
	line := `cert-authority,role="admin" `
	tests := []struct {
		name  string
		lines []string
		want  Role
	}{
		{"authority without the option", []string{publicText(authority.PublicKey())}, Nobody},
		{"the key in it as a plain line", []string{publicText(key.PublicKey())}, Nobody},
		{"the key in it as authority", []string{line + publicText(key.PublicKey())}, Nobody},
		{"other authority", []string{line + publicText(newSigner(t).PublicKey())}, Nobody},
		{"other authority, then this one", []string{line + publicText(newSigner(t).PublicKey()), line + publicText(authority.PublicKey())}, Admin},
		{"a line that refuses, then one that admits", []string{`principals="root",` + line + publicText(authority.PublicKey()), `cert-authority,role="viewer" ` + publicText(authority.PublicKey())}, Viewer},
	}
	for _, test := range tests {
		keys, _ := newKeys(t, test.lines...)
		if got, _ := login(keys, certificate); got.Role != test.want {
			t.Errorf("%s: Authorize = %s; want %s", test.name, got.Role, test.want)
		}
	}
}

// What is signed by another key than the one it names is nothing.
func TestCertificateForged(t *testing.T) {
	authority := newSigner(t)
	c := newCertificate(t, newSigner(t).PublicKey(), newSigner(t), nil)
	c.SignatureKey = authority.PublicKey()
	keys, log := newKeys(t, `cert-authority,role="admin" `+publicText(authority.PublicKey()))
	if _, ok := login(keys, c); ok || !strings.Contains(log.String(), "does not verify") {
		t.Errorf("Authorize(forged) = %t; want it refused\n%s", ok, log)
	}
	good := newCertificate(t, newSigner(t).PublicKey(), authority, nil)
	good.ValidPrincipals = append(good.ValidPrincipals, "root")
	if _, err := keys.Authorize(from("root", "192.0.2.7"), good); err == nil {
		t.Error("Authorize(changed after signing) = nil; want it refused")
	}
}

// sha1Signer signs as an old RSA authority did.
type sha1Signer struct{ ssh.Signer }

func (s sha1Signer) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	return s.Signer.(ssh.AlgorithmSigner).SignWithAlgorithm(r, data, ssh.KeyAlgoRSA)
}

func TestCertificateSignatureAlgorithm(t *testing.T) {
	authority := newRSA(t, 2048)
	keys, log := newKeys(t, `cert-authority,role="admin" `+publicText(authority.PublicKey()))
	c := newCertificate(t, newSigner(t).PublicKey(), sha1Signer{authority}, nil)
	if c.Signature.Format != ssh.KeyAlgoRSA {
		t.Fatalf("the test's certificate is signed with %s; want SHA-1", c.Signature.Format)
	}
	if _, ok := login(keys, c); ok || !strings.Contains(log.String(), "not safe") {
		t.Errorf("Authorize(signed with SHA-1) = %t; want it refused\n%s", ok, log)
	}
	if _, ok := login(keys, newCertificate(t, newSigner(t).PublicKey(), authority, nil)); !ok {
		t.Errorf("Authorize(signed with RSA) refused; want it let in\n%s", log)
	}
}

// The answer must hold nothing of the certificate's maps, which the library would obey.
func TestCertificatePermissions(t *testing.T) {
	authority, key := newSigner(t), newSecurityKey(t, true).public
	c := newCertificate(t, key, authority, func(c *ssh.Certificate) {
		c.Extensions = map[string]string{noTouchRequired: "", permitPTY: "", "permit-port-forwarding": ""}
		c.CriticalOptions = map[string]string{sourceAddressOption: "192.0.2.7", forceCommandOption: "drives"}
	})
	keys, _ := newKeys(t, `cert-authority,role="viewer",no-touch-required `+publicText(authority.PublicKey()))
	before := maps.Clone(c.Extensions)
	p, err := keys.Authorize(from("alice", "192.0.2.7"), c)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(p.Extensions, map[string]string{noTouchRequired: ""}) || !maps.Equal(p.CriticalOptions, map[string]string{sourceAddressOption: "192.0.2.7"}) {
		t.Errorf("Authorize = %v, %v; want only what the library is to act on", p.Extensions, p.CriticalOptions)
	}
	p.Extensions["more"] = ""
	if !maps.Equal(c.Extensions, before) {
		t.Errorf("the certificate's extensions = %v; want them untouched", c.Extensions)
	}
}

// Certificates as ssh-keygen makes them, in all their forms.
func TestCertificateOfSSHKeygen(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			dir := keyFolder(t)
			ca, user := filepath.Join(dir, "ca"), filepath.Join(dir, "user")
			keygen(t, "-q", "-t", kind, "-N", "", "-C", "our CA", "-f", ca)
			keygen(t, "-q", "-t", kind, "-N", "", "-C", "user", "-f", user)
			keygen(t, "-q", "-s", ca, "-I", "alice@bench", "-n", "alice,root", "-z", "9", "-V", "-5m:+1h",
				"-O", "force-command=drives --json", "-O", "source-address=192.0.2.0/24", "-O", "no-pty", user+".pub")
			certificate := readPublic(t, user+"-cert.pub")
			caText, err := os.ReadFile(ca + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			keys, log := newKeys(t, `cert-authority,role="operator" `+string(caText))
			keys.Now = nil
			got, ok := login(keys, certificate)
			if !ok || got.Name != "alice@bench" || got.Serial != 9 || got.Command != "drives --json" || !got.NoPTY || got.Role != Operator ||
				got.KeyType != strings.ToUpper(kind)+"-CERT" || time.Until(got.NotAfter) > time.Hour || !strings.Contains(keygen(t, "-lf", user+".pub"), got.Fingerprint) {
				t.Errorf("Authorize = %+v, %t; want alice@bench as it was signed\n%s", got, ok, log)
			}
			if _, err := keys.Authorize(from("alice", "198.51.100.1"), certificate); err == nil {
				t.Error("Authorize from another address = nil; want it refused")
			}
			if _, err := keys.Authorize(from("bob", "192.0.2.7"), certificate); err == nil {
				t.Error("Authorize as another user = nil; want it refused")
			}
		})
	}
}

func readPublic(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
