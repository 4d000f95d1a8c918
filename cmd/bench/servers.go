package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// greeting is what every server answers.
const greeting = "Hello! How are you?"

// bareServer is the library that wiped's server is built on, with nothing around it. It is a role of bench of its own: gliderlabs FILE,
// where FILE holds the key that may log in; with another word it acknowledges at once what it reads, as wiped does before a login.
func bareServer(args []string) error {
	if len(args) < 1 {
		return errors.New("gliderlabs FILE [prompt]")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	allowed, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return err
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	host, err := gossh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	server := &ssh.Server{
		HostSigners:      []ssh.Signer{host},
		PublicKeyHandler: func(_ ssh.Context, key ssh.PublicKey) bool { return ssh.KeysEqual(key, allowed) },
		Handler:          func(s ssh.Session) { _, _ = io.WriteString(s, greeting+"\n") },
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "listening on %s\n", ln.Addr())
	if len(args) > 1 {
		ln = promptListener{ln}
	}
	return server.Serve(ln)
}

type promptListener struct{ net.Listener }

func (l promptListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return promptConn{conn.(*net.TCPConn)}, nil
}

type promptConn struct{ *net.TCPConn }

func (c promptConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if raw, failed := c.SyscallConn(); failed == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
	return n, err
}

func (l *lab) gliderlabs(words ...string) (*station, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	key := filepath.Join(l.dir, "gliderlabs.pub")
	if err := os.WriteFile(key, []byte(l.key.public), 0o600); err != nil {
		return nil, err
	}
	cmd := command(l.ctx, self, append([]string{"gliderlabs", key}, words...)...)
	errOut, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	return l.start(cmd, errOut)
}

// openSSH is sshd with one ed25519 host key, without PAM and DNS. SHLVL keeps root's bash from reading its ~/.bashrc, whatever is in it.
func (l *lab) openSSH() (*station, error) {
	host, allowed := filepath.Join(l.dir, "sshd_host_key"), filepath.Join(l.dir, "sshd_authorized_keys")
	if out, err := command(l.ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a host key: %w: %s", err, out)
	}
	l.later(func() error { return errors.Join(os.Remove(host), os.Remove(host+".pub")) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := ln.Addr().(*net.TCPAddr)
	ln.Close()
	config := fmt.Sprintf("ListenAddress %s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nUseDNS no\nStrictModes no\n"+
		"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nSetEnv SHLVL=2\n", addr, host, allowed)
	file := filepath.Join(l.dir, "sshd_config")
	err = errors.Join(os.WriteFile(file, []byte(config), 0o600), os.WriteFile(allowed, []byte(l.key.public), 0o600), os.MkdirAll("/run/sshd", 0o755))
	if err != nil {
		return nil, err
	}
	program, err := exec.LookPath(sshd)
	if err != nil {
		return nil, err
	}
	cmd := command(l.ctx, program, "-D", "-e", "-f", file)
	errOut, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	return l.start(cmd, asListening{errOut, addr.String()})
}

// asListening reads what sshd says and puts it into the words that start waits for.
type asListening struct {
	io.Reader
	addr string
}

func (r asListening) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if bytes.Contains(p[:n], []byte("Server listening on")) {
		n = copy(p, "listening on "+r.addr+"\n")
	}
	return n, err
}

// program logs in with the ssh program, has one command run and looks at what it says.
func (l *lab) program(addr, user, word string) error {
	host, port, _ := net.SplitHostPort(addr)
	out, err := command(l.ctx, "ssh", "-F", "none", "-T", "-p", port, "-l", user, "-i", l.key.file, "-o", "IdentitiesOnly=yes",
		"-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", host, word).Output()
	if err == nil && strings.TrimSpace(string(out)) != greeting {
		err = fmt.Errorf("it says %q", out)
	}
	return explain(err)
}

func (l *lab) hello(name, addr, user, word string) contender {
	return contender{name, func() (map[string]float64, error) {
		began := time.Now()
		err := l.program(addr, user, word)
		return alone("hello", time.Since(began).Seconds()), err
	}}
}

// hello is one command of a script: the ssh program starts, logs in, hears the answer and ends.
func hello(l *lab) error {
	wiped, bare, prompt, err := l.servers()
	if err != nil {
		return err
	}
	stock, err := l.openSSH()
	if err != nil {
		return fmt.Errorf("start OpenSSH: %w", err)
	}
	return l.contest("ssh", l.form.hellos,
		l.hello("wiped", wiped.addr, "bench", "hello"),
		l.hello("gliderlabs", bare.addr, "bench", "hello"),
		l.hello("prompt gliderlabs", prompt.addr, "bench", "hello"),
		l.hello("OpenSSH", stock.addr, "root", "echo '"+greeting+"'"),
	)
}

// servers are wiped, and the bare server as it is and acknowledging at once.
func (l *lab) servers() (wiped, bare, prompt *station, err error) {
	if wiped, err = l.station(); err != nil {
		return nil, nil, nil, err
	}
	if bare, err = l.gliderlabs(); err != nil {
		return nil, nil, nil, fmt.Errorf("start a bare server: %w", err)
	}
	if prompt, err = l.gliderlabs("prompt"); err != nil {
		return nil, nil, nil, fmt.Errorf("start a bare server: %w", err)
	}
	return wiped, bare, prompt, nil
}
