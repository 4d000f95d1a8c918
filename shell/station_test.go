package shell

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/drive"
	"wiped/engine/drive/image"
	"wiped/engine/journal"
)

// station is a shell over a real engine, with image files of that many bytes as drives.
type station struct {
	*Shell
	t    testing.TB
	dir  string
	log  *output
	stop chan struct{}
	from string // where the next session comes from; empty: somewhere
}

func newStation(t testing.TB, sizes ...int64) *station {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for n, size := range sizes {
		path := filepath.Join(dir, string(rune('a'+n))+".img")
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	images, err1 := image.New(paths)
	j, err2 := journal.Open(filepath.Join(dir, "journal.db"))
	m, err3 := journal.OpenMessages(filepath.Join(dir, "messages.txt"))
	a, err4 := journal.OpenAudit(filepath.Join(dir, "audit.jsonl"))
	signer, err5 := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
	}
	st := &station{t: t, dir: dir, log: &output{}, stop: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(st.log, nil))
	e, err := engine.New(engine.Config{Sources: []drive.Source{images}, Journal: j, Signer: signer, Log: log, Station: "bench", Software: "wiped test"})
	if err != nil {
		t.Fatal(err)
	}
	st.Shell = New(Config{Engine: e, Messages: m, Audit: a, Log: log, Version: "wiped test", Stopping: st.stop})
	t.Cleanup(func() { _, _, _ = m.Close(), a.Close(), j.Close() })
	return st
}

// output is written by several goroutines.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// serve works one session to its end.
func (st *station) serve(mode Mode, role auth.Role, in io.Reader, command string) (out, errOut string, code int) {
	st.t.Helper()
	var stdout, stderr output
	s := &Session{ID: "s1", Who: auth.Identity{Name: "alice", Fingerprint: "SHA256:x", Role: role, KeyType: "ED25519"}, Login: "op", From: cmp.Or(st.from, "10.0.0.1:5"),
		Mode: mode, Command: command, Size: Size{80, 24}, In: in, Out: &stdout, Err: &stderr}
	if mode == Terminal {
		s.Err, s.Term = s.Out, "xterm"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ended := make(chan int, 1)
	go func() { ended <- st.Serve(ctx, s) }()
	select {
	case code = <-ended:
	case <-time.After(30 * time.Second):
		st.t.Fatalf("the session does not end; stdout %q, stderr %q", stdout.String(), stderr.String())
	}
	if ctx.Err() != nil {
		st.t.Errorf("the session ended only when its client was cut off; stdout %q, stderr %q", stdout.String(), stderr.String())
	}
	return stdout.String(), stderr.String(), code
}

func (st *station) exec(role auth.Role, command string) (out, errOut string, code int) {
	st.t.Helper()
	return st.serve(Exec, role, strings.NewReader(""), command)
}

func (st *station) lines(role auth.Role, text string) (out, errOut string, code int) {
	st.t.Helper()
	return st.serve(Lines, role, strings.NewReader(text), "")
}

func (st *station) audited() (entries []journal.Entry) {
	st.t.Helper()
	if err := st.Audit.Entries(func(e journal.Entry) error { entries = append(entries, e); return nil }); err != nil {
		st.t.Fatal(err)
	}
	return entries
}

func (st *station) saved() (texts []string) {
	st.t.Helper()
	if err := st.Messages.Each(func(m journal.Message) error { texts = append(texts, m.Text); return nil }); err != nil {
		st.t.Fatal(err)
	}
	return texts
}

// keys types at a terminal, part after part.
func (st *station) keys(parts ...string) (string, int) {
	r, w := io.Pipe()
	go func() {
		for _, p := range parts {
			time.Sleep(100 * time.Millisecond)
			if _, err := io.WriteString(w, p); err != nil {
				return
			}
		}
	}()
	defer r.Close()
	out, _, code := st.serve(Terminal, auth.Viewer, r, "")
	return out, code
}
