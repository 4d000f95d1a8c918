//go:build hostile

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// Cases 8 to 10: keys, certificates and security keys.

// badKeys comes with keys and signatures that are weak, wrong, too large or no keys.
func badKeys(g *target) {
	small, good := rsaSigner(g, 1024), rsaSigner(g, 2048)
	giant := rsaBlob(16384)
	g.authorize(keyLine(good.PublicKey()) + " rsa")
	g.authorize(keyLine(small.PublicKey()) + " small")
	g.authorize("ssh-rsa " + base64.StdEncoding.EncodeToString(giant) + " giant")
	client, err := g.dialAs(g.source(1), "op", good)
	if err != nil {
		g.Fatalf("RSA of 2048 bits: %v", err)
	}
	client.Close()
	old, err := ssh.NewSignerWithAlgorithms(good.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	if err != nil {
		g.Fatal(err)
	}
	for name, key := range map[string]ssh.Signer{"SHA-1": old, "1024 bits": small} {
		if client, err := g.dialAs(g.source(2), "op", key); err == nil {
			client.Close()
			g.Errorf("RSA with %s was let in", name)
		}
	}
	operator := g.keys["operator"].PublicKey()
	blob := operator.Marshal()
	overflow := append([]byte{}, blob...)
	binary.BigEndian.PutUint32(overflow, 0xFFFFFFFE)
	for n, bad := range []struct {
		algorithm string
		blob      []byte
	}{
		{"ssh-ed25519", nil}, {"ssh-ed25519", blob[:20]}, {"ssh-ed25519", blob[:len(blob)-1]}, {"ssh-ed25519", append(blob[:len(blob):len(blob)], 0)},
		{"ssh-ed25519", overflow}, {"rsa-sha2-256", blob}, {"ssh-rsa", good.PublicKey().Marshal()}, {"ssh-dss", dssBlob()}, {"", blob},
		{"ssh-ed25519-cert-v01@openssh.com", blob}, {"ssh-ed25519-cert-v01@openssh.com", append(text("ssh-ed25519-cert-v01@openssh.com"), blob...)},
		{"ecdsa-sha2-nistp256", append(append(text("ecdsa-sha2-nistp256"), text("nistp256")...), text("\x04"+strings.Repeat("\x01", 64))...)},
		{"rsa-sha2-512", giant}, {"rsa-sha2-512", append(append(text("ssh-rsa"), text("\x00")...), text("")...)}, {"sk-ssh-ed25519@openssh.com", blob},
	} {
		for _, signed := range []bool{false, true} {
			c := g.keyed(g.source(10 + n))
			_ = c.RequestService("ssh-userauth")
			request := rawtest.KeyRequest("op", signed, bad.algorithm, bad.blob)
			if signed {
				request = append(request, text(string(append(text(bad.algorithm), text(strings.Repeat("\x01", 2048))...)))...)
			}
			listed := bytes.Equal(bad.blob, blob) || bytes.Equal(bad.blob, giant) || bytes.Equal(bad.blob, good.PublicKey().Marshal())
			if got, _ := c.LoginAnswer(request); got == rawtest.MsgUserAuthSuccess || got == rawtest.MsgUserAuthKeyOK && (signed || !listed) {
				g.Errorf("%s with %d bytes: message %d", bad.algorithm, len(bad.blob), got)
			}
			c.Close()
		}
	}
	before := g.used().cpu
	const tries = 60
	for n := range tries / 6 {
		c := g.keyed(g.source(40 + n))
		_ = c.RequestService("ssh-userauth")
		for range 6 {
			signature := append(text("rsa-sha2-512"), text(strings.Repeat("\x7f", 2048))...)
			_, _ = c.LoginAnswer(append(rawtest.KeyRequest("op", true, "rsa-sha2-512", giant), text(string(signature))...))
		}
		c.Close()
	}
	g.outcome.note("%d logins with an RSA key of 16384 bits, the job included: %v of processor time", tries, (g.used().cpu - before).Round(time.Millisecond))
	g.garbledKeys(blob)
}

// garbledKeys offers keys with some bytes changed.
func (g *target) garbledKeys(blob []byte) {
	for n := range 40 {
		c := g.keyed(g.source(60 + n))
		_ = c.RequestService("ssh-userauth")
		for range 5 {
			garbled := append([]byte{}, blob...)
			change := make([]byte, 4)
			rand.Read(change)
			garbled[int(change[0])%len(garbled)] ^= change[1] | 1
			garbled = garbled[:len(garbled)-int(change[2])%8]
			if got, err := c.Offer("op", rawKey{"ssh-ed25519", garbled}); err != nil {
				break
			} else if got != rawtest.MsgUserAuthFailure {
				g.Errorf("a garbled key: message %d", got)
			}
		}
		c.Close()
	}
}

// rawKey is any bytes as a public key.
type rawKey struct {
	kind string
	blob []byte
}

func (k rawKey) Type() string                        { return k.kind }
func (k rawKey) Marshal() []byte                     { return k.blob }
func (k rawKey) Verify([]byte, *ssh.Signature) error { return nil }

func rsaSigner(g *target, bits int) ssh.Signer {
	g.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		g.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		g.Fatal(err)
	}
	return signer
}

