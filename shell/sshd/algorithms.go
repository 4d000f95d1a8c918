package sshd

import (
	"errors"
	"fmt"

	gossh "golang.org/x/crypto/ssh"
)

// The algorithms on offer. The library's own defaults still hold SHA-1, NIST curves and encrypt-and-MAC; ssh-audit finds
// nothing to fail here. diffie-hellman-group16 is left out because it costs much CPU before anyone has logged in.
var (
	keyExchanges = []string{gossh.KeyExchangeMLKEM768X25519, gossh.KeyExchangeCurve25519}
	ciphers      = []string{gossh.CipherChaCha20Poly1305, gossh.CipherAES256GCM, gossh.CipherAES128GCM, gossh.CipherAES256CTR}
	macs         = []string{gossh.HMACSHA512ETM, gossh.HMACSHA256ETM}

	// loginKeys are the signatures accepted from clients; certificates use the algorithm of the key in them.
	loginKeys = []string{
		gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoSKECDSA256,
		gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521,
		gossh.KeyAlgoRSASHA256, gossh.KeyAlgoRSASHA512,
	}
	rsaHostKey = []string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256}
)

// hostKeys checks that there is at least one key and no two of a type, and takes SHA-1 away from RSA keys.
func hostKeys(keys []gossh.Signer) ([]gossh.Signer, error) {
	if len(keys) == 0 {
		return nil, errors.New("there is no host key: the library would then fail every handshake")
	}
	seen := map[string]bool{}
	var out []gossh.Signer
	for _, key := range keys {
		if key == nil {
			return nil, errors.New("a host key is nil")
		}
		kind := key.PublicKey().Type()
		if seen[kind] {
			return nil, fmt.Errorf("two host keys are of type %s: clients could be offered only one of them", kind)
		}
		seen[kind] = true
		key, err := withoutSHA1(key)
		if err != nil {
			return nil, err
		}
		out = append(out, key)
	}
	return out, nil
}

func withoutSHA1(key gossh.Signer) (gossh.Signer, error) {
	if key.PublicKey().Type() != gossh.KeyAlgoRSA {
		return key, nil
	}
	signer, ok := key.(gossh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("the RSA host key cannot sign with SHA-2: use an ed25519 key")
	}
	limited, err := gossh.NewSignerWithAlgorithms(signer, rsaHostKey)
	if err != nil {
		return nil, fmt.Errorf("limit RSA host key to SHA-2: %w", err)
	}
	return limited, nil
}
