//go:build hostile

package main

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// result is what a command came to; exit -1: no exit status came.
type result struct {
	out, err string
	exit     int
}

// execute runs a command in a session of its own.
func execute(client *ssh.Client, command string) result {
	session, err := client.NewSession()
	if err != nil {
		return result{err: err.Error(), exit: -1}
	}
	defer session.Close()
	var out, errOut bytes.Buffer
	session.Stdout, session.Stderr = &out, &errOut
	err = session.Run(command)
	return result{out.String(), errOut.String(), exitOf(err)}
}

func exitOf(err error) int {
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitStatus()
	}
	return -1
}

// gate lets loops be paused between two rounds.
type gate struct{ turn sync.RWMutex }

func (g *gate) pause()  { g.turn.Lock() }
func (g *gate) resume() { g.turn.Unlock() }

// sample is one measured answer.
type sample struct {
	from, to time.Time
}

// witness is an innocent client who says hello all the time, on an open connection and on new ones.
type witness struct {
	gate
	s      *server
	client *ssh.Client
	end    chan struct{}

	mu      sync.Mutex
	answers []sample
	logins  []sample
	asked   time.Time // since when an answer is waited for; zero: none is
	errs    []error
}

const witnessSource = "127.0.0.99"

func newWitness(t *testing.T, s *server) *witness {
	t.Helper()
	w := &witness{s: s, end: make(chan struct{})}
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	go w.loop(20*time.Millisecond, w.ask)
	go w.loop(250*time.Millisecond, w.login)
	t.Cleanup(func() { close(w.end); w.client.Close() })
	return w
}

// connect makes the connection that stays open.
func (w *witness) connect() (err error) {
	w.client, err = w.s.dialAs(witnessSource, "witness", w.s.keys["witness"])
	return err
}

// loop calls do every so often.
func (w *witness) loop(every time.Duration, do func() error) {
	for {
		select {
		case <-w.end:
			return
		case <-time.After(every):
		}
		w.turn.RLock()
		err := do()
		w.turn.RUnlock()
		if err != nil {
			w.mu.Lock()
			w.errs = append(w.errs, err)
			w.mu.Unlock()
		}
	}
}

func (w *witness) ask() error {
	from := time.Now()
	w.mu.Lock()
	w.asked = from
	w.mu.Unlock()
	late := time.AfterFunc(patience, func() { w.client.Close() }) // else it would be waited for without end
	defer late.Stop()
	got := execute(w.client, "hello")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = time.Time{}
	w.answers = append(w.answers, sample{from, time.Now()})
	return wantHello(got)
}

func wantHello(got result) error {
	if got != (result{"Hello! How are you?\n", "", 0}) {
		return fmt.Errorf("hello: %+v", got)
	}
	return nil
}

func (w *witness) login() error {
	from := time.Now()
	client, err := w.s.dialAs(witnessSource, "witness", w.s.keys["witness"])
	if err != nil {
		return fmt.Errorf("new login: %w", err)
	}
	defer client.Close()
	got := execute(client, "hello")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logins = append(w.logins, sample{from, time.Now()})
	return wantHello(got)
}

// longest is the longest wait for an answer that was, even in part, between two moments.
func (w *witness) longest(from, to time.Time) (most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.asked.IsZero() && w.asked.Before(to) {
		most = time.Since(w.asked)
	}
	return max(most, longest(w.answers, from, to))
}

func (w *witness) longestLogin(from, to time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return longest(w.logins, from, to)
}

func longest(all []sample, from, to time.Time) (most time.Duration) {
	for _, a := range all {
		if a.to.After(from) && a.from.Before(to) {
			most = max(most, a.to.Sub(a.from))
		}
	}
	return most
}

func (w *witness) count(from, to time.Time) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.answers {
		if a.to.After(from) && a.to.Before(to) {
			n++
		}
	}
	return n
}

// failures are at most three errors.
func (w *witness) failures() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.errs[:min(3, len(w.errs))]
}

// neighbour is a server that nobody attacks, with a witness and a worker: what they feel at the same time is the machine's.
type neighbour struct {
	*witness
	worker *worker
}

// newNeighbour starts it; the worker pauses.
func newNeighbour(t *testing.T, race bool) *neighbour {
	t.Helper()
	s := newServer(t, race, map[string]int64{jobDrive: jobSize})
	if err := s.start(nil); err != nil {
		t.Fatal(err)
	}
	if hostKeys == "" {
		hostKeys = s.dir + "/state/hostkeys"
	}
	n := &neighbour{witness: newWitness(t, s), worker: newWorker(t, s, s.serials()[jobDrive])}
	n.worker.until(1)
	n.worker.pause()
	return n
}
