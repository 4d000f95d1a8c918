package shell

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
	"wiped/engine/journal"
)

// weekTicks is how many status lines TestWeek has a job give out: WIPED_WEEK_TICKS. A week of one a second are 604,800.
func weekTicks(t *testing.T) uint64 {
	text := os.Getenv("WIPED_WEEK_TICKS")
	if text == "" {
		return 1_000
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// weekTick is a second of the week. The engine's timer drops ticks that it has no time for, so that the week takes longer than this
// says, and has its status lines all the same.
const weekTick = 10 * time.Microsecond

// TestWeek: a job that goes on for a week, with people who read, read slowly, never read, and come back now and then for what they
// missed. Nobody misses a change of state, everybody is told what they did miss, and a week takes no more memory than a day.
func TestWeek(t *testing.T) {
	ticks := weekTicks(t)
	fake := drivetest.New("sda", 1<<20, []byte("OLD CONTENT "))
	t.Cleanup(fake.Release)
	st := weekStation(t, fake)
	reached := fake.HoldAfter(10<<20 + 1<<19) // half way through a pass
	if _, said, code := st.exec(auth.Operator, "erase sda --method gutmann --confirm FAKE-sda"); code != exitDone {
		t.Fatal(said)
	}
	<-reached

	var everybody sync.WaitGroup
	readers := make([]*heard, 4)
	for n := range readers {
		everybody.Go(func() { readers[n] = st.follow(0, func(int) bool { return true }, nil) })
	}
	var slow, late *text
	over := make(chan struct{})
	everybody.Go(func() { slow = st.read(func() { time.Sleep(200 * time.Microsecond) }, nil) })
	everybody.Go(func() { late = st.read(nil, over) })
	var visitor *heard
	everybody.Go(func() { visitor = st.visit() })

	var heap []uint64 // after each day
	for day := range uint64(7) {
		st.until(ticks * (day + 1) / 7)
		heap = append(heap, heapInUse())
	}
	close(over)
	fake.Release()
	everybody.Wait()

	last := st.last()
	t.Logf("%d status lines; bytes of heap after each day: %d", last.Seq, heap)
	if early := slices.Max(heap[:3]); slices.Min(heap[4:]) > early+early/4 {
		t.Errorf("the heap grew: after each day %d bytes", heap)
	}
	if last.State != "erased" || last.Seq <= ticks {
		t.Fatalf("the job ends as %s with %d", last.State, last.Seq)
	}
	all := st.follow(0, func(int) bool { return true }, nil)
	for n, h := range append(readers, visitor) {
		h.check(t, fmt.Sprint("reader ", n), all)
	}
	for name, x := range map[string]*text{"slow": slow, "late": late} {
		if x.shown+x.missed != last.Seq || x.end != "erased" {
			t.Errorf("the %s one was shown %d lines and told of %d missed, of %d, and %q at the end", name, x.shown, x.missed, last.Seq, x.end)
		}
		t.Logf("the %s one was shown %d lines, told of %d missed", name, x.shown, x.missed)
	}
	if late.missed == 0 {
		t.Error("who never read missed nothing: this test sees nothing")
	}
	if os.Getenv("WIPED_WEEK_TICKS") != "" {
		saveWeek(t, map[string]any{"status_lines": last.Seq, "heap_after_each_day": heap,
			"slow_shown": slow.shown, "slow_told_missed": slow.missed, "late_shown": late.shown, "late_told_missed": late.missed,
			"visitor_events": visitor.events, "changes_of_state": len(all.changes) - 1})
	}
}

// saveWeek puts the figures of a week into bin/load.json, beside those of make test-load's other tests.
func saveWeek(t *testing.T, figures map[string]any) {
	t.Helper()
	file := filepath.Join("..", "bin", "load.json")
	all := map[string]any{}
	if old, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(old, &all); err != nil {
			t.Fatal(err)
		}
	}
	all["week"] = figures
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// weekStation is a shell over an engine with one drive in memory, and a clock's tick that is short.
func weekStation(t *testing.T, fake *drivetest.Fake) *station {
	t.Helper()
	dir := t.TempDir()
	j, err1 := journal.Open(filepath.Join(dir, "journal.db"))
	m, err2 := journal.OpenMessages(filepath.Join(dir, "messages.txt"))
	a, err3 := journal.OpenAudit(filepath.Join(dir, "audit.jsonl"))
	signer, err4 := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	st := &station{t: t, dir: dir, log: &output{}, stop: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(st.log, nil))
	e, err5 := engine.New(engine.Config{Sources: []drive.Source{fake}, Journal: j, Signer: signer, Log: log, Station: "bench",
		Software: "wiped test", Tick: weekTick})
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
	}
	st.Shell = New(Config{Engine: e, Messages: m, Audit: a, Log: log, Version: "wiped test", Stopping: st.stop})
	t.Cleanup(func() { e.Shutdown(); _, _, _ = m.Close(), a.Close(), j.Close() })
	return st
}

func (st *station) last() journal.Event {
	v, err := st.Engine.Job(1)
	if err != nil {
		st.t.Fatal(err)
	}
	return v.Last
}

func (st *station) until(seq uint64) {
	for st.last().Seq < seq {
		time.Sleep(time.Millisecond)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers let go in the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// watch is a session of `watch 1`, with its output to be read; leave cuts it off.
func (st *station) watch(flags string) (out io.Reader, leave func()) {
	ctx, cut := context.WithCancel(context.Background())
	in, to := io.Pipe()
	s := &Session{ID: "w", Who: auth.Identity{Name: "bob", Fingerprint: "SHA256:y", Role: auth.Viewer, KeyType: "ED25519"}, Login: "op",
		From: "10.0.0.1:6", Mode: Exec, Command: "watch 1 " + flags, In: strings.NewReader(""), Out: to, Err: to}
	go func() {
		st.Serve(ctx, s)
		to.Close()
	}()
	return in, func() { cut(); in.Close() }
}

// heard is what a program got: the changes of state, and how many numbers were left out between two events.
type heard struct {
	changes map[uint64]string
	seq     uint64
	events  int
	wrong   string
}

// follow reads events after since while more says so, given how many have come.
func (st *station) follow(since uint64, more func(int) bool, h *heard) *heard {
	if h == nil {
		h = &heard{changes: map[uint64]string{}}
	}
	out, leave := st.watch(fmt.Sprintf("--since %d --json", since))
	defer leave()
	lines := bufio.NewScanner(out)
	for n := 0; more(n) && lines.Scan(); n++ {
		var e journal.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			h.wrong = err.Error()
			return h
		}
		if e.Seq <= h.seq {
			h.wrong = fmt.Sprintf("%d after %d", e.Seq, h.seq)
		}
		if e.State+fmt.Sprint(e.Pass) != h.changes[0] {
			h.changes[0] = e.State + fmt.Sprint(e.Pass)
			h.changes[e.Seq] = h.changes[0]
		}
		h.seq, h.events = e.Seq, h.events+1
	}
	return h
}

// visit reads a few events at a time and goes away in between.
func (st *station) visit() *heard {
	h := &heard{changes: map[uint64]string{}}
	for !strings.HasPrefix(h.changes[0], "erased") && h.wrong == "" {
		h = st.follow(h.seq, func(n int) bool { return n < 300 }, h)
		time.Sleep(2 * time.Millisecond)
	}
	return h
}

// check holds what a program got against what is there for who asks for everything at the end.
func (h *heard) check(t *testing.T, name string, all *heard) {
	t.Helper()
	if h.wrong != "" || !maps.Equal(h.changes, all.changes) {
		t.Errorf("%s: %s\nheard %v\nof    %v", name, h.wrong, h.changes, all.changes)
	}
	t.Logf("%s got %d events", name, h.events)
}

// text is what a person saw.
type text struct {
	shown, missed uint64
	end           string
}

var (
	notShown  = regexp.MustCompile(`^\[job 1\] (\d+) status lines were not shown`)
	lastWords = regexp.MustCompile(`^\[job 1\] sda (erased):`)
)

// read reads as a person does, with a pause after each line, from when start is closed on.
func (st *station) read(pause func(), start <-chan struct{}) *text {
	out, leave := st.watch("--since 0")
	defer leave()
	if start != nil {
		<-start
	}
	x := &text{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := notShown.FindSubmatch(lines.Bytes()); m != nil {
			n, _ := strconv.ParseUint(string(m[1]), 10, 64)
			x.missed += n
			continue
		}
		if m := lastWords.FindSubmatch(lines.Bytes()); m != nil {
			x.end = string(bytes.TrimSpace(m[1]))
		}
		if x.shown++; pause != nil {
			pause()
		}
	}
	return x
}
