//go:build crash

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// moment is something that a server does. aim brings a station there and returns when it is to be killed.
type moment struct {
	name string
	aim  func(s *crashStation)
}

// moments are taken in turn, so that each is aimed at as often as the others.
var moments = []moment{
	{"a pass", func(s *crashStation) { s.begin(); s.untilPass() }},
	{"the end of a pass, its checkpoint", func(s *crashStation) {
		s.begin("vsitr", "dod-3", "ops-ii", "gutmann")
		s.untilPass()
		s.untilJournal(3)
	}},
	{"a checkpoint inside a pass", aimInsidePass},
	{"verification", func(s *crashStation) { s.begin(); s.untilState("verifying"); s.sleep(8 * time.Millisecond) }},
	{"the end of a job, not yet acknowledged", func(s *crashStation) { s.begin("zero", "random", "one"); s.untilState("verifying"); s.untilJournal(4) }},
	{"the end of a job, just acknowledged", func(s *crashStation) { s.begin("zero", "random"); s.untilState("erased"); s.sleep(time.Millisecond) }},
	{"submission", aimSubmission},
	{"issue of certificates", aimCertificates},
	{"write:", aimMessages},
	{"resume", func(s *crashStation) {
		s.interrupted()
		s.resumeAll()
		s.chance(s.untilJournalN(4), s.untilTime(3*time.Millisecond))
	}},
	{"reading back what a checkpoint claims", aimReadBack},
	{"cancel of a running job", func(s *crashStation) { s.begin(); s.untilPass(); aimCancel(s) }},
	{"cancel of an interrupted job", func(s *crashStation) { s.interrupted(); aimCancel(s) }},
	{"an orderly stop", aimStop},
	{"a start", aimStart},
	{"the first start, keys being made", aimFirstStart},
}

// allMethods are those of one pass and of many, with fixed bytes and random ones.
var allMethods = []string{"zero", "random", "dod-3", "vsitr", "ops-ii", "schneier", "gutmann"}

// begin starts a job on every drive and returns when all are acknowledged.
func (s *crashStation) begin(methods ...string) {
	s.t.Helper()
	if methods == nil {
		methods = allMethods
	}
	for n, d := range s.drives {
		s.order(methods[s.rng.IntN(len(methods))], n == 0, d)
	}
	for _, j := range s.jobs {
		s.awaitID(j)
	}
}

// order sends one erase command for some drives. Somebody waits for its end: the stock client, if wanted.
func (s *crashStation) order(method string, stock bool, drives ...*crashDrive) {
	s.t.Helper()
	line := "erase"
	for _, d := range drives {
		line += " " + d.serial + " --confirm " + d.serial
	}
	line += " --method " + method + " --json --wait --note " + fmt.Sprintf("n%d", s.rng.Uint64())
	follow := s.follow
	if stock {
		follow = s.followSSH
	}
	w, err := follow(line)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range drives {
		j := &crashJob{drive: d, method: method, wait: w, line: line}
		for _, fixed := range crashMethods[method] {
			j.passes = append(j.passes, leaves{fixed: fixed})
		}
		s.jobs = append(s.jobs, j)
	}
}

var startedJob = regexp.MustCompile(`(?m)^job (\d+) started: \S+, serial (\S+), .*\n`)

// acknowledged takes the ids of jobs from what was printed about them.
func (j *crashJob) acknowledged() bool {
	for _, m := range startedJob.FindAllStringSubmatch(j.wait.err.String(), -1) {
		if m[2] == j.drive.serial {
			j.id, _ = strconv.ParseUint(m[1], 10, 64)
		}
	}
	return j.id != 0
}

func (s *crashStation) awaitID(j *crashJob) {
	s.t.Helper()
	if err := eventually(func() error {
		if !j.acknowledged() {
			return fmt.Errorf("%s: %s%s", j.line, j.wait.out.String(), j.wait.err.String())
		}
		return nil
	}); err != nil {
		s.fault("%v", err)
		s.t.FailNow()
	}
}

// any is one of the jobs.
func (s *crashStation) any() *crashJob { return s.jobs[s.rng.IntN(len(s.jobs))] }

// untilPass waits until some job has come to a pass that chance picks, and a little longer.
func (s *crashStation) untilPass() {
	j := s.any()
	pass := 1 + s.rng.IntN(len(j.passes))
	j.wait.until(func(e crashEvent) bool { return e.Job == j.id && e.Pass >= pass })
	s.sleep(12 * time.Millisecond)
}

func (s *crashStation) untilState(state string) {
	j := s.any()
	j.wait.until(func(e crashEvent) bool { return e.Job == j.id && (e.State == state || e.Result != nil) })
}

// sleep waits for up to limit.
func (s *crashStation) sleep(limit time.Duration) {
	sleepFor(time.Duration(s.rng.Int64N(int64(limit))))
}

func sleepFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(50 * time.Microsecond)
	}
}

func (s *crashStation) untilTime(limit time.Duration) func() { return func() { s.sleep(limit) } }
func (s *crashStation) untilJournalN(n int) func()           { return func() { s.untilJournal(n) } }

func (s *crashStation) chance(ways ...func()) { ways[s.rng.IntN(len(ways))]() }

