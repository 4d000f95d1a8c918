package hostkeys

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// maxFile is in bytes; an RSA key of 16384 bits is 12 KiB.
const maxFile = 64 << 10

// load reads the private key at path and holds the public one beside it against it.
func load(path string, spec spec) (ssh.Signer, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	signer, err := parse(text, spec)
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", advice(path, spec, err))
	}
	if err := checkPublic(path, signer.PublicKey(), spec.comment); err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	return signer, nil
}

// readPrivate returns the file's text if nobody else can read it.
func readPrivate(path string) ([]byte, error) {
	// Without O_NONBLOCK a named pipe would hold up the start.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: let wiped's user read it: chown %d %s", err, os.Geteuid(), shellQuote(path))
	case err != nil:
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a plain file: mv %s %s", path, shellQuote(path), shellQuote(path+".old"))
	}
	if err := judgeOwner(path, info, os.Geteuid()); err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read or changed by group or others: chmod 600 %s", path, shellQuote(path))
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// judgeOwner refuses what belongs to neither root nor the user self.
func judgeOwner(path string, info fs.FileInfo, self int) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: its owner is not known", path)
	}
	if owner := int(st.Uid); owner != 0 && owner != self {
		return fmt.Errorf("%s belongs to user %d: chown %d %s", path, owner, self, shellQuote(path))
	}
	return nil
}

// parse reads one private key and nothing behind it, as OpenSSH and OpenSSL write it.
func parse(text []byte, spec spec) (ssh.Signer, error) {
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errDamaged
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" { // PKCS #8, which the library takes for an unknown type
		return nil, &ssh.PassphraseMissingError{}
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
		return nil, err
	}
	if err != nil {
		return nil, errDamaged
	}
	return spec.signer(key)
}

// advice turns what is wrong with a key into a sentence with the next step.
func advice(path string, spec spec, err error) error {
	if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
		return fmt.Errorf("%s has a passphrase, which nobody could type at a start: take it off: ssh-keygen -p -f %s -N ''", path, shellQuote(path))
	}
	suffix := ".corrupt"
	if wrong := (wrongKeyError{}); errors.As(err, &wrong) {
		suffix = ".wrong"
	}
	away := fmt.Sprintf("mv %s %s", shellQuote(path), shellQuote(path+suffix))
	if _, err := os.Lstat(path + ".pub"); err == nil {
		away += fmt.Sprintf(" && mv %s %s", shellQuote(path+".pub"), shellQuote(path+".pub"+suffix))
	}
	return fmt.Errorf("%s cannot be used, %w: bring it back from a backup, or have a new one made (%s): %s", path, err, spec.consequence(), away)
}

// consequence says what a new key means for those who know the old one.
func (s spec) consequence() string {
	if s.certificate {
		return "certificates will then be signed with another key, which those who check them must be given; keep the old public key for the old ones"
	}
	return "clients will then see a changed host key and refuse to connect until they accept it"
}

// checkPublic holds path.pub against the private key's public half, and writes it if it is missing. wiped does not need
// the file, but people copy it from there.
func checkPublic(path string, key ssh.PublicKey, comment string) error {
	text, err := os.ReadFile(path + ".pub")
	if errors.Is(err, fs.ErrNotExist) {
		line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + comment + "\n"
		if err = publish(path+".pub", []byte(line), 0o644); !errors.Is(err, fs.ErrExist) {
			return err
		}
		text, err = os.ReadFile(path + ".pub") // another process was faster
	}
	if err != nil {
		return err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil || !bytes.Equal(public.Marshal(), key.Marshal()) {
		return fmt.Errorf("%s.pub is not the public key of %s: write it anew: ssh-keygen -y -f %s > %s", path, path, shellQuote(path), shellQuote(path+".pub"))
	}
	return nil
}

// shellQuote writes a path so that the command we propose can be pasted.
func shellQuote(path string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@%:,="
	if path != "" && strings.Trim(path, safe) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
