package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"
)

// operator is somebody with a key, for all servers that are measured.
type operator struct {
	signer ssh.Signer
	file   string // the private key, for the ssh program
	public string // the line of authorized_keys
}

func newOperator(dir string) (*operator, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "bench")
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	o := &operator{file: filepath.Join(dir, "key"), public: fmt.Sprintf("%s bench\n", bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))}
	if o.signer, err = ssh.NewSignerFromKey(private); err != nil {
		return nil, err
	}
	return o, os.WriteFile(o.file, pem.EncodeToMemory(block), 0o600)
}

// patience is how long a server may take for what takes no time.
const patience = 30 * time.Second

// dial logs in. wrap, if it is not nil, puts something between the client and the network.
func (o *operator) dial(addr string, wrap func(net.Conn) net.Conn) (*ssh.Client, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	if wrap != nil {
		conn = wrap(conn)
	}
	c, channels, requests, err := ssh.NewClientConn(conn, addr, &ssh.ClientConfig{
		User: "bench", Auth: []ssh.AuthMethod{ssh.PublicKeys(o.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: patience,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}}) // as the ssh program prefers; this library would take RSA where there is one
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// ask runs one command in a session of its own and returns its output. Any exit code but 0 is an error.
func ask(c *ssh.Client, command string) ([]byte, error) {
	s, err := c.NewSession()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var errOut bytes.Buffer
	s.Stderr = &errOut
	out, err := s.Output(command)
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", firstWords(command), err, bytes.TrimSpace(errOut.Bytes()))
	}
	return out, nil
}

func firstWords(command string) string {
	const enough = 60
	if len(command) > enough {
		return command[:enough] + "..."
	}
	return command
}

// terminal opens a session with a terminal and reads what comes, to nowhere, for as long as it is open.
func terminal(c *ssh.Client) error {
	s, err := c.NewSession()
	if err != nil {
		return err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return err
	}
	if _, err := s.StdinPipe(); err != nil { // kept open: the session idles
		return err
	}
	if err := errors.Join(s.RequestPty("xterm", 24, 80, ssh.TerminalModes{}), s.Shell()); err != nil {
		return err
	}
	first := make(chan error, 1)
	go func() {
		buf := make([]byte, 4096)
		_, err := out.Read(buf)
		first <- err
		for err == nil {
			_, err = out.Read(buf)
		}
	}()
	return <-first
}
