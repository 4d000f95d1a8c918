//go:build hostile

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"wiped/shell/sshd/rawtest"
)

// Cases 25 to 28: how sessions end, and clients that stop, stall or are cut off.

// exitCodes checks that an exit status comes for every end, before the close, and a long output whole.
func exitCodes(g *target) {
	operator, viewer := g.dial("operator"), g.dial("viewer")
	for line, want := range map[string]int{
		"hello": 0, "goodbye": 0, "nonsense": 2, "erase " + idleDrive: 3, "drive nosuch": 4, "watch 99999": 4, "audit": 5,
		"erase " + idleDrive + " --confirm wrong": 3, "cancel 99999": 4, "certificate 99999": 4,
	} {
		c := g.in(g.source(1), "operator")
		theirs, err := c.open(0, 1<<20, 32<<10)
		if err != nil {
			g.Fatal(err)
		}
		_ = c.Send(rawtest.ChannelRequest(theirs, "exec", false, text(line)))
		exit := -1
		for {
			packet, err := c.Expect(rawtest.MsgChannelRequest, rawtest.MsgChannelClose)
			if err != nil || packet[0] == rawtest.MsgChannelClose {
				break
			}
			if bytes.Contains(packet, []byte("exit-status")) {
				exit = int(packet[len(packet)-1])
			}
		}
		if exit != want {
			g.Errorf("%s: exit %d; want %d", line, exit, want)
		}
		c.Close()
	}
	if got := execute(viewer, "erase "+idleDrive+" --confirm "+g.drives[idleDrive]); got.exit != 5 {
		g.Errorf("erase as viewer: %+v", got)
	}
	job := g.long(operator)
	g.cancel(operator, job)
	long := g.fill(840)
	want := sha256.Sum256([]byte(long))
	for range 2 {
		out, err := g.ssh("viewer", "op@127.0.0.1", "messages").Output()
		if err != nil || sha256.Sum256(out) != want {
			g.Errorf("messages over ssh: %v, %d bytes of %d, or others", err, len(out), len(long))
		}
	}
	lines := strings.Split(strings.TrimSuffix(long, "\n"), "\n")
	for n, line := range lines {
		if !strings.HasSuffix(line, strings.Repeat(string(rune('a'+n%26)), 60_000)) {
			g.Fatalf("message %d is not what was sent: %.100q", n, line)
		}
	}
	if len(lines) != 840 {
		g.Errorf("%d messages came back of 840", len(lines))
	}
	g.outcome.note("%d bytes of output, three times, the same SHA-256", len(long))
}

// halfClosed says that there is no more input while a long command runs, and sends a script with a mistake in it.
func halfClosed(g *target) {
	erase := "erase " + longDrive + " --method gutmann --wait --confirm " + g.drives[longDrive]
	done := make(chan string, 1)
	go func() { // over x/crypto, the input half closed at once
		client := g.dial("operator")
		ch, requests := g.openChannel(client)
		out := make(chan string, 1)
		go func() { all, _ := io.ReadAll(ch); out <- string(all) }()
		g.request(ch, "exec", text(erase))
		_ = ch.CloseWrite()
		exit := exitStatus(requests)
		if said := <-out; exit != 0 || !strings.Contains(said, " erased: ") {
			done <- fmt.Sprintf("input half closed: exit %d, %s", exit, tail(said, 300))
		}
		close(done)
	}()
	if said, ok := <-done; ok {
		g.Error(said)
	}
	quick := strings.Replace(erase, "gutmann", "random", 1)
	for _, args := range [][]string{{"-n", "op@127.0.0.1", quick}, {"-T", "op@127.0.0.1", quick}} {
		if out, err := g.ssh("operator", args...).Output(); err != nil || !strings.Contains(string(out), " erased: ") {
			g.Errorf("ssh %s: %v, %s", args[0], err, out)
		}
	}
	script := g.ssh("operator", "-T", "op@127.0.0.1")
	script.Stdin = strings.NewReader("hello\nerase " + idleDrive + " --confirm wrong\nwrite: must not be\n" + strings.Replace(erase, longDrive, idleDrive, 1) + "\n")
	out, err := script.CombinedOutput()
	if exit := script.ProcessState.ExitCode(); exit != 3 || !strings.Contains(string(out), "Hello!") {
		g.Errorf("script: %v, %s", err, out)
	}
	if got := execute(g.dial("viewer"), "messages"); strings.Contains(got.out, "must not be") {
		g.Error("the script went on after its first failing line")
	}
}

