package hostkeys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// spec is one key a station has.
type spec struct {
	name        string // of its file
	comment     string
	certificate bool // not for the handshake
	generate    func() (crypto.Signer, error)
	signer      func(key any) (ssh.Signer, error) // refuses a key that does not belong under this name
}

const (
	newRSABits = 3072 // 128 bits of strength, NIST SP 800-57
	minRSABits = 2048
)

// specs are the keys, host keys in the order of preference.
var specs = []spec{
	{name: "ssh_host_ed25519_key", comment: "wiped host key", generate: generateEd25519, signer: ed25519Signer},
	{name: "ssh_host_rsa_key", comment: "wiped host key", generate: generateRSA, signer: rsaSigner},
	{name: "certificate_ed25519_key", comment: "wiped certificate key", certificate: true, generate: generateEd25519, signer: ed25519Signer},
}

// shortNames are the words that ssh and ssh-keygen show for our types of key.
var shortNames = map[string]string{ssh.KeyAlgoED25519: "ED25519", ssh.KeyAlgoRSA: "RSA"}

// errDamaged is for a file that is not, or not any more, a private key.
var errDamaged = errors.New("it is damaged")

// wrongKeyError is for a good key that must not stand under its name.
type wrongKeyError struct{ is, want string }

func (e wrongKeyError) Error() string {
	return fmt.Sprintf("it holds %s where %s is expected", e.is, e.want)
}

func generateEd25519() (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

func generateRSA() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, newRSABits) }

// ed25519Signer checks the public half in the file, which the library believes: signing with a wrong one gives the
// private half away.
func ed25519Signer(key any) (ssh.Signer, error) {
	if pointer, ok := key.(*ed25519.PrivateKey); ok {
		key = *pointer
	}
	private, ok := key.(ed25519.PrivateKey)
	switch {
	case !ok:
		return nil, wrongKeyError{is: kindOf(key), want: "an Ed25519 key"}
	case len(private) != ed25519.PrivateKeySize || !ed25519.NewKeyFromSeed(private.Seed()).Equal(private):
		return nil, errDamaged
	}
	return ssh.NewSignerFromKey(private)
}

// rsaSigner makes a signer that never signs with SHA-1, which the library would offer.
func rsaSigner(key any) (ssh.Signer, error) {
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, wrongKeyError{is: kindOf(key), want: "an RSA key"}
	}
	if bits := private.N.BitLen(); bits < minRSABits {
		return nil, wrongKeyError{is: fmt.Sprintf("an RSA key of %d bits", bits), want: fmt.Sprintf("one of at least %d", minRSABits)}
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerWithAlgorithms(signer.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
}

func kindOf(key any) string {
	switch key.(type) {
	case *rsa.PrivateKey:
		return "an RSA key"
	case ed25519.PrivateKey, *ed25519.PrivateKey:
		return "an Ed25519 key"
	}
	return "a key of another type"
}
