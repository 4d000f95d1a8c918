//go:build interop

package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// client is a program that people log in with. What it has to do for a story is in its functions; a story that it has no means
// for is not in its list.
type client struct {
	name         string
	debian       string   // its package in Debian 12
	version      []string // asks for its version,
	versionIn    *regexp.Regexp
	versionFails bool // which it answers with an exit code other than 0
	stories      []string
	pty          bool           // in a terminal it needs a local one
	says         *regexp.Regexp // on stderr, of itself
	// command is how the holder of a key runs a line, or with an empty one works in a shell; tty asks for a terminal.
	command func(l login, tty bool, line string) (*exec.Cmd, error)
}

// login is whom a client logs in as, where, and what it knows of the server.
type login struct{ work, port, who, trust string }

func (l login) key() string    { return filepath.Join(l.work, "keys", l.who) }
func (l login) known() string  { return filepath.Join(l.work, "known_hosts_"+l.trust) }
func (l login) target() string { return "op@127.0.0.1" }

// stories are all there are, in the order of the table.
var stories = []string{"exec", "erase", "command", "lines", "terminal", "large", "hostkeys", "rsa", "keys", "fleet"}

// python3 is the one that Debian's packages are installed for.
const python3 = "/usr/bin/python3"

var someVersion = regexp.MustCompile(`\d+\.\d+[.\dp]*`)

var clients = []*client{
	{name: "OpenSSH", debian: "openssh-client", version: []string{"ssh", "-V"}, versionIn: regexp.MustCompile(`\d+\.\d+p\d+`),
		stories: without("fleet"), pty: true, command: openSSH},
	{name: "PuTTY plink", debian: "putty-tools", version: []string{"plink", "-V"}, versionIn: someVersion,
		stories: without("fleet"), pty: true, command: plink, says: regexp.MustCompile(`(?m)^Using username "op"\.\r?\n`)},
	{name: "dropbear dbclient", debian: "dropbear-bin", version: []string{"dbclient", "-V"}, versionIn: regexp.MustCompile(`\d{4}\.\d+`),
		stories: without("rsa", "fleet"), pty: true, command: dbclient}, // it takes the first type that it shares with the server
	{name: "paramiko", debian: "python3-paramiko", version: []string{python3, "-W", "ignore", "-c", "import paramiko; print(paramiko.__version__)"},
		versionIn: someVersion, stories: without("fleet"), command: python("with_paramiko.py")},
	{name: "asyncssh", debian: "python3-asyncssh", version: []string{python3, "-W", "ignore", "-c", "import asyncssh; print(asyncssh.__version__)"},
		versionIn: someVersion, stories: without("fleet"), command: python("with_asyncssh.py")},
	{name: "Ansible raw", debian: "ansible-core openssh-client", version: []string{"ansible", "--version"}, versionIn: someVersion,
		stories: without("lines", "terminal", "fleet"), command: python("with_ansible.py")}, // raw runs one command
	{name: "parallel-ssh", debian: "pssh openssh-client", version: []string{"parallel-ssh", "--version"}, versionIn: someVersion,
		stories: without("command", "terminal", "fleet"), command: python("with_pssh.py", "1")}, // it has no terminals
	{name: "parallel-ssh, three stations", debian: "pssh openssh-client", version: []string{"parallel-ssh", "--version"}, versionIn: someVersion,
		stories: []string{"fleet"}, command: python("with_pssh.py", "3")},
}

func without(names ...string) (rest []string) {
	for _, story := range stories {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+story+" ") {
			rest = append(rest, story)
		}
	}
	return rest
}

func words(program string, arguments []string, line string) *exec.Cmd {
	if line != "" {
		arguments = append(arguments, line)
	}
	return exec.Command(program, arguments...)
}

func openSSH(l login, tty bool, line string) (*exec.Cmd, error) {
	terminal := "-T"
	if tty {
		terminal = "-tt"
	}
	return words("ssh", []string{"-F", "none", "-p", l.port, "-i", l.key(), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + l.known(), "-o", "LogLevel=ERROR", terminal, l.target()}, line), nil
}

// plink has a format of keys of its own. It is told fingerprints of host keys, and prefers types of them in the order that a saved
// session says.
func plink(l login, tty bool, line string) (*exec.Cmd, error) {
	key, err := converted(l.key(), ".ppk", "puttygen", l.key(), "-O", "private", "-o", l.key()+".ppk")
	if err != nil {
		return nil, err
	}
	order := "ed25519,rsa,ecdsa,dsa,ed448,WARN"
	if l.trust == "rsa" {
		order = "rsa,ed25519,ecdsa,dsa,ed448,WARN"
	}
	session := filepath.Join(l.work, ".putty", "sessions", l.trust)
	if err := os.MkdirAll(filepath.Dir(session), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(session, []byte("HostKey="+order+"\n"), 0o600); err != nil {
		return nil, err
	}
	arguments := []string{"-load", l.trust, "-ssh", "-batch", "-noagent", "-P", l.port, "-i", key, "-T"}
	if tty {
		arguments[len(arguments)-1] = "-t"
	}
	known, err := os.ReadFile(l.known())
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(known)) {
		blob, err := base64.StdEncoding.DecodeString(strings.Fields(line)[2])
		if err != nil {
			return nil, err
		}
		hash := sha256.Sum256(blob)
		arguments = append(arguments, "-hostkey", "SHA256:"+base64.RawStdEncoding.EncodeToString(hash[:]))
	}
	return words("plink", append(arguments, l.target()), line), nil
}

// dbclient has a format of keys of its own, and reads ~/.ssh/known_hosts.
func dbclient(l login, tty bool, line string) (*exec.Cmd, error) {
	key, err := converted(l.key(), ".db", "dropbearconvert", "openssh", "dropbear", l.key(), l.key()+".db")
	if err != nil {
		return nil, err
	}
	known, err := os.ReadFile(l.known())
	if err == nil {
		err = os.MkdirAll(filepath.Join(l.work, ".ssh"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(l.work, ".ssh", "known_hosts"), known, 0o600)
	}
	terminal := "-T"
	if tty {
		terminal = "-t"
	}
	return words("dbclient", []string{"-p", l.port, "-i", key, terminal, l.target()}, line), err
}

// python is a client that one of the programs in testdata/interop works.
func python(program string, first ...string) func(login, bool, string) (*exec.Cmd, error) {
	return func(l login, tty bool, line string) (*exec.Cmd, error) {
		path, err := filepath.Abs(filepath.Join("testdata", "interop", program))
		arguments := append([]string{"-W", "ignore", path}, first...)
		if tty {
			arguments = append(arguments, "-t")
		}
		return words(python3, append(arguments, "127.0.0.1", l.port, "op", l.key(), l.known()), line), err
	}
}

// converted brings a key into another program's format, once.
func converted(key, suffix string, command ...string) (string, error) {
	if _, err := os.Stat(key + suffix); err == nil {
		return key + suffix, nil
	}
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("convert a key: %w: %s", err, out)
	}
	return key + suffix, nil
}
