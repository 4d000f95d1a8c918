//go:build load

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// How the thousand sessions of TestLoadWatchers come about: 910 connections, of which 10 have as many sessions as one may have, under
// four keys, none of which has more connections than one may have.
const (
	watchedJobs  = 16
	manyKeys     = 4
	fullOnes     = 10
	sessionsEach = 10
	singleOnes   = 900
	quietOnes    = 50 // of the single ones
	returning    = 25 // of the quiet ones

	sshWindow = 2 << 20 // bytes that a session of x/crypto takes without being read
)

// TestLoadWatchers: a thousand sessions watch sixteen jobs, and fifty of them do not read. Nobody who reads misses a start, a pass or
// an end, nor does who begins to read after the end; how much progress was left out, the numbers of the events tell (none, unless jobs
// last so long that there are more than the 256 held of each: TestWeek has such a job). When all have left, the server holds what it held
// before, and a second thousand takes no more memory than the first. WIPED_LOAD_MB is the size of a drive in MiB: jobs must last
// until everybody watches.
func TestLoadWatchers(t *testing.T) {
	limits(t, 4096)
	size := number(t, "WIPED_LOAD_MB", 128)
	var names []string
	for n := range watchedJobs {
		names = append(names, fmt.Sprintf("bay-%02d.img", n))
	}
	b := loadBench(t, size<<20, names...)
	l := &watchLoad{bench: b, operator: b.newcomer("operator", "starter"), order: "erase " + strings.Join(names, " ") + " --method gutmann"}
	for _, serial := range b.serials() {
		l.order += " --confirm " + serial
	}
	for n := range manyKeys {
		l.keys = append(l.keys, b.newcomer("viewer", fmt.Sprint("watcher ", n)))
	}
	methods, err := b.say(l.operator, "methods --json")
	if err != nil {
		t.Fatal(err)
	}
	l.filler = strings.Repeat("methods --json\n", (sshWindow-sshWindow/32)/len(methods))
	l.before = b.measure(0)
	l.before = b.settle(0, l.before)
	rounds := []*watchRound{l.round(0), l.round(1)}
	if t.Failed() {
		return
	}
	first, second := rounds[0], rounds[1]
	t.Log(table("sessions", []level{l.before, first.Peak, first.Left, second.Peak, second.Left}))
	for n, r := range rounds {
		t.Logf("round %d: %d sessions on %d connections heard of all %d changes of state of %d jobs; who read got %d events, with %d left out, "+
			"the %d who came back %d, with %d left out; %d s",
			n+1, r.Sessions, r.Connections, r.Changes, watchedJobs, r.Events, r.LeftOut, returning, r.Caught, r.Lost, r.Seconds)
	}
	if second.Peak.Resident > first.Peak.Resident+first.Peak.Resident/2 { // what is resident is at the collector's mercy
		t.Errorf("memory: %d bytes in the first round, %d in the second", first.Peak.Resident, second.Peak.Resident)
	}
	saveFigures(t, "watchers", map[string]any{"before": l.before, "rounds": rounds, "drive_mb": size})
}

type watchLoad struct {
	*bench
	operator ssh.Signer
	keys     []ssh.Signer
	order    string
	filler   string // lines with almost as much output as a session takes that is not read
	before   level
}

// watchRound is what came of a thousand sessions.
type watchRound struct {
	Sessions    int   `json:"sessions"`
	Connections int   `json:"connections"`
	Events      int   `json:"events"`
	LeftOut     int   `json:"numbers_left_out"` // between the events of those who read
	Caught      int   `json:"returning_events"`
	Lost        int   `json:"returning_numbers_left_out"`
	Changes     int   `json:"changes_of_state"`
	Seconds     int   `json:"seconds"`
	Peak        level `json:"peak"`
	Left        level `json:"afterwards"`
}

