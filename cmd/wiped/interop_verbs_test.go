//go:build interop

package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// verbs are those of every story, of which the people and their keyboards have this client. What the story's own machinery asks
// the server in between (serial, await, eventual) goes through ssh as ever.
func (c *client) verbs() map[string]func(*testscript.TestScript, bool, []string) {
	all := maps.Clone(verbs())
	for _, name := range []string{"admin", "operator", "viewer", "stranger"} {
		all[name] = func(ts *testscript.TestScript, _ bool, args []string) { c.work(ts, name, args) }
	}
	all["as"] = func(ts *testscript.TestScript, _ bool, args []string) { c.work(ts, args[0], args[1:]) }
	all["typist"], all["keys"] = c.typist, cmdKeyboard
	all["trust"], all["holder"], all["chatter"] = cmdTrust, cmdHolder, cmdChatter
	return all
}

// work: PERSON [-exit N | -refused] [-lines FILE] [-tty] WORD... -refused means that the client ends with an error of its own, and
// has nothing of the server's to show.
func (c *client) work(ts *testscript.TestScript, name string, args []string) {
	want, refused, tty, lines := 0, false, false, ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-exit":
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			want, args = n, args[1:]
		case "-lines":
			lines, args = ts.MkAbs(args[1]), args[1:]
		case "-refused":
			refused = true
		case "-tty":
			tty = true
		default:
			ts.Fatalf("unknown option %s", args[0])
		}
		args = args[1:]
	}
	cmd := c.login(ts, name, tty, strings.Join(args, " "))
	switch {
	case tty && c.pty: // which has a terminal to make raw, as a person's would be
		desk, line, err := openTerminal()
		ts.Check(err)
		defer desk.Close()
		defer line.Close()
		cmd.Stdin = line
	case lines != "":
		f, err := os.Open(lines)
		ts.Check(err)
		defer f.Close()
		cmd.Stdin = f
	}
	out, errOut := &lockedBuffer{}, &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, errOut
	ts.Check(cmd.Start())
	b := &inBackground{cmd, out, errOut, make(chan struct{})}
	go func() { _ = cmd.Wait(); close(b.gone) }()
	c.quieten(b)
	if !refused {
		b.end(ts, want)
		return
	}
	if cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		ts.Fatalf("%v does not end", cmd.Args)
	}
	if code := cmd.ProcessState.ExitCode(); code == 0 || out.String() != "" {
		ts.Fatalf("%v was let in: exit code %d\n%s\n%s", cmd.Args, code, out, errOut)
	}
}

// quieten waits for a client and takes what it says of itself from its standard error.
func (c *client) quieten(b *inBackground) {
	select {
	case <-b.gone:
	case <-time.After(patience):
		return // who waits for it next says so
	}
	if c.says != nil {
		text := c.says.ReplaceAllString(b.err.String(), "")
		b.err = &lockedBuffer{}
		_, _ = b.err.Write([]byte(text))
	}
}

// login prepares the client for a person, who finds all that is theirs in the story's directory.
func (c *client) login(ts *testscript.TestScript, name string, tty bool, line string) *exec.Cmd {
	l := login{ts.Getenv("WORK"), ts.Getenv("PORT"), name, ts.Getenv("TRUST")}
	if l.trust == "" {
		l.trust = "station"
	}
	ts.Check(l.learn())
	cmd, err := c.command(l, tty, line)
	ts.Check(err)
	cmd.Dir = l.work
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SSH_AUTH_SOCK=") }),
		"HOME="+l.work, "TERM=xterm", "ANSIBLE_SSH_CONTROL_PATH_DIR="+filepath.Join(l.work, l.who, l.trust)) // else a key shares another's connection
	return cmd
}

// learn writes down the server's host keys of the type that is trusted: station is all of them, stranger another one.
func (l login) learn() error {
	if _, err := os.Stat(l.known()); err == nil {
		return nil
	}
	pattern := map[string]string{"station": "state/hostkeys/ssh_host_*.pub", "stranger": "keys/stranger.pub"}[l.trust]
	if pattern == "" {
		pattern = "state/hostkeys/ssh_host_" + l.trust + "_key.pub"
	}
	files, err := filepath.Glob(filepath.Join(l.work, pattern))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("there is no %s", pattern)
	}
	var known strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		words := strings.Fields(string(text))
		for _, host := range []string{"[127.0.0.1]:" + l.port, "127.0.0.1"} { // dbclient knows no ports there
			fmt.Fprintf(&known, "%s %s %s\n", host, words[0], words[1])
		}
	}
	if err != nil {
		return err
	}
	return os.WriteFile(l.known(), []byte(known.String()), 0o600)
}

