package hostkeys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// Each case breaks one key of a good station. Load must say the command that mends it and touch nothing, and that
// command, run by a shell, must mend it.
func TestBroken(t *testing.T) {
	swap := func(a, b string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, a), read(t, filepath.Join(dir, b)), 0o600)
		}
	}
	tests := []struct {
		name     string
		file     string
		damage   func(t *testing.T, dir string)
		want     []string // in the error
		unmended bool     // the command needs a person
		created  int      // keys the next start makes
	}{
		{name: "readable by group", file: ed25519Name, damage: chmod(ed25519Name, 0o640), want: []string{"chmod 600 '"}},
		{name: "readable by others", file: certificateName, damage: chmod(certificateName, 0o604), want: []string{"chmod 600 '"}},
		{name: "writable by group", file: rsaName, damage: chmod(rsaName, 0o620), want: []string{"chmod 600 '"}},
		{name: "directory writable", file: "", damage: chmod("", 0o770), want: []string{"chmod go-w '"}},
		{name: "empty", file: ed25519Name, damage: content(ed25519Name, nil), want: []string{"damaged", "backup", "changed host key", ".corrupt"}, created: 1},
		{name: "no key", file: rsaName, damage: content(rsaName, []byte("hello\n")), want: []string{"damaged", ".corrupt"}, created: 1},
		{name: "certificate key damaged", file: certificateName, damage: content(certificateName, []byte("x")), want: []string{"those who check them", ".corrupt"}, created: 1},
		{name: "cut short", file: ed25519Name, damage: edit(ed25519Name, func(b []byte) []byte { return b[:len(b)-40] }), want: []string{"damaged"}, created: 1},
		{name: "something behind it", file: ed25519Name, damage: edit(ed25519Name, func(b []byte) []byte { return append(b, b...) }), want: []string{"damaged"}, created: 1},
		{name: "a private half of another key", file: ed25519Name, damage: mixHalves, want: []string{"damaged"}, created: 1},
		{name: "RSA in the Ed25519 file", file: ed25519Name, damage: swap(ed25519Name, rsaName), want: []string{"an RSA key where an Ed25519 key", ".wrong"}, created: 1},
		{name: "Ed25519 in the RSA file", file: rsaName, damage: swap(rsaName, ed25519Name), want: []string{"an Ed25519 key where an RSA key", ".wrong"}, created: 1},
		{name: "RSA as certificate key", file: certificateName, damage: swap(certificateName, rsaName), want: []string{"an RSA key where an Ed25519 key"}, created: 1},
		{name: "ECDSA in the RSA file", file: rsaName, damage: byKeygen(rsaName, "-t", "ecdsa", "-N", ""), want: []string{"another type"}, created: 1},
		{name: "RSA of 1024 bits", file: rsaName, damage: byKeygen(rsaName, "-t", "rsa", "-b", "1024", "-N", ""), want: []string{"1024 bits", "at least 2048"}, created: 1},
		{name: "passphrase", file: ed25519Name, damage: byKeygen(ed25519Name, "-t", "ed25519", "-N", "secret"), want: []string{"ssh-keygen -p -f '", "-N ''"}, unmended: true},
		{name: "passphrase, PEM", file: rsaName, damage: byKeygen(rsaName, "-t", "rsa", "-m", "PEM", "-N", "secret"), want: []string{"ssh-keygen -p -f '"}, unmended: true},
		{name: "passphrase, PKCS 8", file: rsaName, damage: byKeygen(rsaName, "-t", "rsa", "-m", "PKCS8", "-N", "secret"), want: []string{"ssh-keygen -p -f '"}, unmended: true},
		{name: "public key of another", file: ed25519Name, damage: swap(ed25519Name+".pub", certificateName+".pub"), want: []string{"ssh-keygen -y -f '", "> '"}},
		{name: "public key empty", file: rsaName, damage: content(rsaName+".pub", nil), want: []string{"ssh-keygen -y -f '"}},
		{name: "private key gone", file: rsaName, damage: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, rsaName)) }, want: []string{"backup", "changed host key", ".pub.old"}, created: 1},
		{name: "a directory", file: ed25519Name, damage: func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, ed25519Name))
			remove(t, filepath.Join(dir, ed25519Name+".pub"))
			if err := os.Mkdir(filepath.Join(dir, ed25519Name), 0o700); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"not a plain file"}, created: 1},
		{name: "a named pipe", file: ed25519Name, damage: func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, ed25519Name))
			remove(t, filepath.Join(dir, ed25519Name+".pub"))
			if err := unix.Mkfifo(filepath.Join(dir, ed25519Name), 0o600); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"not a plain file"}, created: 1},
		{name: "a link to nothing", file: ed25519Name, damage: func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, ed25519Name))
			if err := os.Symlink("gone", filepath.Join(dir, ed25519Name)); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"no such file"}, unmended: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := station(t)
			test.damage(t, dir)
			before := snapshot(t, dir)
			keys, err := Load(dir)
			if err == nil {
				t.Fatalf("Load = %+v; want an error", keys)
			}
			for _, want := range append(test.want, filepath.Join(dir, test.file)) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Load = %v; want %q in it", err, want)
				}
			}
			if snapshot(t, dir) != before {
				t.Error("Load changed files; want none touched")
			}
			if test.unmended {
				return
			}
			command := err.Error()[strings.LastIndex(err.Error(), ": ")+2:]
			if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
			keys, err = Load(dir)
			if err != nil || len(keys.Created) != test.created {
				t.Errorf("after %s: Load = %+v, %v; want %d new keys", command, keys, err, test.created)
			}
		})
	}
}

