package hostkeys

import (
	"bytes"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

const (
	ed25519Name     = "ssh_host_ed25519_key"
	rsaName         = "ssh_host_rsa_key"
	certificateName = "certificate_ed25519_key"
)

// first is a directory as the first start leaves it, made once because an RSA key takes a while.
var first = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "hostkeys")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, err := Load(dir); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, err
})

// station is a directory with keys as an earlier start left it.
func station(t *testing.T) string {
	t.Helper()
	files, err := first()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "host keys") // the blank has to be quoted in every command we propose
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		mode := os.FileMode(0o600)
		if strings.HasSuffix(name, ".pub") {
			mode = 0o644
		}
		write(t, filepath.Join(dir, name), content, mode)
	}
	return dir
}

func write(t *testing.T, path string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// snapshot is every file of dir with its content, to see that nothing was touched.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(e.Name() + " " + info.Mode().String() + "\n")
		if info.Mode().IsRegular() {
			b.Write(read(t, filepath.Join(dir, e.Name())))
		}
	}
	return b.String()
}

func keygen(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := exec.Command("ssh-keygen", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %q (of the package openssh-client): %v\n%s", arguments, err, out)
	}
	return string(out)
}

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "hostkeys")
	keys, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, ed25519Name), filepath.Join(dir, rsaName), filepath.Join(dir, certificateName)}
	if !slices.Equal(keys.Created, want) {
		t.Errorf("Created = %q; want %q", keys.Created, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 6 {
		t.Errorf("files = %v, %v; want six and nothing left over", entries, err)
	}
	for path, mode := range map[string]os.FileMode{dir: os.ModeDir | 0o700, want[0]: 0o600, want[1]: 0o600, want[2]: 0o600, want[0] + ".pub": 0o644, want[1] + ".pub": 0o644, want[2] + ".pub": 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("mode of %s = %v, %v; want %v", path, info.Mode(), err, mode)
		}
	}
	before := snapshot(t, dir)
	again, err := Load(dir)
	if err != nil || len(again.Created) != 0 || !slices.Equal(again.Fingerprints(), keys.Fingerprints()) {
		t.Errorf("Load again = %+v, %v; want the same keys", again, err)
	}
	if snapshot(t, dir) != before {
		t.Error("the second start changed files; want none touched")
	}
}

// ssh-keygen reads what we write, and says of it what we say.
func TestKeysAreReadBySSHKeygen(t *testing.T) {
	dir := station(t)
	keys, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	prints := keys.Fingerprints()
	tests := []struct{ name, bits, comment, kind string }{
		{ed25519Name, "256", "wiped host key", "ED25519"},
		{rsaName, "3072", "wiped host key", "RSA"},
		{certificateName, "256", "wiped certificate key", "ED25519"},
	}
	for i, test := range tests {
		path := filepath.Join(dir, test.name)
		sum := prints[i][strings.Index(prints[i], "SHA256:"):]
		want := test.bits + " " + sum + " " + test.comment + " (" + test.kind + ")\n"
		for _, file := range []string{path, path + ".pub"} {
			if got := keygen(t, "-l", "-f", file); got != want {
				t.Errorf("ssh-keygen -l -f %s = %q; want %q", filepath.Base(file), got, want)
			}
		}
		if got := keygen(t, "-y", "-f", path); got != string(read(t, path+".pub")) {
			t.Errorf("ssh-keygen -y -f %s = %q; want what is in .pub", test.name, got)
		}
		if !strings.HasPrefix(prints[i], strings.TrimPrefix(test.comment, "wiped ")+" "+test.kind+" SHA256:") {
			t.Errorf("Fingerprints()[%d] = %q; want %s %s", i, prints[i], test.comment, test.kind)
		}
	}
}