// cmdTrust: trust ed25519|rsa|stranger has the clients know the server by that key only.
func cmdTrust(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv("TRUST", args[0]) }

// cmdHolder: holder TYPE makes a key of that type, in the format that every client's own programs can read, and lets it in.
func cmdHolder(ts *testscript.TestScript, _ bool, args []string) {
	file := filepath.Join(ts.Getenv("WORK"), "keys", args[0])
	out, err := exec.Command("ssh-keygen", "-q", "-t", args[0], "-N", "", "-C", args[0]+"@bench", "-f", file).CombinedOutput()
	if err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(file + ".pub")
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs("state/authorized_keys"), os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer f.Close()
	_, err = f.Write(line)
	ts.Check(err)
}

// cmdChatter: chatter FILE SIZE writes messages as if they had been left over years, and beside it, as .want, what `messages` makes
// of them.
func cmdChatter(ts *testscript.TestScript, _ bool, args []string) {
	size, err := parseSize(args[1])
	ts.Check(err)
	var file, want strings.Builder
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for n := 0; int64(file.Len()) < size; n++ {
		moment := at.Add(time.Duration(n) * time.Minute).Format("2006-01-02T15:04:05.000000Z")
		text := fmt.Sprintf("message %d: %s", n, strings.Repeat(string(rune('a'+n%26)), n%200))
		fmt.Fprintf(&file, "%s\toperator@bench\t%s\n", moment, text)
		fmt.Fprintf(&want, "%s  operator@bench  %s\n", moment, text)
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(path, []byte(file.String()), 0o600))
	ts.Check(os.WriteFile(strings.TrimSuffix(path, ".txt")+".want", []byte(want.String()), 0o600))
}

// typist: typist NAME PERSON [WORD...] sits down at a terminal, as ever; `keys` and `leave` go on from there.
func (c *client) typist(ts *testscript.TestScript, _ bool, args []string) {
	cmd := c.login(ts, args[1], true, strings.Join(args[2:], " "))
	out, errOut := &lockedBuffer{}, &lockedBuffer{}
	b := &inBackground{cmd, out, errOut, make(chan struct{})}
	st := stationOf(ts)
	st.jobs[args[0]] = b
	if !c.pty {
		in, err := cmd.StdinPipe()
		ts.Check(err)
		cmd.Stdout, cmd.Stderr = out, errOut
		keyboards.Store(keyboard{st, args[0]}, in)
		ts.Check(cmd.Start())
		go func() { _ = cmd.Wait(); close(b.gone) }()
	} else {
		desk, line, err := openTerminal()
		ts.Check(err)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = line, line, line
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		keyboards.Store(keyboard{st, args[0]}, desk)
		ts.Check(cmd.Start())
		_ = line.Close()
		read := make(chan struct{})
		go func() { _, _ = desk.WriteTo(out); close(read) }()
		go func() { _ = cmd.Wait(); <-read; close(b.gone); _ = desk.Close() }()
	}
	ts.Defer(func() { _ = cmd.Process.Kill(); <-b.gone })
}

// cmdKeyboard: keys NAME TEXT types, with ^A to ^Z for those keys, \t for the tabulator and \n for Enter.
func cmdKeyboard(ts *testscript.TestScript, neg bool, args []string) {
	text := control.ReplaceAllStringFunc(args[1], func(key string) string { return string(rune(key[1] - '@')) })
	cmdKeys(ts, neg, []string{args[0], strings.ReplaceAll(text, `\t`, "\t")})
}

var control = regexp.MustCompile(`\^[A-Z]`)

// openTerminal makes a terminal of 80 columns and 24 rows: the person's end of it, and the program's.
func openTerminal() (desk, line *os.File, err error) {
	if desk, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	fd := int(desk.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	return desk, line, err
}
