//go:build crash

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// strike kills the server, starts it again and looks.
func (s *crashStation) strike(name string) {
	s.t.Helper()
	_ = syscall.Kill(s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		s.figures.count(func(f *crashFigures) { f.Kills[name]++ })
	}
	s.after()
}

// after looks at what a server left that has ended, starts it again, and looks at what it shows.
func (s *crashStation) after() {
	s.t.Helper()
	s.leftBehind()
	s.hearOut()
	s.restart()
	s.look()
}

// hearOut takes in what people have seen of the server until it ended.
func (s *crashStation) hearOut() {
	s.t.Helper()
	if s.hangUp != nil {
		s.hangUp()
		s.hangUp = nil
	}
	if s.client != nil {
		_ = s.client.Close()
		s.client = nil
	}
	counted := map[string]bool{}
	for _, j := range s.jobs {
		if j.wait == nil {
			continue
		}
		<-j.wait.done
		if !j.resumed && j.acknowledged() && !counted[j.line] {
			counted[j.line] = true
			s.commands[j.line]++
		}
		for _, e := range j.wait.events() {
			if e.Job == j.id {
				j.seen = append(j.seen, e)
			}
		}
		j.wait = nil
	}
}

// jobDoc is what the suite reads of `jobs --json`.
type jobDoc struct {
	crashEvent
	ID   uint64
	Note string
}

// look holds all that the server shows against all that was acknowledged and all that is on the drives.
func (s *crashStation) look() {
	s.t.Helper()
	docs := s.jobDocs()
	for id, text := range s.ended {
		if doc, ok := docs[id]; !ok || doc.text != text {
			s.fault("job %d had ended and was shown as\n%s\nand is now\n%s", id, text, doc.text)
		}
	}
	for _, j := range s.jobs {
		s.lookAtJob(j, docs)
	}
	s.allOrNone()
	s.lookAtCancel(docs)
	s.lookAtMessages()
	s.lookAtAudit()
	s.lookAtCertificates(3)
}

func (s *crashStation) jobDocs() map[uint64]jobDoc {
	s.t.Helper()
	out := s.must("jobs --all --json")
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(out), &raw); err != nil {
		s.t.Fatal(err)
	}
	docs := map[uint64]jobDoc{}
	for _, text := range raw {
		var d jobDoc
		if err := json.Unmarshal(text, &d); err != nil {
			s.t.Fatalf("%v: %s", err, text)
		}
		d.text = string(text)
		docs[d.ID] = d
	}
	return docs
}

// find gives a job that was not acknowledged its id, if it was kept all the same.
func (j *crashJob) find(docs map[uint64]jobDoc) (jobDoc, bool) {
	note := j.line[strings.LastIndexByte(j.line, ' ')+1:]
	for id, d := range docs {
		if j.id == id || j.id == 0 && d.Note == note && strings.Contains(d.text, strconv.Quote(j.drive.serial)) {
			j.id = id
			return d, true
		}
	}
	return jobDoc{}, false
}

func (s *crashStation) lookAtJob(j *crashJob, docs map[uint64]jobDoc) {
	s.t.Helper()
	acknowledged := j.id != 0
	doc, found := j.find(docs)
	switch {
	case !found && acknowledged:
		s.fault("job %d was acknowledged and is lost", j.id)
		return
	case !found:
		s.shown("its submission not acknowledged, and not kept")
		return
	case j.finished:
		return
	}
	stream := s.stream(j)
	s.seenIsKept(j, stream)
	if doc.Result != nil && *doc.Result != "interrupted" {
		s.shownEnd(j, doc)
		j.finished = true
		return
	}
	if doc.State != "interrupted" {
		s.fault("after the start job %d is %s", j.id, doc.State)
		return
	}
	s.shown(phaseOf(stream, j.drive.size, acknowledged))
	s.claimOf(j, doc)
}

func (s *crashStation) shown(what string) {
	s.figures.count(func(f *crashFigures) { f.Shown[what]++ })
}

func (s *crashStation) shownEnd(j *crashJob, doc jobDoc) {
	seen := "ended, and nobody had been told"
	if n := len(j.seen); n > 0 && j.seen[n-1].Result != nil && *j.seen[n-1].Result == *doc.Result {
		seen = "ended and acknowledged"
	}
	s.shown(seen)
}

