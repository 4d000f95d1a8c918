//go:build hostile

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// worker has a drive erased over and over, and keeps what the server said of it.
type worker struct {
	gate
	t       *testing.T
	s       *server
	client  *ssh.Client
	command string
	end     chan struct{}

	mu     sync.Mutex
	events []progress
	done   int
	errs   []error
}

// progress is one event of a job. Its time is the engine's, so that a slow client does not change it.
type progress struct {
	Time   time.Time
	Job    int
	Done   int64 `json:"done_bytes"`
	Result string
}

func newWorker(t *testing.T, s *server, serial string) *worker {
	t.Helper()
	w := &worker{t: t, s: s, end: make(chan struct{}), command: "erase " + jobDrive + " --method random --wait --json --confirm " + serial}
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			select {
			case <-w.end:
				return
			default:
			}
			w.turn.RLock()
			err := w.erase()
			w.turn.RUnlock()
			if err != nil {
				w.fail(err)
				return
			}
			time.Sleep(time.Millisecond) // so that a pause gets its turn
		}
	}()
	t.Cleanup(func() { close(w.end); w.client.Close() })
	return w
}

func (w *worker) connect() (err error) {
	w.client, err = w.s.dialAs("127.0.0.98", "worker", w.s.keys["worker"])
	return err
}

func (w *worker) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errs = append(w.errs, err)
}

// erase runs one job from its start to its end.
func (w *worker) erase() error {
	session, err := w.client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	var errOut bytes.Buffer
	session.Stderr = &errOut
	if err := session.Start(w.command); err != nil {
		return err
	}
	last := progress{}
	for lines := json.NewDecoder(out); lines.More(); {
		if err := lines.Decode(&last); err != nil {
			break
		}
		w.mu.Lock()
		w.events = append(w.events, last)
		w.mu.Unlock()
	}
	if exit := exitOf(session.Wait()); exit != 0 || last.Result != "erased" {
		return fmt.Errorf("%s: exit %d, result %q, %s", w.command, exit, last.Result, errOut.String())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done++
	return nil
}

// until waits for a number of jobs.
func (w *worker) until(jobs int) {
	w.t.Helper()
	if err := eventually(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.done < jobs && len(w.errs) == 0 {
			return fmt.Errorf("%d jobs, want %d", w.done, jobs)
		}
		return errors.Join(w.errs...)
	}); err != nil {
		w.t.Fatal(err)
	}
}

// did is how many bytes running jobs did between two moments, and in how many seconds; the time between two jobs does not count.
func (w *worker) did(from, to time.Time) (bytes, seconds float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := 1; n < len(w.events); n++ {
		a, b := w.events[n-1], w.events[n]
		begin, end := later(a.Time, from), earlier(b.Time, to)
		if a.Job != b.Job || !end.After(begin) {
			continue
		}
		part := end.Sub(begin).Seconds()
		bytes += float64(b.Done-a.Done) * part / b.Time.Sub(a.Time).Seconds()
		seconds += part
	}
	return bytes, seconds
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (w *worker) failures() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.errs
}