// Keys made by ssh-keygen, in each of its formats, are as good.
func TestKeysMadeBySSHKeygen(t *testing.T) {
	for _, format := range []string{"RFC4716", "PEM", "PKCS8"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			keygen(t, "-q", "-t", "ed25519", "-N", "", "-C", "root@bench", "-f", filepath.Join(dir, ed25519Name))
			keygen(t, "-q", "-t", "rsa", "-b", "2048", "-m", format, "-N", "", "-f", filepath.Join(dir, rsaName))
			keygen(t, "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, certificateName))
			before := snapshot(t, dir)
			keys, err := Load(dir)
			if err != nil || len(keys.Created) != 0 || len(keys.Host) != 2 {
				t.Fatalf("Load = %+v, %v; want ssh-keygen's keys", keys, err)
			}
			if snapshot(t, dir) != before {
				t.Error("Load changed files; want none touched")
			}
			for i, name := range []string{ed25519Name, rsaName, certificateName} {
				if print := keys.Fingerprints()[i]; !strings.Contains(keygen(t, "-lf", filepath.Join(dir, name)), strings.Fields(print)[3]) {
					t.Errorf("%s: %s is not what ssh-keygen says", name, print)
				}
			}
		})
	}
}

func TestRSASignsWithSHA2Only(t *testing.T) {
	keys, err := Load(station(t))
	if err != nil {
		t.Fatal(err)
	}
	signer, ok := keys.Host[1].(ssh.MultiAlgorithmSigner)
	if want := []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}; !ok || !slices.Equal(signer.Algorithms(), want) {
		t.Fatalf("RSA host key signs with %v; want %v", signer.Algorithms(), want)
	}
	if _, err := signer.SignWithAlgorithm(rand.Reader, []byte("x"), ssh.KeyAlgoRSA); err == nil {
		t.Error("SignWithAlgorithm(ssh-rsa) = nil; want it refused")
	}
	for _, algorithm := range signer.Algorithms() {
		if s, err := signer.SignWithAlgorithm(rand.Reader, []byte("x"), algorithm); err != nil || signer.PublicKey().Verify([]byte("x"), s) != nil {
			t.Errorf("SignWithAlgorithm(%s) = %v; want a signature that holds", algorithm, err)
		}
	}
}

// A client sees the host keys, and only by algorithms that are safe.
func TestHandshake(t *testing.T) {
	keys, err := Load(station(t))
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, want := range map[string]ssh.Signer{ssh.KeyAlgoED25519: keys.Host[0], ssh.KeyAlgoRSASHA256: keys.Host[1], ssh.KeyAlgoRSASHA512: keys.Host[1], ssh.KeyAlgoRSA: nil} {
		var seen ssh.PublicKey
		handshake(t, keys.Host, &ssh.ClientConfig{
			HostKeyAlgorithms: []string{algorithm},
			HostKeyCallback:   func(_ string, _ net.Addr, key ssh.PublicKey) error { seen = key; return nil },
		})
		if want == nil && seen != nil || want != nil && (seen == nil || !bytes.Equal(seen.Marshal(), want.PublicKey().Marshal())) {
			t.Errorf("handshake by %s showed %v; want %v", algorithm, seen, want)
		}
	}
}

func handshake(t *testing.T, host []ssh.Signer, client *ssh.ClientConfig) {
	t.Helper()
	config := &ssh.ServerConfig{NoClientAuth: true}
	for _, signer := range host {
		config.AddHostKey(signer)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _, _, _ = ssh.NewServerConn(conn, config)
	}()
	// What the client makes of it does not matter: the callback has seen the key, or there was none to see.
	if conn, err := ssh.Dial("tcp", listener.Addr().String(), client); err == nil {
		conn.Close()
	}
	<-done
}

// Two starts at once agree on one set of keys.
func TestLoadAtOnce(t *testing.T) {
	dir := station(t)
	for _, name := range []string{ed25519Name, certificateName} {
		remove(t, filepath.Join(dir, name))
		remove(t, filepath.Join(dir, name+".pub"))
	}
	var wg sync.WaitGroup
	prints := make([]string, 8)
	for i := range prints {
		wg.Go(func() {
			keys, err := Load(dir)
			if err != nil {
				t.Errorf("Load in one of many goroutines = %v", err)
				return
			}
			prints[i] = strings.Join(keys.Fingerprints(), "\n")
		})
	}
	wg.Wait()
	if len(slices.Compact(prints)) != 1 {
		t.Errorf("keys = %q; want the same for all", prints)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 6 {
		t.Errorf("files = %v, %v; want six and nothing left over", entries, err)
	}
}
