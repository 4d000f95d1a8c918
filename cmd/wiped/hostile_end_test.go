//go:build hostile

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/shell/sshd/rawtest"
)

// Cases 34 to 37 and 39: the ends of the server, and of what it has.

// crashed ends the process that speaks SSH, as a panic in a library would: sessions are lost, jobs are not.
func crashed(g *target) {
	if len(g.processes()) < 2 {
		g.Fatal("SSH is spoken by the process that does all else")
	}
	g.rest() // their connections will be lost
	operator := g.dial("operator")
	job := g.long(operator)
	for range 3 {
		ch, requests := g.openChannel(g.dial("viewer"))
		go io.Copy(io.Discard, ch)
		g.request(ch, "exec", text("watch "+job))
		from := time.Now()
		if err := syscall.Kill(g.processes()[1], syscall.SIGKILL); err != nil {
			g.Fatal(err)
		}
		if exit := exitStatus(requests); exit == 0 {
			g.Error("a session that was lost says that all went well")
		}
		var client *ssh.Client
		if err := eventually(func() (err error) {
			client, err = g.dialAs(g.source(1), "op", g.keys["operator"])
			return err
		}); err != nil {
			g.Fatal(err)
		}
		g.outcome.note("a new login after %.0f ms", ms(time.Since(from)))
		g.unfinished(client, job)
		client.Close()
	}
	if got := execute(g.dial("operator"), "watch "+job); got.exit != 0 {
		g.Errorf("the job: %+v", got)
	}
	if err := g.witness.connect(); err != nil {
		g.Error(err)
	}
	if err := g.worker.connect(); err != nil {
		g.Error(err)
	}
	g.work()
}

// alone starts a server for a case that measures by itself.
func (g *target) alone(drives map[string]int64, flags []string, wrap ...string) {
	g.Helper()
	g.server = newServer(g.T, false, drives)
	if err := g.start(flags, wrap...); err != nil {
		g.Fatal(err)
	}
	if len(drives) > 0 {
		g.drives = g.serials()
	}
}

// shutdown stops the server under fifty sessions, among them some that do not read, and under connections that have not logged in.
func shutdown(g *target) {
	g.alone(map[string]int64{longDrive: 4 * longSize, idleDrive: idleSize}, nil)
	operator := g.dial("operator")
	job := g.long(operator)
	var ends []<-chan *ssh.Request
	for n := range 48 {
		if n%6 == 0 {
			operator = g.dial("operator")
		}
		ch, requests := g.openChannel(operator)
		switch n % 3 {
		case 0:
			g.request(ch, "exec", text("watch "+job))
		case 1:
			g.request(ch, "shell", nil)
		case 2:
			g.request(ch, "pty-req", ptyRequest("xterm", 80, 24))
			g.request(ch, "shell", nil)
		}
		go io.Copy(io.Discard, ch)
		ends = append(ends, requests)
	}
	for n := range 2 { // wedged: they take nothing and say nothing
		c := g.in(g.source(n), "operator")
		theirs, err := c.open(0, 0, 32<<10)
		if err != nil {
			g.Fatal(err)
		}
		_ = c.Send(rawtest.ChannelRequest(theirs, "exec", false, text("watch "+job)))
	}
	for n := range 50 {
		g.knock(g.source(5 + n))
	}
	g.unfinished(operator, job)
	codes := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, requests := range ends {
		all.Go(func() {
			exit := exitStatus(requests)
			mu.Lock()
			defer mu.Unlock()
			codes[exit]++
		})
	}
	from := time.Now()
	if code := g.end(syscall.SIGTERM); code != 0 {
		g.Errorf("the server ended with %d", code)
	}
	took := time.Since(from)
	all.Wait()
	g.outcome.Seconds = took.Seconds()
	g.outcome.note("ended %.1f s after SIGTERM; exit codes of the sessions: %v", took.Seconds(), codes)
	if codes[7] != len(ends) {
		g.Errorf("exit codes of %d sessions: %v; want 7 for each", len(ends), codes)
	}
	if slack := g.neighbour.longest(from, time.Now()); took > 30*time.Second+slack {
		g.Errorf("the end took %v", took)
	}
	if err := g.start(nil); err != nil {
		g.Fatal(err)
	}
	operator = g.dial("operator")
	if got := execute(operator, "job "+job+" --json"); !strings.Contains(got.out, `"state":"interrupted"`) {
		g.Errorf("the job after the restart: %+v", got)
	}
	if got := execute(operator, "resume "+job+" --confirm "+g.drives[longDrive]); got.exit != 0 {
		g.Errorf("resume: %+v", got)
	}
	g.cancel(operator, job)
	g.untouched(idleDrive)
}

