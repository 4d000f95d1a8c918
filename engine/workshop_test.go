package engine

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/engine/certificate"
	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
	"wiped/engine/journal"
)

// patience is how long a test waits for what must happen. It measures nothing.
const patience = 20 * time.Second

// workshop is an engine over fakes.
type workshop struct {
	*Engine
	t    *testing.T
	file string // its journal
}

// open starts an engine over the journal in file; a new one if file is empty.
func open(t *testing.T, file string, change func(*Config), fakes ...*drivetest.Fake) *workshop {
	t.Helper()
	if file == "" {
		file = filepath.Join(t.TempDir(), "journal.db")
	}
	j, err := journal.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Journal: j, Signer: signer, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Station: "bench", Software: "wiped test",
		Orders: filepath.Join(filepath.Dir(file), "orders"), Tick: time.Millisecond, CheckpointEvery: time.Millisecond}
	for _, f := range fakes {
		cfg.Sources = append(cfg.Sources, f)
	}
	if change != nil {
		change(&cfg)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{e, t, file}
	t.Cleanup(func() {
		for _, f := range fakes {
			f.Release()
		}
		if !e.stopping() {
			w.shutdown()
		}
		_ = j.Close()
	})
	return w
}

// shutdown is Shutdown, but a panic in it is this test's failure and not the end of all.
func (w *workshop) shutdown() {
	w.t.Helper()
	defer func() {
		if r := recover(); r != nil {
			w.t.Errorf("Shutdown panics: %v", r)
		}
	}()
	w.Shutdown()
}

// erase starts a job for each drive named and returns their ids.
func (w *workshop) erase(method, verify string, names ...string) (ids []uint64) {
	w.t.Helper()
	req := Request{Drives: names, Method: method, Verify: verify, Operator: journal.Operator{Name: "op", Fingerprint: "SHA256:x"}}
	for _, n := range names {
		req.Confirm = append(req.Confirm, "FAKE-"+n)
	}
	views, err := w.Erase(req)
	if err != nil {
		w.t.Fatalf("Erase: %v", err)
	}
	for _, v := range views {
		ids = append(ids, v.Job.ID)
	}
	return ids
}

// end waits until a job is at rest.
func (w *workshop) end(id uint64) View {
	w.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	watch, err := w.Watch([]uint64{id}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Close()
	for {
		if _, err := watch.Next(ctx); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			w.t.Fatalf("job %d does not end: %v", id, err)
		}
	}
	v, err := w.Job(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *workshop) record(id uint64) journal.Record {
	w.t.Helper()
	r, err := w.cfg.Journal.Job(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// copyJournal copies the journal while nothing is written to it: what a crash now would leave.
func (w *workshop) copyJournal() string {
	w.t.Helper()
	var before []byte
	for range 1000 {
		text, err := os.ReadFile(w.file)
		if err != nil {
			w.t.Fatal(err)
		}
		if bytes.Equal(text, before) {
			break
		}
		before = text
		time.Sleep(5 * time.Millisecond)
	}
	file := filepath.Join(w.t.TempDir(), "copy.db")
	if err := os.WriteFile(file, before, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// proper holds an ended job, its certificate and the medium against each other, by means that share no code with what
// wrote: guarantee 1.
func (w *workshop) proper(id uint64, f *drivetest.Fake) {
	w.t.Helper()
	v, r := w.end(id), w.record(id)
	statement, document, signature, err := w.Certificate(id)
	if err != nil {
		w.t.Fatalf("certificate of job %d, %s: %v", id, v.State, err)
	}
	if _, err := certificate.Verify(document, signature); err != nil {
		w.t.Errorf("job %d: its certificate: %v", id, err)
	}
	if statement.Result != string(v.State) || r.End.Result != string(v.State) || v.Last.Result != string(v.State) {
		w.t.Errorf("job %d is %s, its certificate says %s, its record %s, its last event %s", id, v.State, statement.Result, r.End.Result, v.Last.Result)
	}
	if heading, _, _ := bytes.Cut([]byte(statement.Text()), []byte("\n")); bytes.HasPrefix(heading, []byte("NOT ERASED")) != (v.State != Erased) {
		w.t.Errorf("job %d is %s, and its certificate begins with %s", id, v.State, heading)
	}
	if v.State != Erased && v.State != Unverified {
		return
	}
	last := r.Job.Method.Passes[len(r.Job.Method.Passes)-1]
	if got := f.Medium(); v.State == Erased && !bytes.Equal(got, expected(w.t, last.Pattern, len(got))) {
		w.t.Errorf("job %d is called erased, and the drive does not hold %s", id, last.Title)
	}
	for n, p := range statement.Passes {
		if p.Run == nil || p.Run.BytesWritten != r.Job.Drive.SizeBytes || !p.Run.Complete {
			w.t.Errorf("job %d is %s, and pass %d is on record as %+v", id, v.State, n+1, p.Run)
		}
	}
	if v.Last.DoneBytes != v.Last.TotalBytes {
		w.t.Errorf("job %d is %s at %d of %d bytes", id, v.State, v.Last.DoneBytes, v.Last.TotalBytes)
	}
}

// expected makes the bytes of a pattern as package wipe describes it, by the standard library alone.
func expected(t *testing.T, pattern []byte, size int) []byte {
	t.Helper()
	var p struct{ Bytes, Key hexBytes }
	if err := json.Unmarshal(pattern, &p); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, size)
	if len(p.Key) == 0 {
		for i := range out {
			out[i] = p.Bytes[i%len(p.Bytes)]
		}
		return out
	}
	block, err := aes.NewCipher(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, out)
	return out
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h = make([]byte, len(text)/2)
	for i := range *h {
		(*h)[i] = unhex(text[2*i])<<4 | unhex(text[2*i+1])
	}
	return nil
}

func unhex(c byte) byte { return byte(slices.Index([]byte("0123456789abcdef"), c)) }

// stream is every event of a job so far.
func (w *workshop) stream(id uint64) []Update {
	w.t.Helper()
	j, err := w.job(id)
	if err != nil {
		w.t.Fatal(err)
	}
	news, _ := j.history.after(0)
	return news
}

var _ drive.Source = (*drivetest.Fake)(nil)
