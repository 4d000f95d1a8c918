package sshd

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/shell"
)

// openSSH returns a maker of commands of the real client, which log in to s.
func openSSH(t *testing.T, s *station) func(args ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("no OpenSSH client: install openssh-client to run this test")
	}
	_, private, _ := ed25519.GenerateKey(nil)
	signer, _ := gossh.NewSignerFromKey(private)
	s.allow(signer, auth.Identity{Name: "person"})
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(s.addr, ":")
	fixed := []string{"-F", "none", "-i", file, "-p", port, "-l", "person", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "HostName=" + host}
	return func(args ...string) *exec.Cmd {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		t.Cleanup(cancel)
		return exec.CommandContext(ctx, program, append(append(fixed, "-o", "LogLevel=ERROR"), args...)...)
	}
}

func runCommand(cmd *exec.Cmd) result {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return result{out.String(), errs.String(), exit.ExitCode()}
	case err != nil:
		return result{out.String(), err.Error(), -1}
	}
	return result{out.String(), errs.String(), 0}
}

func TestOpenSSH(t *testing.T) {
	s := serve(t, chatty)
	ssh := openSSH(t, s)
	for _, c := range []struct {
		name string
		args []string
		in   string
		want result
	}{
		{"exec", []string{"wipe", "both"}, "", result{"out\nsecond\r\n", "err\n", 3}},
		{"exec -t", []string{"-tt", "wipe", "both"}, "", result{"out\r\nsecond\r\n", "err\r\n", 3}},
		{"exec -n", []string{"-n", "wipe", "cat"}, "", result{"", "", 0}},
		{"exec, input", []string{"wipe", "cat"}, "all of it", result{"all of it", "", 0}},
		{"lines", []string{"-T", "wipe"}, "a\nb", result{"line a\nline b\n", "", 0}},
		{"lines that fail", []string{"-T", "wipe"}, "a\nfail\nb\n", result{"line a\n", "failed\n", 4}},
		{"sftp", []string{"-s", "wipe", "sftp"}, "", result{"", "subsystem request failed on channel 0\n", 255}},
		{"panic", []string{"wipe", "panic"}, "", result{"", "", 70}},
		{"terminal", []string{"-tt", "wipe"}, "", result{`terminal "" xterm {80 24}`, "", 0}},
		{"agent and X11", []string{"-A", "-X", "wipe", "exit", "5"}, "", result{"", "", 5}},
		{"rekeying", []string{"-o", "RekeyLimit=16K", "wipe", "cat"}, strings.Repeat("0123456789", 100_000), result{strings.Repeat("0123456789", 100_000), "", 0}},
	} {
		cmd := ssh(c.args...)
		cmd.Stdin = strings.NewReader(c.in)
		cmd.Env = append(os.Environ(), "TERM=xterm", "LC_ALL=C")
		got := runCommand(cmd)
		got.err = strings.ReplaceAll(got.err, "channel 0\r", "channel 0")
		if c.name == "agent and X11" {
			got.err = "" // what it says of a missing X server differs
		}
		if got != c.want {
			t.Errorf("%s: got %.200q; want %.200q", c.name, fmt.Sprint(got), fmt.Sprint(c.want))
		}
	}
}

func TestOpenSSHForwardingIsRefused(t *testing.T) {
	s := serve(t, chatty)
	ssh := openSSH(t, s)
	cmd := ssh("-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "wipe", "exit", "0")
	if got := runCommand(cmd); got.exit != 255 || !strings.Contains(got.err, "forwarding failed") {
		t.Errorf("-R: %+v", got)
	}
	cmd = ssh("-W", "127.0.0.1:1", "wipe")
	if got := runCommand(cmd); got.exit != 255 || !strings.Contains(got.err, "forwarding failed") {
		t.Errorf("-W: %+v", got)
	}
}

func TestOpenSSHMultiplexes(t *testing.T) {
	s := serve(t, chatty)
	ssh := openSSH(t, s)
	socket := filepath.Join(t.TempDir(), "m")
	master := ssh("-M", "-S", socket, "-N", "wipe")
	if err := master.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "master", func() bool { _, err := os.Stat(socket); return err == nil })
	waiting := ssh("-S", socket, "wipe", "wait")
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	if got := runCommand(ssh("-S", socket, "wipe", "exit", "5")); got.exit != 5 {
		t.Errorf("%+v", got)
	}
	waiting.Process.Kill()
	waiting.Wait()
	if got := runCommand(ssh("-S", socket, "wipe", "exit", "6")); got.exit != 6 {
		t.Errorf("%+v", got)
	}
	if n := s.connections(); n != 1 {
		t.Errorf("%d connections; want 1", n)
	}
	runCommand(ssh("-S", socket, "-O", "exit", "wipe"))
	master.Wait()
}

// The client's own words about what it was offered.
func TestOpenSSHSeesTheAlgorithms(t *testing.T) {
	s := serve(t, chatty)
	cmd := openSSH(t, s)("-vv", "wipe", "exit", "0")
	got := strings.ReplaceAll(runCommand(cmd).err, "\r", "")
	_, offer, _ := strings.Cut(got, "peer server KEXINIT proposal")
	for _, want := range []string{
		"KEX algorithms: mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,kex-strict-s-v00@openssh.com\n",
		"host key algorithms: ssh-ed25519\n",
		"ciphers ctos: chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr\n",
		"ciphers stoc: chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr\n",
		"MACs stoc: hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com\n",
		"compression stoc: none\n",
		"server-sig-algs=<ssh-ed25519,sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512>\n",
		"Authentications that can continue: publickey\n",
	} {
		if !strings.Contains(offer, want) {
			t.Errorf("not offered: %s", want)
		}
	}
	if !strings.Contains(got, "remote software version wiped") {
		t.Error("version")
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestOpenSSHStoppedClientIsCut(t *testing.T) {
	started, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	s := serve(t, func(ctx context.Context, s *shell.Session) int {
		started <- struct{}{}
		for ctx.Err() == nil {
			if _, err := io.WriteString(s.Out, strings.Repeat("status ", 1000)); err != nil {
				break
			}
		}
		<-ctx.Done()
		ended <- struct{}{}
		return 0
	}, func(c *Config) { c.Keepalive = 200 * time.Millisecond })
	idle := used()
	cmd := openSSH(t, s)("wipe", "status")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "start", started)
	cmd.Process.Signal(syscall.SIGSTOP)
	within(t, "end of the stopped client's session", ended)
	cmd.Process.Kill()
	cmd.Wait()
	s.backTo(t, usage{idle.goroutines, idle.files + 2}) // a watcher of os/exec may hold a file
}