// round logs everybody in, starts the jobs, has everybody watch to the end and leave.
func (l *watchLoad) round(n int) *watchRound {
	l.t.Helper()
	begun := time.Now()
	readers, quiet := l.everybody()
	defer func() {
		for _, w := range append(readers, quiet...) {
			w.client.Close()
		}
	}()
	out, err := l.say(l.operator, l.order)
	if err != nil || strings.Count(out, " started: ") != watchedJobs {
		l.t.Fatalf("%v: %s", err, out)
	}
	watch := "watch"
	for job := range watchedJobs {
		watch += fmt.Sprintf(" %d", n*watchedJobs+job+1)
	}
	watch += " --since 0 --json"
	var reading sync.WaitGroup
	for _, w := range quiet {
		w.beginFull(l.t, l.filler, watch)
	}
	for _, w := range readers {
		w.begin(l.t, watch)
		reading.Go(w.readEvents)
	}
	if out, err := l.say(l.operator, "jobs --json"); err != nil || strings.Count(out, `"ended":null`) != watchedJobs {
		l.t.Errorf("not everybody watched before a job ended: this test sees nothing. Next: a larger WIPED_LOAD_MB\n%v: %s", err, out)
	}
	r := &watchRound{Sessions: len(readers) + len(quiet), Connections: fullOnes + singleOnes, Peak: l.measure(len(readers) + len(quiet))}
	ended := make(chan struct{})
	go func() { reading.Wait(); close(ended) }()
	l.peak(r, ended)
	l.judge(r, watch, readers, quiet[:returning])
	for _, w := range append(readers, quiet...) {
		w.client.Close()
	}
	r.Left = l.settle(0, l.before)
	r.Seconds = int(time.Since(begun).Seconds())
	return r
}

// peak follows the server's memory until all who read have heard the end.
func (l *watchLoad) peak(r *watchRound, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(time.Second):
			now := l.glance()
			r.Peak.Resident, r.Peak.Descriptors = max(r.Peak.Resident, now.Resident), max(r.Peak.Descriptors, now.Descriptors)
		}
	}
}

// judge holds what each session got against what is there for who asks for everything afterwards.
func (l *watchLoad) judge(r *watchRound, watch string, readers, back []*watcher) {
	l.t.Helper()
	all := l.login(l.operator, 1)[0]
	defer all.client.Close()
	all.begin(l.t, watch)
	all.readEvents()
	if len(all.changes) < watchedJobs*(36+1) { // 35 passes, the verification and the end
		l.t.Errorf("%d changes of state in all: this test sees nothing", len(all.changes))
	}
	r.Changes = len(all.changes)
	for _, w := range readers {
		r.Events, r.LeftOut = r.Events+w.events, r.LeftOut+w.leftOut
		if missed := w.misses(all); missed != "" {
			l.t.Errorf("somebody who reads missed %s (%d events; %v)", missed, w.events, w.err)
		}
	}
	var returned sync.WaitGroup
	for _, w := range back {
		returned.Go(w.readEvents)
	}
	returned.Wait()
	for _, w := range back {
		r.Caught, r.Lost = r.Caught+w.events, r.Lost+w.leftOut
		if missed := w.misses(all); missed != "" {
			l.t.Errorf("somebody who came back missed %s (%d events; %v)", missed, w.events, w.err)
		}
	}
}

// everybody logs in: who reads, and who does not.
func (l *watchLoad) everybody() (readers, quiet []*watcher) {
	var mu sync.Mutex
	var coming sync.WaitGroup
	turn := make(chan struct{}, 16)
	for n := range fullOnes + singleOnes {
		turn <- struct{}{}
		coming.Go(func() {
			defer func() { <-turn }()
			sessions := 1
			if n < fullOnes {
				sessions = sessionsEach
			}
			came := l.login(l.keys[n%manyKeys], sessions)
			mu.Lock()
			defer mu.Unlock()
			if n >= fullOnes+singleOnes-quietOnes {
				quiet = append(quiet, came...)
			} else {
				readers = append(readers, came...)
			}
		})
	}
	coming.Wait()
	if l.t.Failed() {
		l.t.FailNow()
	}
	return readers, quiet
}

// login makes a connection with some sessions to come.
func (l *watchLoad) login(who ssh.Signer, sessions int) (all []*watcher) {
	client, err := ssh.Dial("tcp", l.addr, loginOf(who))
	if err != nil {
		l.t.Error(err)
		return nil
	}
	for range sessions {
		all = append(all, &watcher{client: client, seq: map[int]int{}, changes: map[string]bool{}, last: map[int]string{}})
	}
	return all
}

// key names a change of state.
func key(job, seq int, what string) string { return fmt.Sprintf("job %d: %d, %s", job, seq, what) }

type watchEvent struct {
	Seq, Job, Pass int
	State          string
}

func parseWatch(line []byte) (e watchEvent, err error) { return e, json.Unmarshal(line, &e) }
