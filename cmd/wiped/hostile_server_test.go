//go:build hostile

package main

import (
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// server is a built wiped with a state directory and keys of its own.
type server struct {
	*meter
	t       *testing.T
	program string
	dir     string
	port    string
	cmd     *exec.Cmd
	gone    chan struct{}
	keys    map[string]ssh.Signer
	images  []string
}

// roles are the lines of authorized_keys: the name is the key's comment too. The stranger is in none.
var roles = map[string]string{
	"admin":    `role="admin"`,
	"operator": `role="operator"`,
	"viewer":   `role="viewer"`,
	"witness":  `role="viewer"`,
	"worker":   `role="operator"`,
	"stranger": "",
}

// hostKeys is where host keys are taken from, which take long to make: from the first server.
var hostKeys string

// memory is a directory in memory, if there is one: the drives under test are files.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}

// program is what is attacked: WIPED, else what make build made.
func program(t *testing.T, race bool) string {
	t.Helper()
	path := os.Getenv("WIPED")
	switch {
	case race:
		path = "../../bin/wiped-race"
	case path == "":
		path = "../../bin/wiped"
	}
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: run make test-hostile", err)
	}
	return path
}

// newServer prepares a server with drives of the sizes given, in bytes, and does not start it.
func newServer(t *testing.T, race bool, drives map[string]int64) *server {
	t.Helper()
	dir, err := os.MkdirTemp(memory(), "wiped-hostile")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, program: program(t, race), dir: dir, keys: map[string]ssh.Signer{}}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"state", "keys"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var lines strings.Builder
	for who, options := range roles {
		line := s.newKey(who)
		if options != "" {
			fmt.Fprintf(&lines, "%s %s\n", options, line)
		}
	}
	s.write("state/authorized_keys", lines.String())
	s.borrowHostKeys()
	for name, size := range drives {
		s.image(name, size)
	}
	return s
}

func (s *server) borrowHostKeys() {
	files, _ := filepath.Glob(filepath.Join(hostKeys, "*_key*"))
	if len(files) == 0 {
		return
	}
	if err := os.Mkdir(filepath.Join(s.dir, "state/hostkeys"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		s.write("state/hostkeys/"+filepath.Base(file), string(text))
	}
}

// image adds a drive that holds old data.
func (s *server) image(name string, size int64) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	s.write(name, oldContent)
	if err := os.Truncate(path, size); err != nil {
		s.t.Fatal(err)
	}
	s.images = append(s.images, "--image", path)
}

const oldContent = "OLD CONTENT "

func (s *server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// newKey makes a key, for x/crypto and as a file for the stock client, and returns its line.
func (s *server) newKey(who string) string {
	s.t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		s.t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, who)
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys[who] = signer
	s.write("keys/"+who, string(pem.EncodeToMemory(block)))
	return keyLine(signer.PublicKey()) + " " + who
}

func keyLine(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// authorize adds a line to authorized_keys.
func (s *server) authorize(line string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "state/authorized_keys")
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.replaceKeys(string(text) + line + "\n")
}

// replaceKeys puts another authorized_keys in place at once, as an editor does: somebody logs in all the time.
func (s *server) replaceKeys(text string) {
	s.t.Helper()
	s.write("state/authorized_keys.new", text)
	if err := os.Rename(filepath.Join(s.dir, "state/authorized_keys.new"), filepath.Join(s.dir, "state/authorized_keys")); err != nil {
		s.t.Fatal(err)
	}
}

// start runs the server and waits until it listens. wrap is a program that runs it, such as prlimit.
func (s *server) start(flags []string, wrap ...string) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	from, err := log.Seek(0, 2)
	if err != nil {
		return err
	}
	args := append(wrap, s.program, "serve", "--listen", "127.0.0.1:0", "--state", filepath.Join(s.dir, "state"), "--drives", "none")
	args = append(append(args, s.images...), flags...)
	cmd, gone := exec.Command(args[0], args[1:]...), make(chan struct{})
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.gone, s.meter = cmd, gone, &meter{cmd.Process.Pid, s.program, log.Name()}
	go func() { _ = cmd.Wait(); close(gone) }()
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); <-gone })
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s.port = listening(log.Name(), from); s.port != "" {
			return nil
		}
		select {
		case <-gone:
			return fmt.Errorf("the server ended with %d: %s", cmd.ProcessState.ExitCode(), s.log())
		default:
		}
	}
	return fmt.Errorf("the server does not listen: %s", s.log())
}

func (s *server) log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text)
}

// alive tells whether the server's process still runs.
func (s *server) alive() bool {
	select {
	case <-s.gone:
		return false
	default:
		return true
	}
}

// end stops the server and returns its exit code.
func (s *server) end(sig syscall.Signal) int {
	s.t.Helper()
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.gone:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		s.t.Fatalf("the server does not end: %s", s.log())
		return -1
	}
}

func (s *server) addr() string { return "127.0.0.1:" + s.port }

// connect opens a TCP connection from an address of the loopback network, which the server takes for a source of its own.
func (s *server) connect(from string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return dialer.Dial("tcp", s.addr())
}

// dialAs logs in over x/crypto. Its error tells a refused login from a lost connection.
func (s *server) dialAs(from, user string, keys ...ssh.Signer) (*ssh.Client, error) {
	return s.dialWith(from, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(keys...)}})
}

func (s *server) dialWith(from string, config *ssh.ClientConfig) (*ssh.Client, error) {
	conn, err := s.connect(from)
	if err != nil {
		return nil, err
	}
	config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
	c, channels, requests, err := ssh.NewClientConn(conn, s.addr(), config)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// ssh is the stock client, as the holder of a key.
func (s *server) ssh(who string, args ...string) *exec.Cmd {
	return exec.Command("timeout", append([]string{"-k", "1", "60", "ssh"}, clientArgs(s.dir, s.port, who, args...)...)...)
}

// serials asks for the serial of each drive.
func (s *server) serials() map[string]string {
	s.t.Helper()
	client, err := s.dialAs(witnessSource, "witness", s.keys["witness"])
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	got := execute(client, "drives --json")
	var drives []struct{ Name, Serial string }
	if err := json.Unmarshal([]byte(got.out), &drives); err != nil {
		s.t.Fatalf("%v: %+v", err, got)
	}
	found := map[string]string{}
	for _, d := range drives {
		found[d.Name] = d.Serial
	}
	return found
}
