//go:build crash

package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// dial logs in, and holds the host key against the one of the first time.
func (s *crashStation) dial() (*ssh.Client, error) {
	return ssh.Dial("tcp", s.addr, &ssh.ClientConfig{User: "op", Auth: []ssh.AuthMethod{ssh.PublicKeys(s.signer)}, Timeout: patience,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if s.hostKey == nil {
				s.hostKey = key
			}
			if !bytes.Equal(s.hostKey.Marshal(), key.Marshal()) {
				return errors.New("the host key is another one")
			}
			return nil
		}})
}

// ask runs one command over a connection that is kept; code is -1 where the server did not say one.
func (s *crashStation) ask(line string) (out, errOut string, code int) {
	if s.client == nil {
		var err error
		if s.client, err = s.dial(); err != nil {
			s.client = nil
			return "", err.Error(), -1
		}
	}
	return askOn(s.client, line)
}

func askOn(client *ssh.Client, line string) (out, errOut string, code int) {
	session, err := client.NewSession()
	if err != nil {
		return "", err.Error(), -1
	}
	defer session.Close()
	var o, e bytes.Buffer
	session.Stdout, session.Stderr = &o, &e
	err = session.Run(line)
	var exit *ssh.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitStatus()
	case err != nil:
		code = -1
	}
	return o.String(), e.String(), code
}

// must asks a server that nobody kills meanwhile.
func (s *crashStation) must(line string) string {
	s.t.Helper()
	out, errOut, code := s.ask(line)
	if code != 0 {
		s.fault("%s: exit %d: %s%s", line, code, out, errOut)
		s.t.FailNow()
	}
	return out
}

// waiter is somebody who reads what a command prints until it ends or the server does.
type waiter struct {
	out, err lockedBuffer
	done     chan struct{}
}

// follow begins a command and reads along.
func (s *crashStation) follow(line string) (*waiter, error) {
	client, err := s.dial()
	if err != nil {
		return nil, err
	}
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	w := &waiter{done: make(chan struct{})}
	session.Stdout, session.Stderr = &w.out, &w.err
	if err := session.Start(line); err != nil {
		return nil, err
	}
	go func() { _ = session.Wait(); _ = client.Close(); close(w.done) }()
	return w, nil
}

// followSSH does so with the stock client.
func (s *crashStation) followSSH(line string) (*waiter, error) {
	_, port, _ := strings.Cut(s.addr, ":")
	args := append([]string{"-o", "UserKnownHostsFile=/dev/null"}, clientArgs(s.dir, port, "operator", "-T", "op@127.0.0.1", line)...)
	cmd := exec.Command("ssh", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w := &waiter{done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &w.out, &w.err
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait(); close(w.done) }()
	return w, nil
}

// events are those that were read so far, whole lines only.
func (w *waiter) events() (all []crashEvent) {
	text := w.out.String()
	text = text[:strings.LastIndexByte(text, '\n')+1]
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if e, err := parseCrashEvent(lines.Text()); err == nil && e.Seq > 0 {
			all = append(all, e)
		}
	}
	return all
}

// until returns when an event is as wanted, the command has ended, or patience has.
func (w *waiter) until(wanted func(crashEvent) bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		for _, e := range w.events() {
			if wanted(e) {
				return true
			}
		}
		select {
		case <-w.done:
			return false
		default:
		}
	}
	return false
}