func chmod(name string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func content(name string, text []byte) func(*testing.T, string) {
	return edit(name, func([]byte) []byte { return text })
}

func edit(name string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, change(read(t, path)), info.Mode())
	}
}

func byKeygen(name string, arguments ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, name)
		remove(t, path)
		remove(t, path+".pub")
		keygen(t, append(arguments, "-q", "-f", path)...)
	}
}

// mixHalves leaves an Ed25519 key whose public half belongs to another seed: with a signature by it and one by the
// right key, anybody could work out the private half.
func mixHalves(t *testing.T, dir string) {
	t.Helper()
	a := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	b := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	block, err := ssh.MarshalPrivateKey(ed25519.PrivateKey(append(a[:32:32], b[32:]...)), "mixed")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ed25519Name), pem.EncodeToMemory(block), 0o600)
}

func TestPublicKeyIsWrittenAgain(t *testing.T) {
	dir := station(t)
	before := snapshot(t, dir)
	for _, name := range []string{ed25519Name, rsaName, certificateName} {
		remove(t, filepath.Join(dir, name+".pub"))
	}
	keys, err := Load(dir)
	if err != nil || len(keys.Created) != 0 {
		t.Fatalf("Load = %+v, %v; want the old keys", keys, err)
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("files = %s; want %s", after, before)
	}
}

// What ssh-keygen -y writes is without a comment for an old key; it is the key that counts.
func TestPublicKeyWithOtherComment(t *testing.T) {
	dir := station(t)
	edit(ed25519Name+".pub", func(b []byte) []byte { return bytes.Replace(b, []byte(" wiped host key"), nil, 1) })(t, dir)
	if _, err := Load(dir); err != nil {
		t.Errorf("Load = %v; want no error", err)
	}
}

func TestMissingKeyIsMadeAlone(t *testing.T) {
	dir := station(t)
	rsa := read(t, filepath.Join(dir, rsaName))
	remove(t, filepath.Join(dir, ed25519Name))
	remove(t, filepath.Join(dir, ed25519Name+".pub"))
	keys, err := Load(dir)
	if err != nil || len(keys.Created) != 1 || keys.Created[0] != filepath.Join(dir, ed25519Name) {
		t.Errorf("Load = %+v, %v; want one key made", keys, err)
	}
	if !bytes.Equal(rsa, read(t, filepath.Join(dir, rsaName))) {
		t.Error("the RSA key changed; want it left alone")
	}
}

func TestKeyOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a file away")
	}
	for _, name := range []string{ed25519Name, ""} {
		dir := station(t)
		if err := os.Chown(filepath.Join(dir, name), 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "chown 0 '"+filepath.Join(dir, name)+"'") {
			t.Errorf("Load, %q of another user = %v; want chown in the error", name, err)
		}
	}
}

func TestDirectoryIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hostkeys")
	write(t, path, nil, 0o600)
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("Load = %v; want not a directory", err)
	}
	if _, err := Load(filepath.Join(path, "sub")); err == nil || !strings.Contains(err.Error(), "install -d") {
		t.Errorf("Load below a file = %v; want a command", err)
	}
}

// Both ways of publishing refuse to replace, and leave nothing behind.
func TestNothingIsOverwritten(t *testing.T) {
	for name, rename := range map[string]func(from, to string) error{"renameNew": renameNew, "linkNew": linkNew} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		write(t, from, []byte("new"), 0o600)
		if err := rename(from, to); err != nil || string(read(t, to)) != "new" {
			t.Errorf("%s = %v; want the file under its new name", name, err)
		}
		if _, err := os.Lstat(from); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s left the old name: %v", name, err)
		}
		write(t, from, []byte("newer"), 0o600)
		if err := rename(from, to); !errors.Is(err, fs.ErrExist) || string(read(t, to)) != "new" {
			t.Errorf("%s onto a file = %v; want fs.ErrExist and the old content", name, err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	write(t, path, []byte("old"), 0o600)
	if err := publish(path, []byte("new"), 0o644); !errors.Is(err, fs.ErrExist) || string(read(t, path)) != "old" {
		t.Errorf("publish onto a file = %v; want fs.ErrExist and the old content", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files = %v, %v; want no temporary file left", entries, err)
	}
}
