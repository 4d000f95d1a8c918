package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// bench is a server of its own for a test in Go.
type bench struct {
	t      *testing.T
	dir    string
	signer ssh.Signer
	cmd    *exec.Cmd
	addr   string
	images []string
}

func newBench(t *testing.T, size int, images ...string) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	for _, name := range images {
		file := filepath.Join(b.dir, name)
		if err := os.WriteFile(file, bytes.Repeat([]byte("OLD CONTENT "), size/12+1)[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		b.images = append(b.images, "--image", file)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.signer, err = ssh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(b.dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("%s robot@ci\n", bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
	if err := os.WriteFile(filepath.Join(state, "authorized_keys"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	return b
}

func (b *bench) start() {
	b.t.Helper()
	log, err := os.OpenFile(filepath.Join(b.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd = exec.Command("wiped", append([]string{"serve", "--listen", "127.0.0.1:0", "--state", filepath.Join(b.dir, "state"), "--drives", "none"}, b.images...)...)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	cmd := b.cmd
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if err := eventually(func() error {
		port := listening(log.Name(), from)
		if port == "" {
			return fmt.Errorf("the server does not listen")
		}
		b.addr = "127.0.0.1:" + port
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
}

// slow makes an image slow, see cmdSlow; times < 0: fast again.
func (b *bench) slow(image string, times int) {
	b.t.Helper()
	file := filepath.Join(b.dir, image)
	err := slow(file, max(0, times))
	if times < 0 {
		err = fast(file)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) end(sig syscall.Signal) {
	_ = b.cmd.Process.Signal(sig)
	_ = b.cmd.Wait()
}

// robot is a program that keeps one connection in lines mode open.
type robot struct {
	t    *testing.T
	conn net.Conn
	in   io.WriteCloser

	mu       sync.Mutex
	out, err []string // lines
}

func (b *bench) connect() *robot {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	c, channels, requests, err := ssh.NewClientConn(conn, b.addr, &ssh.ClientConfig{User: "robot", Auth: []ssh.AuthMethod{ssh.PublicKeys(b.signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := ssh.NewClient(c, channels, requests).NewSession()
	if err != nil {
		b.t.Fatal(err)
	}
	r := &robot{t: b.t, conn: conn}
	out, _ := s.StdoutPipe()
	errOut, _ := s.StderrPipe()
	if r.in, err = s.StdinPipe(); err != nil {
		b.t.Fatal(err)
	}
	if err := s.Shell(); err != nil {
		b.t.Fatal(err)
	}
	go r.collect(out, &r.out)
	go r.collect(errOut, &r.err)
	b.t.Cleanup(func() { _ = conn.Close() })
	return r
}

func (r *robot) collect(from io.Reader, to *[]string) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		r.mu.Lock()
		*to = append(*to, lines.Text())
		r.mu.Unlock()
	}
}

func (r *robot) say(lines ...string) {
	r.t.Helper()
	if _, err := io.WriteString(r.in, strings.Join(lines, "\n")+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

func (r *robot) heard() (out, err []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.out), slices.Clone(r.err)
}

func (r *robot) until(pattern string) {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	if err := eventually(func() error {
		out, errOut := r.heard()
		if !slices.ContainsFunc(append(out, errOut...), re.MatchString) {
			return fmt.Errorf("no %q in\n%s\n%s", pattern, strings.Join(out, "\n"), strings.Join(errOut, "\n"))
		}
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
}

// serials asks for the drives.
func (b *bench) serials() map[string]string {
	b.t.Helper()
	r := b.connect()
	defer r.conn.Close()
	r.say("drives --json")
	r.until(`^\[\{`)
	out, _ := r.heard()
	var drives []struct{ Name, Serial string }
	if err := json.Unmarshal([]byte(out[len(out)-1]), &drives); err != nil {
		b.t.Fatal(err)
	}
	found := map[string]string{}
	for _, d := range drives {
		found[d.Name] = d.Serial
	}
	return found
}

// TestRobot is a program that keeps its connection: status lines come between the outputs of its commands and never
// inside one, mistakes do not end it; cut off, it goes on where it was, over a restart of the server too.
func TestRobot(t *testing.T) {
	t.Parallel()
	b := newBench(t, 32<<20, "a.img")
	b.slow("a.img", 4)
	serial := b.serials()["a.img"]
	r := b.connect()
	r.say("methods", "hello")
	r.until("Hello! How are you")
	methods, _ := r.heard()
	methods = methods[1 : len(methods)-1]
	r = b.connect()
	r.say("on-error continue", "nonsense", "watch 9", "hello", "erase a.img --confirm "+serial+" --method gutmann")
	r.until(`^job 1 started`)
	for range 30 {
		r.say("methods", "echo: no")
		time.Sleep(5 * time.Millisecond) // so that status lines come between them, not only after them
	}
	r.say("whoami")
	r.until(`pass 5/36`)
	r.until(`^role   operator$`)
	_ = r.conn.Close() // cut off without a word
	out, errOut := r.heard()
	checkTalk(t, out, methods)
	if len(errOut) < 2 || !strings.HasPrefix(errOut[0], "error 2: nonsense") || !strings.HasPrefix(errOut[1], "error 4: ") {
		t.Errorf("stderr begins with %q", errOut[:min(3, len(errOut))])
	}

	b.slow("a.img", 5)
	events := b.watch(t, 0, `"pass":6,"passes":36`)
	b.end(syscall.SIGKILL)
	b.start()
	events = append(events, b.watch(t, seqOf(t, events), `"result":"interrupted"`)...)
	b.slow("a.img", 15) // what was written is read once, and passes 6 to 19 are written
	r = b.connect()
	r.say("resume 1 --confirm " + serial)
	r.until("^job 1 resumed")
	_ = r.conn.Close()
	events = append(events, b.watch(t, seqOf(t, events), `"pass":20,"passes":36`)...)
	b.end(syscall.SIGTERM)
	b.slow("a.img", -1)
	b.start()
	r = b.connect()
	r.say("resume 1 --confirm " + serial)
	r.until("^job 1 resumed")
	events = append(events, b.watch(t, seqOf(t, events), `"result":"erased"`)...)

	changes := map[string]int{}
	seq := int64(0)
	for _, line := range events {
		e, err := parseEvent(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		n, _ := e["seq"].(json.Number).Int64()
		if n <= seq {
			t.Fatalf("seq %d after %d", n, seq)
		}
		seq = n
		changes[fmt.Sprint(e["state"], " ", e["pass"])]++
	}
	for pass := 1; pass <= 35; pass++ {
		if changes[fmt.Sprint("running ", pass)] == 0 {
			t.Errorf("pass %d was never heard of", pass)
		}
	}
	if changes["verifying 36"] == 0 || changes["erased 36"] != 1 {
		t.Errorf("heard %v", changes)
	}
	interrupted := 0
	for what, n := range changes {
		if strings.HasPrefix(what, "interrupted") {
			interrupted += n
		}
	}
	if interrupted != 2 {
		t.Errorf("heard of %d interruptions, want 2", interrupted)
	}
	all := b.watch(t, 0, `"result":"erased"`)
	missing := 0
	for _, line := range all { // what is asked for again is what was heard
		if strings.Contains(line, `"bytes_per_second":null`) && !slices.Contains(events, line) {
			missing++
			t.Logf("not heard: %s", line)
		}
	}
	if missing > 0 {
		t.Errorf("%d changes of state were missed", missing)
	}
	if content, err := os.ReadFile(filepath.Join(b.dir, "a.img")); err != nil || bytes.Contains(content, []byte("OLD CONTENT")) {
		t.Errorf("the drive still holds what it held: %v", err)
	}
}

// checkTalk looks for the output of methods, which must stand there each time in one piece.
func checkTalk(t *testing.T, out, methods []string) {
	t.Helper()
	if out[0] != "Connection with the server established!" {
		t.Errorf("it begins with %q", out[0])
	}
	status, whole := 0, 0
	for n, line := range out {
		if strings.HasPrefix(line, "[job ") {
			status++
		}
		if line == methods[0] && n+len(methods) <= len(out) {
			if whole++; !slices.Equal(out[n:n+len(methods)], methods) {
				t.Errorf("the output of a command is not in one piece:\n%s", strings.Join(out[n:n+len(methods)], "\n"))
			}
		}
	}
	if status < 4 || whole < 5 {
		t.Errorf("%d status lines and %d outputs: this test sees nothing\n%s", status, whole, strings.Join(out, "\n"))
	}
}

// watch connects, watches job 1 from after a sequence number on until a line matches, and cuts the connection.
func (b *bench) watch(t *testing.T, since int64, until string) (events []string) {
	t.Helper()
	r := b.connect()
	defer r.conn.Close()
	r.say("on-error continue", fmt.Sprintf("watch 1 --since %d --json", since))
	r.until(until)
	out, _ := r.heard()
	for _, line := range out {
		if strings.HasPrefix(line, "{") {
			events = append(events, line)
		}
	}
	return events
}

func seqOf(t *testing.T, events []string) int64 {
	t.Helper()
	e, err := parseEvent(events[len(events)-1])
	if err != nil {
		t.Fatal(err)
	}
	n, _ := e["seq"].(json.Number).Int64()
	return n
}

// TestManyCut: clients that are cut off at any moment, half a line sent, neither stop a job nor start one.
func TestManyCut(t *testing.T) {
	t.Parallel()
	b := newBench(t, 32<<20, "a.img", "b.img")
	b.slow("a.img", 1)
	serials := b.serials()
	r := b.connect()
	r.say("erase a.img --method gutmann --confirm " + serials["a.img"])
	r.until("^job 1 started")
	_ = r.conn.Close()
	half := "erase b.img --method gutmann --confirm " + serials["b.img"]
	for n := range 12 {
		r := b.connect()
		if _, err := io.WriteString(r.in, half[:len(half)-n%2]); err != nil { // no line end
			t.Fatal(err)
		}
		time.Sleep(time.Duration(n) * time.Millisecond)
		_ = r.conn.Close()
	}
	b.slow("a.img", -1)
	b.watch(t, 0, `"result":"erased"`)
	if content, err := os.ReadFile(filepath.Join(b.dir, "b.img")); err != nil || !bytes.HasPrefix(content, []byte("OLD CONTENT")) {
		t.Errorf("half a line erased a drive: %v", err)
	}
}