// untilJournal waits for one of the next n writes to the journal: a transaction is made of several, and some of them are
// not yet its last.
func (s *crashStation) untilJournal(n int) { s.untilWritten("journal.db", n) }

func (s *crashStation) untilWritten(name string, n int) {
	s.t.Helper()
	s.written(name, 1+s.rng.IntN(n), time.Duration(s.rng.Int64N(int64(100*time.Microsecond))))
}

// written waits for so many writes to a file, and a little longer. It draws nothing, so that it may run beside what does.
func (s *crashStation) written(name string, left int, more time.Duration) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		s.t.Error(err)
		return
	}
	f := os.NewFile(uintptr(fd), "inotify")
	defer f.Close()
	if _, err := unix.InotifyAddWatch(fd, filepath.Join(s.dir, "state", name), unix.IN_MODIFY); err != nil {
		s.t.Error(err)
		return
	}
	_ = f.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // there may be nothing more to write
	buf := make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1)
	for left > 0 {
		got, err := f.Read(buf)
		if err != nil {
			return
		}
		left -= max(1, got/unix.SizeofInotifyEvent)
	}
	sleepFor(more)
}

// aimInsidePass stops the server for longer than its checkpoints are apart: the first thing it then does is to make one.
func aimInsidePass(s *crashStation) {
	s.begin("gutmann")
	s.untilPass()
	s.pause(5200 * time.Millisecond)
	s.untilJournal(3)
}

func (s *crashStation) pause(d time.Duration) {
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
}

func aimSubmission(s *crashStation) {
	done := make(chan struct{})
	way := s.rng.IntN(3)
	writes, more := 1+s.rng.IntN(6), time.Duration(s.rng.Int64N(int64(12*time.Millisecond)))
	go func() {
		defer close(done)
		if way == 0 {
			sleepFor(more)
		} else {
			s.written("journal.db", writes, more/100)
		}
	}()
	s.order(allMethods[way], way == 1, s.drives...)
	<-done
}

// aimCertificates has several people fetch the certificates of jobs that have just ended.
func aimCertificates(s *crashStation) {
	s.begin("zero", "random")
	j := s.any()
	<-j.wait.done
	for range 3 {
		line := fmt.Sprintf("certificate %d --format ", j.id)
		for _, format := range []string{"json", "sig"} {
			if w, err := s.follow(line + format); err == nil {
				s.fetching = append(s.fetching, fetch{j.id, format, w})
			}
		}
	}
	s.sleep(6 * time.Millisecond)
}

// aimMessages kills while messages are left.
func aimMessages(s *crashStation) {
	talking(s)
	s.sleep(30 * time.Millisecond)
	s.chance(s.untilTime(5*time.Millisecond), func() { s.untilWritten("messages.txt", 3) }, func() { s.untilWritten("audit.jsonl", 4) })
}

// talking has two people leave messages as fast as they can, until the server ends.
func talking(s *crashStation) {
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for who := range 2 {
		client, err := s.dial()
		if err != nil {
			s.t.Fatal(err)
		}
		wait.Go(func() {
			defer client.Close()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				text := fmt.Sprintf("%s, person %d, message %d %s", s.where, who, n, strings.Repeat("-", n%700))
				s.talk.Lock()
				s.tried[text] = true
				s.talk.Unlock()
				out, _, code := askOn(client, "write: "+text)
				if code == -1 && out == "" {
					return
				}
				if out == "Message saved!\n" {
					s.talk.Lock()
					s.messages = append(s.messages, text)
					s.commands["write: "+text]++
					s.talk.Unlock()
				}
			}
		})
	}
	s.hangUp = func() { close(stop); wait.Wait() }
}

// interrupted has jobs on all drives interrupted by a kill, an orderly stop, or both.
func (s *crashStation) interrupted() {
	s.begin("vsitr", "ops-ii", "schneier", "gutmann")
	s.untilPass()
	if s.rng.IntN(3) == 0 {
		s.stop()
		return
	}
	s.strike("a pass")
}

// stop ends the server as SIGTERM does, so that its checkpoints are inside of passes.
func (s *crashStation) stop() {
	s.end(syscall.SIGTERM)
	s.after()
}

func aimReadBack(s *crashStation) {
	s.interrupted()
	if !s.resumeAll() {
		return
	}
	for _, j := range s.jobs {
		if j.resumed && !j.finished {
			j.wait.until(func(e crashEvent) bool { return strings.HasPrefix(e.Action, "read back") || e.Result != nil })
			break
		}
	}
	s.sleep(6 * time.Millisecond)
}

// aimCancel cancels all jobs at once.
func aimCancel(s *crashStation) {
	line := "cancel"
	for _, j := range s.jobs {
		if j.id != 0 && !j.finished {
			line += fmt.Sprintf(" %d", j.id)
			j.toCancel = true
		}
	}
	if line == "cancel" {
		return
	}
	w, err := s.follow(line)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cancelling, s.cancelLine = w, line
	s.chance(s.untilTime(8*time.Millisecond), s.untilJournalN(5), func() { <-w.done })
}

func aimStop(s *crashStation) {
	s.begin("vsitr", "ops-ii", "schneier", "gutmann")
	s.untilPass()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.chance(s.untilTime(4*time.Millisecond), s.untilJournalN(5))
}
