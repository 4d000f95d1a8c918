//go:build hostile

package main

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// Cases 29 and 30: one connection for much.

// rekeying changes keys all the time under a long output, and begins a change that it does not end.
func rekeying(g *target) {
	long := g.fill(50)
	for _, limit := range []string{"16K", "100K"} {
		out, err := g.ssh("viewer", "-o", "RekeyLimit="+limit, "op@127.0.0.1", "messages").Output()
		if err != nil || string(out) != long {
			g.Errorf("RekeyLimit=%s: %v, %d bytes of %d, or others", limit, err, len(out), len(long))
		}
	}
	client, err := g.dialWith(g.source(2), &ssh.ClientConfig{User: "op", Auth: []ssh.AuthMethod{ssh.PublicKeys(g.keys["viewer"])},
		Config: ssh.Config{RekeyThreshold: 100 << 10}})
	if err != nil {
		g.Fatal(err)
	}
	defer client.Close()
	if got := execute(client, "messages"); got.out != long || got.exit != 0 {
		g.Errorf("x/crypto with RekeyThreshold: exit %d, %d bytes of %d", got.exit, len(got.out), len(long))
	}
	for n := range 8 { // each begins a key exchange in the middle of 3 MB, reads nothing more and goes on asking
		c := g.in(g.source(3+n), "viewer")
		theirs, err := c.open(0, 1<<30, 32<<10)
		if err != nil {
			g.Fatal(err)
		}
		_ = c.Send(rawtest.ChannelRequest(theirs, "exec", false, text("messages")), c.KexInit())
		go func() {
			for range 2000 { // CVE-2025-22869: answers pile up behind the key exchange
				if c.Send(globalRequest("x", true, make([]byte, 1000)...)) != nil {
					return
				}
			}
		}()
	}
	time.Sleep(2 * time.Second)
}

// shared has several sessions on one connection of the stock client.
func shared(g *target) {
	socket := filepath.Join(g.dir, "m")
	master := g.ssh("operator", "-M", "-S", socket, "-N", "op@127.0.0.1")
	if err := master.Start(); err != nil {
		g.Fatal(err)
	}
	on := func(args ...string) *exec.Cmd {
		return g.ssh("operator", append([]string{"-S", socket, "op@127.0.0.1"}, args...)...)
	}
	if err := eventually(func() error { return on("hello").Run() }); err != nil {
		g.Fatal(err)
	}
	operator := g.dial("operator")
	job := g.long(operator)
	first, second := on("-T"), on("-T")
	for _, s := range []*exec.Cmd{first, second} {
		s.Args = append(s.Args[:len(s.Args)-1:len(s.Args)-1], "") // lines mode
		s.Args = s.Args[:len(s.Args)-1]
	}
	firstIn, _ := first.StdinPipe()
	secondIn, _ := second.StdinPipe()
	firstOut, secondOut := &lockedBuffer{}, &lockedBuffer{}
	first.Stdout, second.Stdout = firstOut, secondOut
	if err := first.Start(); err != nil {
		g.Fatal(err)
	}
	if err := second.Start(); err != nil {
		g.Fatal(err)
	}
	_, _ = io.WriteString(firstIn, "on-error continue\nnonsense\nhello\n")
	_, _ = io.WriteString(secondIn, "nonsense\nhello\n")
	_ = second.Wait()
	if exit := second.ProcessState.ExitCode(); exit != 2 || strings.Contains(secondOut.String(), "Hello!") {
		g.Errorf("on-error continue of one session works in another: exit %d, %s", exit, secondOut)
	}
	if strings.Contains(secondOut.String(), "[job ") {
		g.Error("a session shows the job of another")
	}
	watcher := on("watch " + job)
	if err := watcher.Start(); err != nil {
		g.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	_ = watcher.Process.Kill()
	_ = watcher.Wait()
	_, _ = io.WriteString(firstIn, "hello\ngoodbye\n")
	_ = first.Wait()
	if exit := first.ProcessState.ExitCode(); exit != 0 || strings.Count(firstOut.String(), "Hello!") != 2 {
		g.Errorf("the session that stayed: exit %d, %s", exit, firstOut)
	}
	if out, err := on("hello").Output(); err != nil || string(out) != "Hello! How are you?\n" {
		g.Errorf("the connection after it: %s, %v", out, err)
	}
	g.histories()
	_ = exec.Command("ssh", "-S", socket, "-O", "exit", "op@127.0.0.1").Run()
	_ = master.Wait()
	g.unfinished(operator, job)
	g.cancel(operator, job)
}

// histories: what is typed in one terminal is not to be had in another of the same connection.
func (g *target) histories() {
	client := g.dial("operator")
	var said [2]string
	var all sync.WaitGroup
	for n, keys := range []string{"write: secret-of-one\r", "\x1b[A\r\x1b[A\x1b[A\r"} {
		ch, requests := g.openChannel(client)
		g.request(ch, "pty-req", ptyRequest("xterm", 200, 24))
		g.request(ch, "shell", nil)
		_, _ = io.WriteString(ch, keys+"goodbye\r")
		all.Go(func() { out, _ := io.ReadAll(ch); said[n] = string(out) })
		if exit := exitStatus(requests); exit != 0 {
			g.Errorf("terminal %d: exit %d", n, exit)
		}
	}
	all.Wait()
	if !strings.Contains(said[0], "secret-of-one") || strings.Contains(said[1], "secret-of-one") {
		g.Errorf("history: one has %q, the other %q", said[0], said[1])
	}
}