// lost loses its clients in every way: killed, stopped, and cut off without a word. The jobs go on, and what the server had for
// the clients goes.
func lost(g *target) {
	operator := g.dial("operator")
	job := g.long(operator)
	start := func(port string) *exec.Cmd {
		cmd := exec.Command("ssh", clientArgs(g.dir, port, "operator", "op@127.0.0.1", "watch "+job)...)
		out := &lockedBuffer{}
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			g.Fatal(err)
		}
		g.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		if err := eventually(func() error {
			if !strings.Contains(out.String(), "[job ") {
				return fmt.Errorf("no status line")
			}
			return nil
		}); err != nil {
			g.Error(err)
		}
		return cmd
	}
	killed := start(g.port)
	_ = killed.Process.Kill()
	stopped := start(g.port)
	from := time.Now()
	_ = stopped.Process.Signal(syscall.SIGSTOP)
	hole := g.blackHole()
	defer hole.Close()
	cut := start(hole.port())
	hole.swallow()
	g.unfinished(operator, job)
	const gone = "client did not answer three keepalives"
	if err := eventually(func() error {
		if n := strings.Count(g.log(), gone); n < 2 {
			return fmt.Errorf("%d of 2 clients that do not answer were cut off", n)
		}
		return nil
	}); err != nil {
		g.Error(err)
	}
	took := time.Since(from)
	g.outcome.note("keepalive 1 s: the stopped and the cut off client were gone after %.1f s", took.Seconds())
	if most := 5*time.Second + g.neighbour.longest(from, time.Now()); took > most+2*time.Second {
		g.Errorf("clients that do not answer were cut off after %v; three intervals of 1 s were missed long before", took)
	}
	_ = stopped.Process.Signal(syscall.SIGCONT)
	_ = cut.Process.Kill()
	if got := execute(g.dial("viewer"), "watch "+job); got.exit != 0 || !strings.Contains(got.out, " erased: ") {
		g.Errorf("the job that was watched: %+v", got)
	}
}

var longJob = regexp.MustCompile(`"id":(\d+),[^}]*"` + regexp.QuoteMeta(longDrive) + `"`)

// stopped has clients that stand still while status lines are sent to them.
func stopped(g *target) {
	operator := g.dial("operator")
	raw := g.in(g.source(1), "operator") // takes 300 bytes and no more
	theirs, err := raw.open(0, 300, 32<<10)
	if err != nil {
		g.Fatal(err)
	}
	_ = raw.Send(rawtest.ChannelRequest(theirs, "shell", false, nil))
	line := "on-error continue\nerase " + longDrive + " --method gutmann --confirm " + g.drives[longDrive] + "\n"
	_ = raw.Send(append([]byte{rawtest.MsgChannelData, 0, 0, 0, byte(theirs)}, text(line)...))
	var job string
	if err := eventually(func() error {
		m := longJob.FindStringSubmatch(execute(operator, "jobs --json").out)
		if m == nil {
			return fmt.Errorf("the job was not started")
		}
		job = m[1]
		return nil
	}); err != nil {
		g.Fatal(err)
	}
	var clients []*exec.Cmd
	for range 8 {
		cmd := exec.Command("ssh", clientArgs(g.dir, g.port, "viewer", "op@127.0.0.1", "watch "+job+" --json")...)
		out := &lockedBuffer{}
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			g.Fatal(err)
		}
		g.Cleanup(func() { _ = cmd.Process.Kill() })
		if err := eventually(func() error {
			if out.String() == "" {
				return fmt.Errorf("no event")
			}
			return nil
		}); err != nil {
			g.Error(err)
		}
		_ = cmd.Process.Signal(syscall.SIGSTOP)
		clients = append(clients, cmd)
	}
	if got := execute(operator, "watch "+job); got.exit != 0 {
		g.Errorf("the job: %+v", got)
	}
	for _, cmd := range clients {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		if err := cmd.Wait(); err != nil || !strings.Contains(fmt.Sprint(cmd.Stdout), `"result":"erased"`) {
			g.Errorf("who stood still has not heard of the end: %v, %s", err, tail(fmt.Sprint(cmd.Stdout), 300))
		}
	}
	_ = raw.Send(windowAdjust(theirs, 1<<20), append([]byte{rawtest.MsgChannelData, 0, 0, 0, byte(theirs)}, text("goodbye\n")...))
	if said := raw.heard(); !strings.Contains(said, longDrive+" erased: ") || !strings.Contains(said, "Noooo") {
		g.Errorf("who took 300 bytes has not heard the rest: %s", tail(said, 500))
	}
	raw.Close()
	g.outcome.note("losing lines takes 256 of them unread; shell's own tests have that")
}
