package auth

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// minRSA is what NIST SP 800-131A asks of an RSA key, in bits.
const minRSA = 2048

// keyTypes are the keys that may log in or sign certificates, each with the short word OpenSSH shows for it.
var keyTypes = map[string]string{
	ssh.KeyAlgoED25519:    "ED25519",
	ssh.KeyAlgoSKED25519:  "ED25519-SK",
	ssh.KeyAlgoECDSA256:   "ECDSA",
	ssh.KeyAlgoECDSA384:   "ECDSA",
	ssh.KeyAlgoECDSA521:   "ECDSA",
	ssh.KeyAlgoSKECDSA256: "ECDSA-SK",
	ssh.KeyAlgoRSA:        "RSA",
}

// keyTypeDSA is refused. It is spelled out because the library deprecates its name for it.
const keyTypeDSA = "ssh-dss"

const certificateSuffix = "-cert-v01@openssh.com"

// namesKeyType tells a key type, also one that is refused, from an option.
func namesKeyType(word string) bool {
	return keyTypes[word] != "" || word == keyTypeDSA || strings.HasSuffix(word, certificateSuffix)
}

// checkKind refuses types of key that are unsafe or unknown, or that are no keys.
func checkKind(kind string) error {
	switch {
	case kind == keyTypeDSA:
		return errors.New("a DSA key is not safe: make a new one with ssh-keygen -t ed25519")
	case strings.HasSuffix(kind, certificateSuffix):
		return errors.New("it is a certificate: list the public key of its authority instead, with cert-authority")
	case keyTypes[kind] == "":
		return fmt.Errorf("keys of type %s are not supported: make one with ssh-keygen -t ed25519", escape(kind))
	}
	return nil
}

// checkKey refuses what checkKind refuses, and keys that are too short.
func checkKey(key ssh.PublicKey) error {
	if err := checkKind(key.Type()); err != nil {
		return err
	}
	if holder, ok := key.(ssh.CryptoPublicKey); ok {
		if public, ok := holder.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() < minRSA {
			return fmt.Errorf("an RSA key of %d bits is not safe: make a new one with ssh-keygen -t ed25519", public.N.BitLen())
		}
	}
	return nil
}

// fingerprint is the one OpenSSH shows; of a certificate it is that of the key in it.
func fingerprint(key ssh.PublicKey) string {
	if certificate, ok := key.(*ssh.Certificate); ok {
		key = certificate.Key
	}
	return ssh.FingerprintSHA256(key)
}