// rsaBlob is a public key whose modulus has that many bits and that nobody holds.
func rsaBlob(bits int) []byte {
	n := new(big.Int).SetBit(new(big.Int), bits-1, 1)
	return ssh.Marshal(struct {
		Kind string
		E, N *big.Int
	}{"ssh-rsa", big.NewInt(65537), n.SetBit(n, 0, 1)})
}

func dssBlob() []byte {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 1024), big.NewInt(105))
	return ssh.Marshal(struct {
		Kind       string
		P, Q, G, Y *big.Int
	}{"ssh-dss", p, big.NewInt(7), big.NewInt(2), big.NewInt(4)})
}

// certified is a key with a certificate, changed before it is signed.
func (g *target) certified(authority, key ssh.Signer, change func(*ssh.Certificate)) ssh.Signer {
	g.Helper()
	now := time.Now()
	c := &ssh.Certificate{Key: key.PublicKey(), Serial: 7, CertType: ssh.UserCert, KeyId: "cert-id", ValidPrincipals: []string{"op"},
		ValidAfter: uint64(now.Add(-time.Hour).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix()),
		Permissions: ssh.Permissions{Extensions: map[string]string{"permit-pty": ""}}}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		g.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(c, key)
	if err != nil {
		g.Fatal(err)
	}
	return signer
}

// badCertificates comes with certificates that must not let in, and with two that must, for comparison.
func badCertificates(g *target) {
	authority, other, key := newSigner(), newSigner(), g.keys["stranger"]
	rsaAuthority := rsaSigner(g, 2048)
	line := `cert-authority,role="viewer" ` + keyLine(authority.PublicKey()) + " ca"
	g.authorize(line)
	g.authorize(`cert-authority,role="viewer" ` + keyLine(rsaAuthority.PublicKey()) + " rsa-ca")
	sha1, err := ssh.NewSignerWithAlgorithms(rsaAuthority.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	if err != nil {
		g.Fatal(err)
	}
	sha2, err := ssh.NewSignerWithAlgorithms(rsaAuthority.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSASHA512})
	if err != nil {
		g.Fatal(err)
	}
	changedAfter := g.certified(authority, key, nil)
	changedAfter.PublicKey().(*ssh.Certificate).ValidPrincipals = []string{"op", "root"}
	critical := func(name, value string) func(*ssh.Certificate) {
		return func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{name: value} }
	}
	principals := func(names ...string) func(*ssh.Certificate) {
		return func(c *ssh.Certificate) { c.ValidPrincipals = names }
	}
	for _, c := range []struct {
		name string
		key  ssh.Signer
		want string // what hello or drives prints; empty: not let in
	}{
		{"good", g.certified(authority, key, nil), "busy.img"},
		{"RSA authority with SHA-2", g.certified(sha2, key, nil), "busy.img"},
		{"right source-address", g.certified(authority, key, critical("source-address", "127.0.0.0/8")), "busy.img"},
		{"force-command", g.certified(authority, key, critical("force-command", "hello")), "Hello! How are you?"},
		{"wrong authority", g.certified(other, key, nil), ""},
		{"signed by its own key", g.certified(key, key, nil), ""},
		{"RSA authority with SHA-1", g.certified(sha1, key, nil), ""},
		{"host certificate", g.certified(authority, key, func(c *ssh.Certificate) { c.CertType = ssh.HostCert }), ""},
		{"expired", g.certified(authority, key, func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Unix() - 5) }), ""},
		{"not yet valid", g.certified(authority, key, func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Unix() + 600) }), ""},
		{"no principals", g.certified(authority, key, principals()), ""},
		{"an empty principal", g.certified(authority, key, principals("")), ""},
		{"other principal", g.certified(authority, key, principals("root")), ""},
		{"comma in a principal", g.certified(authority, key, principals("root,op", "op,root")), ""},
		{"wildcard principal", g.certified(authority, key, principals("*", "o?")), ""},
		{"unknown critical option", g.certified(authority, key, critical("erase-nothing@example.com", "")), ""},
		{"verify-required", g.certified(authority, key, critical("verify-required", "")), ""},
		{"wrong source-address", g.certified(authority, key, critical("source-address", "192.0.2.0/24")), ""},
		{"source-address of rubbish", g.certified(authority, key, critical("source-address", "127.0.0.1,rubbish")), ""},
		{"force-command with a line end", g.certified(authority, key, critical("force-command", "hello\ndrives")), ""},
		{"changed after it was signed", changedAfter, ""},
	} {
		g.wantLogin(c.name, c.key, c.want)
	}
	text, _ := os.ReadFile(filepath.Join(g.dir, "state/authorized_keys"))
	g.replaceKeys(strings.Replace(string(text), line, "", 1)) // there are no revocation lists: the authority's line is taken out
	g.wantLogin("authority taken out", g.certified(authority, key, nil), "")
}

