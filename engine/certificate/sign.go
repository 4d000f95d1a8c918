package certificate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Namespace keeps these signatures from being taken for signatures on anything else (PROTOCOL.sshsig).
const Namespace = "wiped-certificate"

// Principal is the name under which a station's key stands in an allowed_signers file.
const Principal = "wiped"

// Sign signs a document; the result is an armored SSHSIG file. An Ed25519 key signs the same bytes the same way each time.
func Sign(signer ssh.Signer, document []byte) ([]byte, error) {
	sig, err := sshsig.Sign(bytes.NewReader(document), signer, sshsig.HashSHA512, Namespace)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return sshsig.Armor(sig), nil
}

// SignerLine is the line that makes others trust a key for certificates, and for nothing else.
func SignerLine(key ssh.PublicKey) string {
	return fmt.Sprintf("%s namespaces=%q %s", Principal, Namespace, bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
}

// unarmor reads an armored signature as strictly as ssh-keygen does; sshsig.Unarmor would pass over text before it, over
// headers, and over bits that the encoding does not use.
func unarmor(text []byte) (*sshsig.Signature, error) {
	const begin, end = "-----BEGIN SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----"
	body, ok := bytes.CutPrefix(text, []byte(begin))
	if !ok {
		return nil, errors.New("it does not begin with -----BEGIN SSH SIGNATURE-----")
	}
	body, rest, ok := bytes.Cut(body, []byte(end))
	if rest := string(rest); !ok || (rest != "" && rest != "\n") {
		return nil, errors.New("it does not end with -----END SSH SIGNATURE-----")
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(string(bytes.ReplaceAll(body, []byte("\n"), nil)))
	if err != nil {
		return nil, err
	}
	return sshsig.ParseSignature(blob)
}

// Verified is what is known of a document whose signature fits it.
type Verified struct {
	Statement Statement
	Key       ssh.PublicKey // the key that signed it
}

// Verify tells whether signature is a signature on document by the key that is in it, and whether the statement agrees
// with itself. Whose key that is, it does not know.
func Verify(document, signature []byte) (v Verified, err error) {
	sig, err := unarmor(signature)
	if err != nil {
		return v, fmt.Errorf("it is not an SSH signature: %w", err)
	}
	v.Key = sig.PublicKey
	if err := sshsig.Verify(bytes.NewReader(document), sig, sig.PublicKey, sig.HashAlgorithm, Namespace); err != nil {
		return v, fmt.Errorf("the signature does not fit: the document or the signature was changed: %w", err)
	}
	if err := json.Unmarshal(document, &v.Statement); err != nil {
		return v, fmt.Errorf("the document is not a certificate: %w", err)
	}
	if err := v.Statement.Check(); err != nil {
		return v, fmt.Errorf("the certificate contradicts itself: %w", err)
	}
	return v, nil
}
