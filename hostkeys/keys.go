// Package hostkeys makes, checks and loads the keys by which a station proves who it is: its SSH host keys, and the key
// that signs certificates. It knows files and keys, and nothing of connections, drives or what is signed.
package hostkeys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// Keys are the keys of one station.
type Keys struct {
	Host        []ssh.Signer // for the SSH handshake, the preferred one first
	Certificate ssh.Signer   // Ed25519; signs certificates and nothing else
	Created     []string     // the private key files made just now, at a first start
}

// Load returns the keys in dir, which is made if it is missing. A key that is not there is made; one that is there is
// never replaced, however broken, because clients and the holders of certificates know it: the error then names the
// command that mends it.
func Load(dir string) (*Keys, error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	keys := &Keys{}
	for _, spec := range specs {
		path := filepath.Join(dir, spec.name)
		created, err := create(path, spec)
		if err != nil {
			return nil, err
		}
		if created {
			keys.Created = append(keys.Created, path)
		}
		// Also a key just made is read from the disk: what the next start will find is what this one uses.
		signer, err := load(path, spec)
		if err != nil {
			return nil, err
		}
		if spec.certificate {
			keys.Certificate = signer
		} else {
			keys.Host = append(keys.Host, signer)
		}
	}
	return keys, nil
}

// Files are the names of the key files, in the order of Fingerprints.
func (k *Keys) Files() []string {
	var names []string
	for _, spec := range specs {
		names = append(names, spec.name)
	}
	return names
}

// Fingerprints returns a line for each key, in the form in which SSH clients show it.
func (k *Keys) Fingerprints() []string {
	var lines []string
	for _, host := range k.Host {
		lines = append(lines, "host key "+describe(host.PublicKey()))
	}
	return append(lines, "certificate key "+describe(k.Certificate.PublicKey()))
}

func describe(key ssh.PublicKey) string {
	return shortNames[key.Type()] + " " + ssh.FingerprintSHA256(key)
}

// prepare makes dir, durably, or checks the one that is there: who can write to it can exchange the keys.
func prepare(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return fmt.Errorf("create host keys: %w", err)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create host keys: %w: make the directory: sudo install -d -m 700 -o %d %s", err, os.Geteuid(), shellQuote(dir))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("read host keys: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("read host keys: %s is not a directory: mv %s %s", dir, shellQuote(dir), shellQuote(dir+".old"))
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("read host keys: %s can be changed by group or others, who could exchange the keys: chmod go-w %s", dir, shellQuote(dir))
	}
	return judgeOwner(dir, info, os.Geteuid())
}
