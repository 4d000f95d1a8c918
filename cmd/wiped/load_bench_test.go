//go:build load

package main

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// loadBench is a server under load: the program that make build made, its files in memory where there is a directory for that, and
// nobody cut off for being slow.
func loadBench(t *testing.T, size int, images ...string) *bench {
	t.Helper()
	built, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(built, "wiped")); err != nil {
		t.Fatalf("%v. Next: make test-load", err)
	}
	t.Setenv("PATH", built+":"+os.Getenv("PATH"))
	if _, err := os.Stat("/dev/shm"); err == nil {
		t.Setenv("TMPDIR", "/dev/shm")
	}
	b := newBench(t, size, images...)
	b.end(syscall.SIGTERM)
	b.images = append(b.images, "--keepalive", "1h", "--login-grace", "1h")
	b.start()
	return b
}

// newcomer is somebody with a key and a role.
func (b *bench) newcomer(role, name string) ssh.Signer {
	b.t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(b.dir, "state", "authorized_keys"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "role=%q %s %s\n", role, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), name); err != nil {
		b.t.Fatal(err)
	}
	return signer
}

// say runs one command over a connection of its own.
func (b *bench) say(who ssh.Signer, line string) (out string, err error) {
	client, err := ssh.Dial("tcp", b.addr, loginOf(who))
	if err != nil {
		return "", err
	}
	defer client.Close()
	s, err := client.NewSession()
	if err != nil {
		return "", err
	}
	text, err := s.Output(line)
	return string(text), err
}

func loginOf(who ssh.Signer) *ssh.ClientConfig {
	return &ssh.ClientConfig{User: "load", Auth: []ssh.AuthMethod{ssh.PublicKeys(who)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
}

// level is what all processes of the server hold.
type level struct {
	After       int   `json:"after"` // of what was done, in the units of that test
	Processes   int   `json:"processes"`
	Descriptors int   `json:"descriptors"`
	Goroutines  int   `json:"goroutines,omitempty"` // 0: this server does not tell
	Resident    int64 `json:"resident_bytes"`
}

func (b *bench) meter() *meter {
	return &meter{b.cmd.Process.Pid, b.cmd.Path, filepath.Join(b.dir, "log")}
}

// glance measures without asking the server anything.
func (b *bench) glance() level {
	u := b.meter().used()
	return level{Processes: u.processes, Descriptors: u.descriptors, Resident: u.resident}
}

// measure asks the server for its goroutines too, if it answers such questions.
func (b *bench) measure(after int) level {
	b.t.Helper()
	l := b.glance()
	said, err := b.meter().held()
	if err != nil {
		b.t.Fatal(err)
	}
	l.After, l.Goroutines = after, said.goroutines
	return l
}

// settle waits until the server holds no more than want, and measures; else it says what is left over.
func (b *bench) settle(after int, want level) (l level) {
	b.t.Helper()
	if err := eventually(func() error {
		l = b.measure(after)
		if l.Descriptors > want.Descriptors+spare || want.Goroutines > 0 && l.Goroutines > want.Goroutines+spare {
			return fmt.Errorf("%+v is left, of %+v before", l, want)
		}
		return nil
	}); err != nil {
		b.t.Error(err)
	}
	return l
}

// spare is what may come and go beside: a timer's goroutine, a file that is being read.
const spare = 4

// limits raises how many files this process may have open.
func limits(t *testing.T, files uint64) {
	t.Helper()
	var now syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now)
	if err == nil && now.Cur < files {
		now.Cur = min(max(files, now.Cur), now.Max)
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &now)
	}
	if err != nil || now.Cur < files {
		t.Fatalf("this needs %d open files, and may have %d: %v", files, now.Cur, err)
	}
}

// number is a setting from the environment.
func number(t *testing.T, name string, standard int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("%s is %q", name, text)
	}
	return n
}

// saveFigures puts the figures of one test into bin/load.json, beside those of others.
func saveFigures(t *testing.T, test string, figures any) {
	t.Helper()
	file := filepath.Join("..", "..", "bin", "load.json")
	all := map[string]any{}
	old, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(old, &all)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
		return
	}
	all[test] = figures
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// table is what a test measured, to be read.
func table(what string, levels []level) string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n| %s | processes | descriptors | goroutines | memory |\n|---|---|---|---|---|\n", what)
	for _, l := range levels {
		goroutines := "not told"
		if l.Goroutines > 0 {
			goroutines = strconv.Itoa(l.Goroutines)
		}
		fmt.Fprintf(&text, "| %d | %d | %d | %s | %.1f MB |\n", l.After, l.Processes, l.Descriptors, goroutines, float64(l.Resident)/1e6)
	}
	return text.String()
}

// rate is so many a second, for figures only.
func rate(n int, begun time.Time) float64 { return float64(n) / time.Since(begun).Seconds() }
