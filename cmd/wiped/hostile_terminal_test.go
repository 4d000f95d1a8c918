//go:build hostile

package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Cases 31 to 33: the terminal, what reaches it from outside, and what must not be taken for an answer.

// keyboardRubbish types what makes line editors spin, and looks at the processor time that is taken after it.
func keyboardRubbish(g *target) {
	g.rest() // so that only the terminals are left to take processor time
	defer func() { g.work(); time.Sleep(window) }()
	usual := g.idleCPU()
	for name, keys := range map[string]string{
		"a sequence without end": "\x1b[" + strings.Repeat("7", 300), "5 MB of anything": random(5 << 20),
		"lone ESC": "\x1b", "^C 1000 times": strings.Repeat("\x03", 1000),
		"4097 characters": strings.Repeat("x", 4097), "a paste without end": "\x1b[200~" + strings.Repeat("y", 10_000),
		"OSC without end": "\x1b]52;c;" + strings.Repeat("A", 100_000),
		"^D^C mixed":      strings.Repeat("\x03\x1a\x1c", 500), "half a character": "\xf0\x9f", "tabs": strings.Repeat("\t", 5000),
		"64 kB line": strings.Repeat("z", 70<<10) + "\r",
	} {
		client := g.dial("operator")
		ch, requests := g.openChannel(client)
		go ssh.DiscardRequests(requests)
		if !g.request(ch, "pty-req", ptyRequest("xterm", 80, 24)) || !g.request(ch, "shell", nil) {
			g.Fatal("no terminal")
		}
		go io.Copy(io.Discard, ch)
		_, _ = io.WriteString(ch, keys)
		g.calm(name, usual)
		_, _ = io.WriteString(ch, "\x03")
		client.Close()
		g.calm(name+", after the client has gone", usual)
	}
	if got := execute(g.dial("operator"), "jobs --all --json"); strings.Contains(got.out, idleDrive) {
		g.Errorf("rubbish made a job: %s", got.out)
	}
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return string(b)
}

const cpuWindow = 400 * time.Millisecond

// idleCPU is the part of a processor that the server takes while nothing happens.
func (g *target) idleCPU() float64 {
	before := g.used().cpu
	from := time.Now()
	time.Sleep(cpuWindow)
	return (g.used().cpu - before).Seconds() / time.Since(from).Seconds()
}

// calm waits until the server takes hardly any processor time: what was typed may take its time to be worked off, but has an end.
func (g *target) calm(after string, usual float64) {
	g.Helper()
	var now float64
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if now = g.idleCPU(); now < usual+0.01 {
			return
		}
	}
	g.Errorf("after %s the server takes %.1f %% of a processor, %.1f %% before", after, 100*now, 100*usual)
}

// poison is what must reach no terminal: a title, the clipboard, colours by C0 and C1, a line end, text that turns and hides.
const poison = "x\x1b]0;T\x07\x1b]52;c;QQ==\x07\x1b[31m\u009b31m\x9b31m\rY\nZ\u202ecod\u200b\u2066\x7f\x08end"

// escapes brings that in by every door and looks at every way out.
func escapes(g *target) {
	authority, person := newSigner(), newSigner()
	g.authorize(`cert-authority,role="admin" ` + keyLine(authority.PublicKey()) + " ca")
	g.authorize(`role="operator" ` + keyLine(person.PublicKey()) + " " + strings.ReplaceAll(poison, "\n", " "))
	boss := g.certified(authority, newSigner(), func(c *ssh.Certificate) { c.KeyId, c.ValidPrincipals = poison, []string{poison} })
	admin, err := g.dialAs(g.source(1), poison, boss)
	if err != nil {
		g.Fatalf("a certificate with any bytes in its id: %v", err)
	}
	defer admin.Close()
	operator, err := g.dialAs(g.source(2), poison, person)
	if err != nil {
		g.Fatalf("a key with any bytes in its comment: %v", err)
	}
	defer operator.Close()
	g.oddImage()
	drive := g.drives[longDrive]
	quoted := "'" + strings.ReplaceAll(poison, "\n", " ") + "'"
	erase := "erase " + drive + " --confirm " + drive + " --note " + quoted + " --wait"
	lines := []string{
		"write: " + strings.ReplaceAll(poison, "\n", " "), erase, erase + " --json", "drives", "drives --json", "drive " + drive, "drive " + drive + " --json",
		"jobs --all", "jobs --all --json",
		"whoami", "messages", "nonsense" + quoted, quoted, "help " + quoted, "erase " + quoted, "drive " + quoted, "methods " + quoted,
		"watch " + quoted, "job 1", "job 1 --json",
		"cancel " + quoted, "certificate 1", "erase " + idleDrive + " --method " + quoted, "write:", "echo " + quoted,
	}
	for id := range 4 {
		for _, format := range []string{"text", "json", "sig"} {
			lines = append(lines, fmt.Sprintf("certificate %d --format %s", id, format))
		}
	}
	lines = append(lines, "audit", "audit --json")
	for _, client := range []*ssh.Client{operator, admin} {
		for _, line := range lines {
			got := execute(client, line)
			if at := control.FindStringIndex(got.out + got.err); at != nil {
				g.Errorf("%.60q prints control characters: %.400q", line, (got.out + got.err)[max(0, at[0]-60):])
			}
		}
		g.poisonedTerminal(client, lines, "\x1b]", "\x1b[31m", "\u009b", "\x9b31m", "\x08end")
		g.poisonedTerminal(client, slices.DeleteFunc(slices.Clone(lines), control.MatchString), // which shows what others brought in, and no typing of it
			"\x1b]", "\x1b[31m", "\u009b", "\x9b31m", "\x08end", "\u202e", "\u200b", "\u2066")
	}
	if got := execute(admin, "audit"); !strings.Contains(got.out, `x\x1b]0;T`) && !strings.Contains(got.out, "x\\") {
		g.Errorf("the audit does not show what was escaped: %.500q", got.out)
	}
}