// hostKeyFiles starts servers with host keys that are missing, damaged or open to others.
func hostKeyFiles(g *target) {
	own := hostKeys
	hostKeys = ""
	g.alone(nil, nil)
	hostKeys = own
	file := filepath.Join(g.dir, "state/hostkeys/ssh_host_ed25519_key")
	good, err := os.ReadFile(file)
	info, statErr := os.Stat(file)
	if err != nil || statErr != nil || info.Mode().Perm() != 0o600 {
		g.Fatalf("the key that was made: %v %v %v", err, statErr, info.Mode())
	}
	c := g.in(g.source(1), "operator")
	for _, payload := range []string{"", "\xff\xff\xff\xfe", string(text("rubbish")), string(text(string(newPublicKey().Marshal()))),
		strings.Repeat("\x00\x00\x00\x01x", 10_000)} {
		_ = c.Send(globalRequest("hostkeys-prove-00@openssh.com", true, []byte(payload)...))
		if answer, err := c.Expect(rawtest.MsgGlobalSuccess, rawtest.MsgGlobalFailure); err != nil || answer[0] != rawtest.MsgGlobalFailure {
			g.Errorf("a proof for %.20q: %.20q, %v", payload, answer, err)
		}
	}
	c.Close()
	g.end(syscall.SIGTERM)
	for name, break_ := range map[string]func(){
		"truncated": func() { g.write("state/hostkeys/ssh_host_ed25519_key", string(good[:100])) },
		"empty":     func() { g.write("state/hostkeys/ssh_host_ed25519_key", "") },
		"changed": func() {
			g.write("state/hostkeys/ssh_host_ed25519_key", strings.Replace(string(good), "AAAA", "AAAB", 1))
		},
		"0644": func() { _ = os.Chmod(file, 0o644) },
		"0660": func() { _ = os.Chmod(file, 0o660) },
	} {
		break_()
		if err := g.start(nil); err == nil {
			g.Errorf("the server started with a host key that is %s", name)
			g.end(syscall.SIGKILL)
		} else if g.cmd.ProcessState == nil || g.cmd.ProcessState.ExitCode() != 1 {
			g.Errorf("%s: %v", name, err)
		}
		if text, _ := os.ReadFile(file); name == "empty" && len(text) > 0 {
			g.Error("a damaged host key was replaced")
		}
		_ = os.Chmod(file, 0o600)
		g.write("state/hostkeys/ssh_host_ed25519_key", string(good))
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		g.Fatal(err)
	}
	if err := g.start(nil); err != nil {
		g.Fatal(err)
	}
	if again, _ := os.ReadFile(file); len(again) == 0 || string(again) == string(good) {
		g.Error("no new host key was made")
	}
}

