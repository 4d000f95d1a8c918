package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wiped/engine/journal"
)

// recent is how many of the jobs in a journal ended within the last day, so that `jobs` shows as many whatever came before.
const recent = 10

// commands are those whose answers may take longer the more jobs there are.
var commands = []string{"hello", "jobs", "jobs --all", "job 1"}

// history measures how starting and answering depend on the number of jobs in the journal.
func history(l *lab) error {
	var starts []contender
	states := map[int]string{}
	for _, n := range l.form.jobs {
		state, err := l.journalOf(n)
		if err != nil {
			return fmt.Errorf("make a journal of %d jobs: %w", n, err)
		}
		states[n] = state
		starts = append(starts, contender{fmt.Sprintf("jobs %d", n), func() (map[string]float64, error) {
			s, err := l.stationIn(state, nil)
			if err != nil {
				return nil, err
			}
			return alone("start", s.took.Seconds()), s.end()
		}})
	}
	if err := l.contest("history", l.form.starts, starts...); err != nil {
		return err
	}
	var answers []contender
	for _, n := range l.form.jobs {
		s, err := l.stationIn(states[n], nil)
		if err != nil {
			return err
		}
		for _, word := range commands {
			answers = append(answers, contender{fmt.Sprintf("jobs %d", n), func() (map[string]float64, error) {
				began := time.Now()
				_, err := ask(s.client, word)
				return alone(word, time.Since(began).Seconds()), err
			}})
		}
	}
	return l.contest("history", l.form.starts, answers...)
}

// journalOf makes a state with so many jobs, each with the records that a job of one pass leaves, and starts wiped on it once, which
// makes its keys. It is made in memory, for the sake of time, and kept on the disk.
func (l *lab) journalOf(n int) (state string, err error) {
	if state, err = l.newState(); err != nil {
		return "", err
	}
	file := filepath.Join(l.ram, "journal.db")
	defer os.Remove(file)
	if err := fillJournal(file, n); err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(state, "journal.db"), text, 0o600)
	}
	if err != nil {
		return "", err
	}
	s, err := l.stationIn(state, nil)
	if err != nil {
		return "", err
	}
	return state, s.end()
}

func fillJournal(file string, n int) error {
	j, err := journal.Open(file)
	if err != nil {
		return err
	}
	defer j.Close()
	for i := range n {
		ended := time.Now().Add(-time.Duration(n-i) * time.Minute)
		if i < n-recent {
			ended = ended.Add(-24 * time.Hour)
		}
		if err := addJob(j, i, ended); err != nil {
			return err
		}
	}
	return nil
}

// addJob puts a job that ended well into a journal.
func addJob(j *journal.Journal, n int, ended time.Time) error {
	const size = 4_000_787_030_016
	begun := ended.Add(-7 * time.Hour)
	job := &journal.Job{
		Submitted: journal.At(begun), Verify: "full", Confirmed: fmt.Sprintf("BENCH%06d", n), Station: "bench", Software: "wiped bench",
		Drive: journal.Drive{Name: "sdb", Path: "/dev/sdb", Serial: fmt.Sprintf("BENCH%06d", n), SerialSource: "the drive (IDENTIFY DEVICE)",
			Vendor: "Bench", Model: "Model of a drive 4TB", Firmware: "0001", SizeBytes: size, LogicalSector: 512, PhysicalSector: 4096, Transport: "sata"},
		Method: journal.Method{Name: "random", Title: "random", Level: "clear", Claim: "NIST SP 800-88r2 clear",
			Passes: []journal.Pass{{Title: "random", Pattern: json.RawMessage(fmt.Sprintf(`{"key":"%064x"}`, n))}}},
		Operator: journal.Operator{Name: "maria@bench", Fingerprint: "SHA256:none", From: "127.0.0.1"},
	}
	if err := j.Submit(job); err != nil {
		return err
	}
	e := journal.Event{Seq: 1, Time: journal.At(begun), Job: job.ID, Drive: "sdb", Serial: job.Drive.Serial, State: "running", Pass: 1, Passes: 2,
		Action: "write random", TotalBytes: 2 * size}
	if err := j.Change(e); err != nil {
		return err
	}
	middle := begun.Add(ended.Sub(begun) / 2)
	pass := journal.PassRun{Title: "random", Started: journal.At(begun), Ended: journal.At(middle), BytesWritten: size, Bad: []journal.Range{}, Complete: true}
	if err := j.Checkpoint(job.ID, journal.Checkpoint{Time: journal.At(middle), Seq: 1, Pass: 2, Done: []journal.PassRun{pass}}); err != nil {
		return err
	}
	e.Seq, e.Time, e.State, e.Pass, e.Action, e.DoneBytes = 2, journal.At(middle), "verifying", 2, "verify random", size
	if err := j.Change(e); err != nil {
		return err
	}
	e.Seq, e.Time, e.State, e.DoneBytes = 3, journal.At(ended), "erased", 2*size
	e.Outcome = &journal.Outcome{Result: "erased", Level: "clear", Verification: "full"}
	end := journal.End{Started: journal.At(begun), Ended: journal.At(ended), Result: "erased", Passes: []journal.PassRun{pass}, Software: "wiped bench",
		Verification: journal.Verification{Scope: "full", Result: "passed", BytesRead: size, Started: journal.At(middle), Ended: journal.At(ended),
			Mismatches: []journal.Range{}, Unreadable: []journal.Range{}},
		Evidence: []string{"1 of 1 passes were written", "all bytes were read back"}, CachesPassed: true, Clock: "synchronised"}
	return j.End(job.ID, end, e)
}