// oddImage: a file whose name cannot be typed is no drive, and the refusal shows it escaped.
func (g *target) oddImage() {
	s := newServer(g.T, false, nil)
	path := filepath.Join(s.dir, strings.NewReplacer("/", "", "\n", "").Replace(poison)+".img")
	if err := os.WriteFile(path, []byte(oldContent), 0o600); err != nil {
		g.Fatal(err)
	}
	s.images = append(s.images, "--image", path)
	if err := s.start(nil); err == nil {
		g.Error("a drive whose name holds control characters is presented")
	}
	if control.MatchString(s.log()) {
		g.Errorf("the refusal holds control characters: %q", s.log())
	}
}

// poisonedTerminal runs the lines at a terminal and looks for what is bad among what the editor itself sends.
func (g *target) poisonedTerminal(client *ssh.Client, lines []string, bad ...string) {
	ch, requests := g.openChannel(client)
	g.request(ch, "pty-req", ptyRequest("xterm", 300, 50))
	g.request(ch, "shell", nil)
	go func() {
		for _, line := range lines {
			_, _ = io.WriteString(ch, line+"\r")
			time.Sleep(10 * time.Millisecond)
		}
		_, _ = io.WriteString(ch, "\x03goodbye\r")
	}()
	out, _ := io.ReadAll(ch)
	exitStatus(requests)
	said := string(out)
	if !strings.Contains(said, "Noooo") {
		g.Errorf("the terminal was not left as it should: %q", tail(said, 300))
	}
	for _, bad := range bad {
		if at := strings.Index(said, bad); at >= 0 {
			g.Errorf("the terminal gets %q: %q", bad, said[max(0, at-100):min(len(said), at+100)])
		}
	}
}

// typeAhead answers a question before it is asked, and has twenty sessions erase one drive.
func typeAhead(g *target) {
	serial := g.drives[idleDrive]
	for name, keys := range map[string]string{
		"typed ahead": "erase " + idleDrive + "\r" + serial + "\r", "pasted": "\x1b[200~erase " + idleDrive + "\r" + serial + "\r\x1b[201~\r",
		"pasted line by line": "erase " + idleDrive + "\n" + serial + "\n" + serial + "\n", "half ahead": "erase " + idleDrive + "\r" + serial,
	} {
		client := g.dial("operator")
		ch, requests := g.openChannel(client)
		g.request(ch, "pty-req", ptyRequest("xterm", 200, 24))
		g.request(ch, "shell", nil)
		out := &lockedBuffer{}
		ended := make(chan struct{})
		go func() { _, _ = io.Copy(out, ch); close(ended) }()
		_, _ = io.WriteString(ch, keys)
		if err := eventually(func() error {
			if !strings.Contains(out.String(), "to go on: ") {
				return fmt.Errorf("%s: it was not asked: %q", name, out)
			}
			return nil
		}); err != nil {
			g.Error(err)
		}
		time.Sleep(300 * time.Millisecond)
		_, _ = io.WriteString(ch, "\x03\rgoodbye\r")
		exitStatus(requests)
		<-ended
		if got := execute(client, "jobs --all --json"); strings.Contains(got.out, idleDrive) {
			g.Errorf("%s: what was typed before the question was its answer: %q, %s", name, out, got.out)
		}
		client.Close()
	}
	g.untouched(idleDrive)
	var won, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := range 20 {
		client, err := g.dialAs(g.source(10+n), "op", g.keys["operator"])
		if err != nil {
			g.Fatal(err)
		}
		defer client.Close()
		all.Go(func() {
			got := execute(client, "erase "+longDrive+" --method gutmann --confirm "+g.drives[longDrive])
			mu.Lock()
			defer mu.Unlock()
			switch got.exit {
			case 0:
				won++
			case 3:
				refused++
			default:
				g.Errorf("%+v", got)
			}
		})
	}
	all.Wait()
	if won != 1 || refused != 19 {
		g.Errorf("of 20 sessions that erase one drive %d won and %d were refused", won, refused)
	}
}