// stream is every change of state that is kept of a job.
func (s *crashStation) stream(j *crashJob) (events []crashEvent) {
	s.t.Helper()
	out, errOut, code := s.ask(fmt.Sprintf("watch %d --since 0 --json", j.id))
	if code == -1 {
		s.fault("watch %d: %s", j.id, errOut)
	}
	seq := uint64(0)
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		e, err := parseCrashEvent(line)
		if err != nil {
			s.fault("watch %d: %v: %s", j.id, err, line)
			continue
		}
		if e.Seq <= seq {
			s.fault("job %d: seq %d after %d", j.id, e.Seq, seq)
		}
		seq = e.Seq
		events = append(events, e)
	}
	return events
}

// seenIsKept: every change of state and every end that somebody was shown is shown again, to the letter.
func (s *crashStation) seenIsKept(j *crashJob, stream []crashEvent) {
	s.t.Helper()
	kept := map[string]bool{}
	newest := uint64(0)
	for _, e := range stream {
		kept[e.text] = true
		newest = max(newest, e.Seq)
	}
	before, checked := "", 0
	for _, e := range j.seen {
		state := fmt.Sprint(e.State, e.Pass, e.Action)
		if changed := state != before; changed {
			checked++
			if !kept[e.text] {
				s.fault("somebody was shown this of job %d, and it is not kept:\n%s", j.id, e.text)
			}
		}
		before = state
		if e.Seq > newest {
			s.fault("job %d: seq %d was given out before the kill, and the newest is now %d", j.id, e.Seq, newest)
		}
	}
	j.seen, j.newest = nil, newest
	s.figures.count(func(f *crashFigures) { f.Acked += checked })
}

// phaseOf says what a job was doing when the server was killed, as the restart shows it.
func phaseOf(stream []crashEvent, size int64, acknowledged bool) string {
	last := len(stream) - 1
	for last >= 0 && stream[last].State != "interrupted" {
		last--
	}
	before := crashEvent{}
	if last > 0 {
		before = stream[last-1]
	}
	inside := ""
	if last >= 0 && before.Passes > 0 {
		inside = "without a checkpoint"
		if done := stream[last].Done; done > 0 && done%size != 0 {
			inside = "behind a checkpoint inside a pass"
		} else if done > 0 {
			inside = "behind the checkpoint of a whole pass"
		}
	}
	switch {
	case last == 0 && !acknowledged:
		return "its submission kept, not acknowledged"
	case last == 0:
		return "submitted, not begun"
	case strings.HasPrefix(before.Action, "read back"):
		return "reading back, " + inside
	case before.State == "verifying":
		return "verifying, " + inside
	case before.State == "queued":
		return "waiting for its turn, " + inside
	case before.State == "interrupted":
		return "interrupted before, " + inside
	}
	return "writing, " + inside
}

// claimOf holds what a job shows as done against the drive, and keeps both until the certificate tells the keys.
func (s *crashStation) claimOf(j *crashJob, doc jobDoc) {
	s.t.Helper()
	held, err := j.drive.content()
	if err != nil {
		s.t.Fatal(err)
	}
	c := claim{job: j, when: fmt.Sprintf("job %d (%s), after %d claims before", j.id, j.method, len(j.claims)), pass: int(doc.Done/j.drive.size) + 1,
		offset: doc.Done % j.drive.size, held: held}
	if c.pass > len(j.passes) { // all is written
		c.pass, c.offset = len(j.passes), j.drive.size
	}
	if err := c.checkNow(); err != nil {
		s.fault("A FALSE CLAIM: %v", err)
	}
	s.figures.count(func(f *crashFigures) { f.Bytes += c.offset })
	j.claims = append(j.claims, c)
}

// allOrNone: of a command for several drives, every job is kept or none.
func (s *crashStation) allOrNone() {
	s.t.Helper()
	kept := map[string][]uint64{}
	for _, j := range s.jobs {
		kept[j.line] = append(kept[j.line], j.id)
	}
	for line, ids := range kept {
		if slices.Contains(ids, 0) && slices.Max(ids) != 0 {
			s.fault("%s: some of its jobs were kept, and some were not: %v", line, ids)
		}
	}
}