// descriptors gives the server 64 of them and wants 300: some stay for those who have logged in, and it does not spin.
func descriptors(g *target) {
	g.alone(map[string]int64{longDrive: longSize, idleDrive: idleSize}, []string{"--login-grace", "25s"}, "prlimit", "--nofile=64:64")
	operator, o := g.dial("operator"), g.outcome
	before := g.used()
	o.Descriptors, o.ResidentBefore, o.AnonymousBefore = before.descriptors, before.resident, before.anonymous
	job := g.long(operator)
	if err := eventually(func() error {
		if got := execute(operator, "job "+job+" --json"); !strings.Contains(got.out, `"pass":1,`) {
			return fmt.Errorf("the job has not begun: %s", got.out)
		}
		return nil
	}); err != nil {
		g.Fatal(err)
	}
	held := g.hold(300, func(n int) string { return g.source(1 + n%10) })
	most := 0
	for _, id := range g.processes() {
		open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", id))
		most = max(most, len(open))
	}
	o.DescriptorsPeak = g.used().descriptors
	if most >= 64 || held >= 300 {
		g.Errorf("nothing is kept for those who have logged in: %d of 300 connections held, %d descriptors", held, most)
	}
	var longest time.Duration
	for range 50 {
		from := time.Now()
		if err := wantHello(execute(operator, "hello")); err != nil {
			g.Errorf("connections that have not logged in keep a session from starting: %v", err)
			break
		}
		longest = max(longest, time.Since(from))
	}
	o.Answer, o.Answers = ms(longest), 50
	g.wantLog(`msg="job ended" job=` + job + ` drive=` + longDrive)
	spin := g.idleCPU()
	got := execute(operator, "erase "+longDrive+" --wait --method random --confirm "+g.drives[longDrive])
	o.note("%d connections held, %.1f %% of a processor without jobs; a job that is started now: exit %d %s", held, 100*spin, got.exit, strings.TrimSpace(got.err))
	if spin > 0.2 {
		g.Errorf("out of descriptors the server takes %.0f %% of a processor", 100*spin)
	}
	if got.exit != 0 {
		g.Errorf("connections that have not logged in keep a job from starting: %+v", got)
	}
	g.leave()
	if err := eventually(func() error {
		client, err := g.dialAs(g.source(100), "op", g.keys["viewer"])
		if err != nil {
			return err
		}
		defer client.Close()
		if got := execute(client, "watch "+job); got.exit != 0 {
			return fmt.Errorf("the job that ran: %+v", got)
		}
		return wantHello(execute(client, "hello"))
	}); err != nil {
		g.Errorf("after the flood: %v", err)
	}
	g.settled(func(u holding) error {
		o.DescriptorsAfter, o.ResidentAfter, o.AnonymousAfter = u.descriptors, u.resident, u.anonymous
		if u.descriptors > before.descriptors || u.anonymous > before.anonymous+mostKept {
			return fmt.Errorf("%d descriptors, before it %d; %d kB of memory, before it %d", u.descriptors, before.descriptors,
				u.anonymous>>10, before.anonymous>>10)
		}
		return nil
	})
	g.untouched(idleDrive)
	g.judgeLog(hostile{})
}

// soak connects, logs in, runs a command and leaves, over and over, with the race detector looking on: as often as it fits into soakTime.
// What the row says is what was done. The detector keeps something of each page and each goroutine that it sees for the first time, so
// that what the server must return to is what it held after the first connections, with an allowance for each.
func soak(g *target) {
	end, from := time.Now().Add(soakTime), time.Now()
	warm, failed := g.comeAndGo(soakWarm, end)
	g.rest()
	g.settled(func(u holding) error { g.baseline = u; return nil })
	g.work()
	g.outcome.AnonymousBefore = g.baseline.anonymous
	more, alsoFailed := g.comeAndGo(1<<30, end)
	g.mayKeep = int64(max(leastSoak, more) * raceKeeps)
	n := warm + more
	if n < leastSoak {
		g.Errorf("only %d connections in %v: this says nothing", n, soakTime)
	}
	g.outcome.note("%d connections with login and exec, %.0f a second, %d failed, under the race detector; memory is held against that after %d",
		n, float64(n)/time.Since(from).Seconds(), failed+alsoFailed, warm)
}

const (
	soakTime  = 3 * time.Minute
	soakWarm  = 1000
	leastSoak = 2000
	// raceKeeps is in bytes a connection. Beside each 8 bytes the detector has 16 of shadow and 4 of its own, which stay when the bytes are
	// given back, so that a leak of 5 kB a connection is found; make test-load finds less, without the detector.
	raceKeeps = 16 << 10
)

// comeAndGo makes connections, eight at a time, until they were so many or the time is over.
func (g *target) comeAndGo(most int, end time.Time) (done, failed int) {
	var asked, went, wrong atomic.Int64
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for time.Now().Before(end) && asked.Add(1) <= int64(most) {
				client, err := g.dialWith(g.source(n), &ssh.ClientConfig{User: "op", Auth: []ssh.AuthMethod{ssh.PublicKeys(g.keys["viewer"])},
					Config: ssh.Config{KeyExchanges: []string{"curve25519-sha256"}}})
				if err == nil {
					err = wantHello(execute(client, "hello"))
					client.Close()
				}
				if err == nil {
					went.Add(1)
				} else if wrong.Add(1) < 4 {
					g.Error(err)
				}
			}
		})
	}
	all.Wait()
	return int(went.Load()), int(wrong.Load())
}
