package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// noon is now in every test that does not say otherwise.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return signerOf(t, key, err)
}

func signerOf(t testing.TB, key crypto.Signer, err error) ssh.Signer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newECDSA(t testing.TB) ssh.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return signerOf(t, key, err)
}

func newRSA(t testing.TB, bits int) ssh.Signer {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // a key too short for us has to be made first
	key, err := rsa.GenerateKey(rand.Reader, bits)
	return signerOf(t, key, err)
}

// publicText is the key as it stands in a .pub file, without a comment.
func publicText(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// securityKey is a FIDO authenticator: touched says whether somebody touches it when it signs.
type securityKey struct {
	public  ssh.PublicKey
	private crypto.Signer
	touched bool
}

const skApplication = "ssh:"

func newSecurityKey(t testing.TB, touched bool) *securityKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	blob := ssh.Marshal(struct {
		Name, Key, Application string
	}{ssh.KeyAlgoSKED25519, string(public), skApplication})
	return &securityKey{parsePublic(t, blob), private, touched}
}

func newSecurityECDSA(t testing.TB, touched bool) *securityKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	blob := ssh.Marshal(struct {
		Name, Curve, Key, Application string
	}{ssh.KeyAlgoSKECDSA256, "nistp256", string(point), skApplication})
	return &securityKey{parsePublic(t, blob), private, touched}
}

func parsePublic(t testing.TB, blob []byte) ssh.PublicKey {
	t.Helper()
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (k *securityKey) PublicKey() ssh.PublicKey { return k.public }

func (k *securityKey) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	state := make([]byte, 5) // flags and counter
	if k.touched {
		state[0] = 1
	}
	binary.BigEndian.PutUint32(state[1:], 7)
	application, message := sha256.Sum256([]byte(skApplication)), sha256.Sum256(data)
	signed := bytes.Join([][]byte{application[:], state, message[:]}, nil)
	signature := &ssh.Signature{Format: k.public.Type(), Rest: state}
	if key, ok := k.private.(*ecdsa.PrivateKey); ok {
		digest := sha256.Sum256(signed)
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		signature.Blob = append(mpint(r.Bytes()), mpint(s.Bytes())...)
		return signature, nil
	}
	blob, err := k.private.Sign(rand.Reader, signed, crypto.Hash(0))
	signature.Blob = blob
	return signature, err
}

func mpint(b []byte) []byte {
	if len(b) > 0 && b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return ssh.Marshal(struct{ B []byte }{b})
}

// newCertificate is a good user certificate for alice, changed by edit and then signed by authority.
func newCertificate(t testing.TB, key ssh.PublicKey, authority ssh.Signer, edit func(*ssh.Certificate)) *ssh.Certificate {
	t.Helper()
	c := &ssh.Certificate{
		Key:             key,
		Serial:          42,
		CertType:        ssh.UserCert,
		KeyId:           "Alice at the bench",
		ValidPrincipals: []string{"alice"},
		ValidAfter:      uint64(noon.Add(-time.Hour).Unix()),
		ValidBefore:     uint64(noon.Add(time.Hour).Unix()),
		Permissions:     ssh.Permissions{Extensions: map[string]string{permitPTY: ""}, CriticalOptions: map[string]string{}},
	}
	if edit != nil {
		edit(c)
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	// As it comes from the network.
	return parsePublic(t, c.Marshal()).(*ssh.Certificate)
}

// keyFolder is a directory that a key file may be in, whatever the umask.
func keyFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// logText collects what is logged; a login logs from a goroutine of the library's.
type logText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newKeys is a key file with these lines, and what it logs.
func newKeys(t testing.TB, lines ...string) (*Keys, *logText) {
	t.Helper()
	path := writeFile(t, filepath.Join(keyFolder(t), "authorized_keys"), strings.Join(lines, "\n")+"\n")
	log := &logText{}
	handler := slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
	return &Keys{Path: path, Log: slog.New(handler), Now: func() time.Time { return noon }}, log
}

// peer is a connection that has not logged in.
type peer struct {
	ssh.ConnMetadata
	user    string
	address net.Addr
}

func (p peer) User() string         { return p.user }
func (p peer) RemoteAddr() net.Addr { return p.address }

func from(user, address string) peer {
	return peer{user: user, address: &net.TCPAddr{IP: net.ParseIP(address), Port: 4711}}
}

// login is Authorize for alice from 192.0.2.7, the identity in full but for its credential; that is looked up again, which
// must not find anybody else.
func login(k *Keys, key ssh.PublicKey) (Identity, bool) {
	alice := from("alice", "192.0.2.7")
	p, err := k.Authorize(alice, key)
	again, lost := k.LookUp(Credential{"alice", string(key.Marshal())}, alice.address)
	if err != nil {
		return Identity{}, lost == nil // which every test takes for a login
	}
	id, ok := IdentityOf(p)
	if found, _ := IdentityOf(again); lost != nil || found != id {
		return Identity{}, false
	}
	id.Credential = Credential{}
	return id, ok
}

func keygen(t testing.TB, arguments ...string) string {
	t.Helper()
	out, err := exec.Command("ssh-keygen", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %q (of the package openssh-client): %v\n%s", arguments, err, out)
	}
	return string(out)
}
