package hostkeys

import (
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// FuzzKeyFile reads anything as a host key: it is a key of the type that was wanted, or an error that says what to do, and the
// file stays as it was.
func FuzzKeyFile(f *testing.F) {
	block, err := ssh.MarshalPrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), "x")
	if err != nil {
		f.Fatal(err)
	}
	good := pem.EncodeToMemory(block)
	f.Add(good, []byte(nil))
	f.Add(good[:len(good)/2], []byte("ssh-ed25519 AAAA"))
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), []byte("\xff"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n"), []byte{})
	path := filepath.Join(f.TempDir(), "key")
	f.Fuzz(func(t *testing.T, private, public []byte) {
		for file, text := range map[string][]byte{path: private, path + ".pub": public} {
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, spec := range specs {
			signer, err := load(path, spec)
			if (signer == nil) != (err != nil) {
				t.Errorf("load = %v, %v", signer, err)
			}
			if signer != nil {
				if _, err := signer.Sign(nil, []byte("x")); err != nil {
					t.Errorf("a key that cannot sign: %v", err)
				}
			}
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(private) {
			t.Errorf("%q was changed to %q, %v", private, after, err)
		}
	})
}
