//go:build load

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// watcher is one session of `watch`, and what it heard.
type watcher struct {
	client *ssh.Client
	out    io.Reader

	events  int
	leftOut int             // numbers between two events
	seq     map[int]int     // the newest number of each job
	last    map[int]string  // what each job was at last
	changes map[string]bool // of state
	err     error
}

func (w *watcher) begin(t *testing.T, line string) {
	t.Helper()
	s, err := w.client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if w.out, err = s.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(line); err != nil {
		t.Fatal(err)
	}
}

// beginFull begins to watch in a session that has so much unread output already that there is hardly room for more.
func (w *watcher) beginFull(t *testing.T, filler, line string) {
	t.Helper()
	s, err := w.client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if w.out, err = s.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	s.Stdin = strings.NewReader(filler + line + "\n")
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
}

// readEvents reads to the end, as a program does.
func (w *watcher) readEvents() {
	lines := bufio.NewScanner(w.out)
	lines.Buffer(nil, sshWindow)
	for lines.Scan() {
		if !bytes.HasPrefix(lines.Bytes(), []byte("{")) {
			continue // what stood there before it watched
		}
		e, err := parseWatch(lines.Bytes())
		if err != nil || e.Seq <= w.seq[e.Job] {
			w.err = fmt.Errorf("after %d of job %d comes %s: %v", w.seq[e.Job], e.Job, lines.Text(), err)
			return
		}
		if before := w.seq[e.Job]; before > 0 {
			w.leftOut += e.Seq - before - 1
		}
		w.events++
		w.seq[e.Job] = e.Seq
		if now := fmt.Sprint(e.State, " ", e.Pass); now != w.last[e.Job] {
			w.last[e.Job] = now
			w.changes[key(e.Job, e.Seq, now)] = true
		}
	}
	w.err = lines.Err()
}

// misses names a change of state that another one heard of and this one did not.
func (w *watcher) misses(all *watcher) string {
	for change := range all.changes {
		if !w.changes[change] {
			return change
		}
	}
	if len(w.changes) != len(all.changes) {
		return fmt.Sprintf("nothing, but heard of %d changes of %d", len(w.changes), len(all.changes))
	}
	return ""
}