// wantLogin logs in and asks for the drives; want is part of what is printed, empty for a refused login.
func (g *target) wantLogin(name string, key ssh.Signer, want string) {
	g.Helper()
	g.logins++ // each from an address of its own: who fails often is held up
	client, err := g.dialAs(g.source(1+g.logins), "op", key)
	if err != nil {
		if want != "" {
			g.Errorf("%s: not let in: %v", name, err)
		}
		return
	}
	defer client.Close()
	got := execute(client, "drives")
	switch {
	case want == "":
		g.Errorf("%s: let in: %+v", name, got)
	case !strings.Contains(got.out, want) || got.exit != 0:
		g.Errorf("%s: %+v", name, got)
	}
}

// securityKey is a FIDO key in software.
type securityKey struct {
	private ed25519.PrivateKey
	flags   byte // 1: touched
}

const skType = "sk-ssh-ed25519@openssh.com"

func (k securityKey) PublicKey() ssh.PublicKey {
	public := k.private.Public().(ed25519.PublicKey)
	key, err := ssh.ParsePublicKey(append(append(text(skType), text(string(public))...), text("ssh:")...))
	if err != nil {
		panic(err)
	}
	return key
}

func (k securityKey) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := []byte{k.flags, 0, 0, 0, 9} // and a counter
	signed := append(append(append([]byte{}, application[:]...), rest...), message[:]...)
	return &ssh.Signature{Format: skType, Blob: ed25519.Sign(k.private, signed), Rest: rest}, nil
}

// securityKeys come without anybody touching them.
func securityKeys(g *target) {
	newKey := func(options string) (touched, untouched securityKey) {
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			g.Fatal(err)
		}
		touched, untouched = securityKey{private, 1}, securityKey{private, 0}
		g.authorize(strings.TrimSpace(options + " " + keyLine(touched.PublicKey()) + " sk"))
		return touched, untouched
	}
	touched, untouched := newKey("")
	g.wantLogin("touched", touched, "busy.img")
	g.wantLogin("not touched", untouched, "")
	touched, untouched = newKey("no-touch-required")
	g.wantLogin("no-touch-required, touched", touched, "busy.img")
	g.wantLogin("no-touch-required, not touched", untouched, "busy.img")
	touched, untouched = newKey("verify-required")
	g.wantLogin("verify-required, touched", touched, "")
	g.wantLogin("verify-required, not touched", untouched, "")
	g.wantLog("verify-required cannot be enforced here")
	authority := newSigner()
	g.authorize(`cert-authority,role="viewer" ` + keyLine(authority.PublicKey()) + " ca")
	noTouch := func(c *ssh.Certificate) { c.Extensions["no-touch-required"] = "" }
	g.wantLogin("certificate, touched", g.certified(authority, touched, nil), "busy.img")
	g.wantLogin("certificate, not touched", g.certified(authority, untouched, nil), "")
	g.wantLogin("certificate that claims no touch", g.certified(authority, untouched, noTouch), "")
}
