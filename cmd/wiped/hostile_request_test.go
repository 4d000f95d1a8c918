//go:build hostile

package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// Cases 20 to 24: what somebody asks of a session.

// resizes sends 100,000 of them, before and after a shell is there and while a command runs; the other sessions of the same
// connection are answered all the while.
func resizes(g *target) {
	client := g.dial("operator")
	flood := func(ch ssh.Channel, n int) {
		for i := range n {
			_, _ = ch.SendRequest("window-change", false, windowChange(uint32(i), uint32(i>>3)))
		}
	}
	var longest time.Duration
	answered := func(stop <-chan struct{}) {
		for {
			select {
			case <-stop:
				return
			default:
			}
			from := time.Now()
			if err := wantHello(execute(client, "hello")); err != nil {
				g.Error(err)
			}
			longest = max(longest, time.Since(from))
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { answered(stop); close(stopped) }()
	ch, requests := g.openChannel(client)
	if !g.request(ch, "pty-req", ptyRequest("xterm", 80, 24)) {
		g.Fatal("no terminal")
	}
	go io.Copy(io.Discard, ch)
	flood(ch, 30_000)
	if !g.request(ch, "shell", nil) {
		g.Fatal("no shell")
	}
	flood(ch, 40_000)
	command, commandRequests := g.openChannel(client)
	g.request(command, "pty-req", ptyRequest("xterm", 80, 24))
	go io.Copy(io.Discard, command)
	if !g.request(command, "exec", text("watch")) {
		g.Fatal("no exec")
	}
	flood(command, 30_000)
	_, _ = command.SendRequest("signal", false, text("INT"))
	if exit := exitStatus(commandRequests); exit != 130 && exit != 0 && exit != 4 { // the job may have ended just then
		g.Errorf("watch, resized and interrupted: exit %d", exit)
	}
	_, _ = io.WriteString(ch, "goodbye\r")
	if exit := exitStatus(requests); exit != 0 {
		g.Errorf("the resized shell: exit %d", exit)
	}
	close(stop)
	<-stopped
	g.outcome.note("on the same connection the longest answer took %.0f ms", ms(longest))
	if longest > longestAnswer+g.neighbour.longest(time.Now().Add(-time.Minute), time.Now()) {
		g.Errorf("another session of the connection waited %v", longest)
	}
}

// signals sends signals to commands that look at them and to ones that do not. They end the command or the session, never a job.
func signals(g *target) {
	client := g.dial("operator")
	job := g.long(client)
	for signal, want := range map[string]int{"INT": 130, "TERM": 7, "HUP": 7, "KILL": 7} {
		ch, requests := g.openChannel(client)
		go io.Copy(io.Discard, ch)
		if g.request(ch, "signal", text(signal)) {
			g.Errorf("%s was granted before there was a command", signal)
		}
		g.request(ch, "exec", text("watch "+job))
		if g.request(ch, "signal", text("USR1")) || g.request(ch, "signal", text("NONSENSE")) || g.request(ch, "signal", []byte{1}) {
			g.Error("an unknown signal was granted")
		}
		_, _ = ch.SendRequest("signal", false, text(signal))
		if exit := exitStatus(requests); exit != want {
			g.Errorf("watch after %s: exit %d; want %d", signal, exit, want)
		}
	}
	g.unfinished(client, job)
	ch, requests := g.openChannel(client) // nobody listens to these
	go io.Copy(io.Discard, ch)
	g.request(ch, "shell", nil)
	for range 50_000 {
		_, _ = ch.SendRequest("signal", false, text("INT"))
	}
	_, _ = io.WriteString(ch, "hello\ngoodbye\n")
	if exit := exitStatus(requests); exit != 0 {
		g.Errorf("after 50000 signals: exit %d", exit)
	}
	if err := wantHello(execute(client, "hello")); err != nil {
		g.Error(err)
	}
	g.cancel(client, job)
}

// long starts a job that does not end while a case runs, and returns its id.
func (g *target) long(client *ssh.Client) string {
	g.Helper()
	got := execute(client, "erase "+longDrive+" --method gutmann --confirm "+g.drives[longDrive])
	words := strings.Fields(got.out)
	if got.exit != 0 || len(words) < 2 {
		g.Fatalf("erase %s: %+v", longDrive, got)
	}
	return words[1]
}

func (g *target) unfinished(client *ssh.Client, job string) {
	g.Helper()
	if got := execute(client, "job "+job+" --json"); !strings.Contains(got.out, `"state":"running"`) && !strings.Contains(got.out, `"state":"queued"`) {
		g.Errorf("job %s is not running any more: %+v", job, got)
	}
}

func (g *target) cancel(client *ssh.Client, job string) {
	g.Helper()
	if got := execute(client, "cancel "+job); got.exit != 0 {
		g.Errorf("cancel: %+v", got)
	}
	if got := execute(client, "watch "+job); got.exit != 6 {
		g.Errorf("watch of the cancelled job: %+v", got)
	}
}

// environment sends variables that would change what a program does, of any names and in any number.
func environment(g *target) {
	client := g.dial("operator")
	ch, requests := g.openChannel(client)
	variable := func(name, value string) []byte { return append(text(name), text(value)...) }
	for _, name := range []string{"LD_PRELOAD", "SSH_ORIGINAL_COMMAND", "PATH", "GODEBUG", "GOTRACEBACK", "TERM", "LANG", "LC_ALL",
		"HOME", "TMPDIR", "a\nb", "a\x00b", "", "=",
		"NOTIFY_SOCKET", "WIPED_STATE"} {
		if g.request(ch, "env", variable(name, "/tmp/x")) {
			g.Errorf("env %q was granted", name)
		}
	}
	for n := range 10_000 {
		_, _ = ch.SendRequest("env", false, variable(fmt.Sprint("V", n), strings.Repeat("v", 2000)))
	}
	if !g.request(ch, "exec", text("hello")) {
		g.Error("exec refused")
	}
	out, _ := io.ReadAll(ch)
	if exit := exitStatus(requests); exit != 0 || string(out) != "Hello! How are you?\n" {
		g.Errorf("after all that: exit %d, %q", exit, out)
	}
	for _, id := range g.processes() {
		environ, _ := exec.Command("cat", fmt.Sprintf("/proc/%d/environ", id)).Output()
		if bytes.Contains(environ, []byte("/tmp/x")) {
			g.Error("a variable of the client's is in the server's environment")
		}
	}
	said, err := g.ssh("operator", "-o", "SetEnv=LD_PRELOAD=/tmp/x.so LC_ALL=xx", "op@127.0.0.1", "hello").Output()
	if err != nil || string(said) != "Hello! How are you?\n" {
		g.Errorf("ssh with SetEnv: %q, %v", said, err)
	}
}

// commandLines runs what is no command of the shell, or more than one: a usage error, and nothing of it is done.
func commandLines(g *target) {
	client := g.dial("operator")
	erase := "erase " + idleDrive + " --confirm " + g.drives[idleDrive]
	for _, line := range []string{
		"", " ", "   \t", erase + "; hello", "hello; " + erase, erase + " | cat", "hello && " + erase, "hello & " + erase, erase + " > x", "$(" + erase + ")",
		"`" + erase + "`", erase + " '", erase + ` "`, "hello\n" + erase, erase + "\nhello", erase + "\x00", "\x00" + erase, "'" + erase, "# " + erase, erase + " $HOME",
		erase + " ~", erase + " *", "\xff\xfe " + erase, "\u2028" + erase, "hello\r" + erase, erase + " --nonsense", erase + " --method", "erase",
		"hello " + strings.Repeat("x", 65<<10), strings.Repeat("x", 200<<10), "erase " + strings.Repeat("'", 30_001), "{" + erase + "}", "(" + erase + ")", "! " + erase,
		"sh -c '" + erase + "'", "/bin/sh", "../hello", "hello\x1b[31m", strings.Repeat(erase+" ", 5000),
	} {
		if got := execute(client, line); got.exit != 2 || got.out != "" || got.err == "" || control.MatchString(got.err) {
			g.Errorf("%.60q (%d bytes): exit %d, %.200q, %.200q; want a usage error", line, len(line), got.exit, got.out, got.err)
		}
	}
	if got := execute(client, "jobs --all --json"); strings.Contains(got.out, idleDrive) {
		g.Errorf("a job was made: %s", got.out)
	}
	c := g.in(g.source(2), "operator")
	theirs, err := c.open(0, 1<<20, 32<<10)
	if err != nil {
		g.Fatal(err)
	}
	for _, payload := range [][]byte{nil, {0, 0}, {0, 0, 0, 9, 'e', 'r'}, append(text("hello"), 0)} {
		if granted, err := c.ask(theirs, "exec", payload); granted || err != nil {
			g.Errorf("exec with payload %q: granted %v, %v", payload, granted, err)
		}
	}
	_ = c.Send(rawtest.ChannelRequest(theirs, "exec", true, text(strings.Repeat("x", 256<<10))))
	if !c.IsClosed() { // more than a packet holds
		g.Error("a command of 256 kB: the connection stays open")
	}
}

// twice asks a session for more than one thing, or for what there is not.
func twice(g *target) {
	client := g.dial("operator")
	job := g.long(client)
	for _, first := range []string{"shell", "exec"} {
		ch, requests := g.openChannel(client)
		out := make(chan string, 1)
		go func() { all, _ := io.ReadAll(ch); out <- string(all) }()
		if !g.request(ch, first, map[string][]byte{"shell": nil, "exec": text("watch " + job)}[first]) {
			g.Errorf("%s refused", first)
		}
		for name, payload := range map[string][]byte{"shell": nil, "exec": text("hello"), "pty-req": ptyRequest("xterm", 80, 24),
			"subsystem": text("sftp"), "window-change": windowChange(80, 24)} {
			if g.request(ch, name, payload) {
				g.Errorf("%s after %s was granted", name, first)
			}
		}
		_ = ch.CloseWrite()
		_, _ = ch.SendRequest("signal", false, text("INT"))
		exit, want := exitStatus(requests), map[string]int{"shell": 0, "exec": 130}[first]
		if said := <-out; exit != want || strings.Contains(said, "Hello!") || strings.Contains(said, "Connection with") != (first == "shell") {
			g.Errorf("%s: exit %d, want %d, %q", first, exit, want, said)
		}
	}
	g.cancel(client, job)
	ch, _ := g.openChannel(client)
	for name, payload := range map[string][]byte{"subsystem": text("sftp"), "window-change": windowChange(80, 24), "shell": []byte("x")} {
		if g.request(ch, name, payload) {
			g.Errorf("%s was granted", name)
		}
	}
	if !g.request(ch, "pty-req", ptyRequest("xterm", 80, 24)) || g.request(ch, "pty-req", ptyRequest("xterm", 90, 24)) {
		g.Error("a second terminal for one session, or none")
	}
	ch.Close()
	batch := g.dir + "/batch"
	g.write("batch", "ls\n")
	args := append([]string{"20", "sftp", "-b", batch, "-P", g.port}, clientArgs(g.dir, g.port, "operator")[4:]...)
	if out, err := exec.Command("timeout", append(args, "op@127.0.0.1")...).CombinedOutput(); err == nil {
		g.Errorf("sftp: %s", out)
	}
}
