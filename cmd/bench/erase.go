package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// event is a line of erase --wait --json, as far as it is needed.
type event struct {
	Job    uint64
	Time   time.Time
	State  string
	Pass   int
	Result *string
	Reason *string
}

// jobTimes are the changes of state of one job, by its own clock: the journal's, all that it writes down included.
type jobTimes struct {
	begun, verifying, ended time.Time
}

// span is what several jobs did together, from the first that began to the last that ended.
type span struct {
	write, verify, all moved
}

// serials asks for those of all drives.
func (s *station) serials() (map[string]string, error) {
	out, err := ask(s.client, "drives --json")
	if err != nil {
		return nil, err
	}
	var list []struct{ Name, Serial string }
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("read drives: %w", err)
	}
	found := map[string]string{}
	for _, d := range list {
		found[d.Name] = d.Serial
	}
	return found, nil
}

// orderFor is the command line that erases devices.
func (s *station) orderFor(method, verify string, devices ...device) (string, error) {
	serials, err := s.serials()
	if err != nil {
		return "", err
	}
	var order strings.Builder
	order.WriteString("erase " + strings.Join(names(devices), " "))
	for _, d := range devices {
		fmt.Fprintf(&order, " --confirm '%s'", serials[d.name()])
	}
	fmt.Fprintf(&order, " --method %s --verify %s --wait --json", method, verify)
	return order.String(), nil
}

// erase has wiped erase devices at once and waits. The processor time of a phase is read when the event of its beginning arrives.
// With one drive the phases are apart; with several only the span of all is exact.
func (s *station) erase(method, verify string, devices ...device) (span, error) {
	return s.eraseAfter(method, verify, nil, devices...)
}

// eraseAfter does the same, and calls ready with the job's id as soon as that is known.
func (s *station) eraseAfter(method, verify string, ready func(id uint64) error, devices ...device) (span, error) {
	order, err := s.orderFor(method, verify, devices...)
	if err != nil {
		return span{}, err
	}
	session, err := s.client.NewSession()
	if err != nil {
		return span{}, err
	}
	defer session.Close()
	out, err := session.StdoutPipe()
	if err != nil {
		return span{}, err
	}
	var errOut strings.Builder
	session.Stderr = &errOut
	if err := session.Start(order); err != nil {
		return span{}, err
	}
	w := watched{jobs: map[uint64]*jobTimes{}, cpu: s.cpu, ready: ready}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if err := w.line(lines.Bytes()); err != nil {
			return span{}, err
		}
	}
	if err := errors.Join(session.Wait(), lines.Err()); err != nil {
		return span{}, fmt.Errorf("erase: %w: %s", err, errOut.String())
	}
	return w.span(method, devices, verify == "full")
}

// watched gathers the events of jobs.
type watched struct {
	jobs                    map[uint64]*jobTimes
	cpu                     func() time.Duration
	ready                   func(id uint64) error
	begun, verifying, ended time.Duration // processor time so far, at the first job's begin and verification and the last one's end
}

func (w *watched) line(text []byte) error {
	if len(text) == 0 || text[0] != '{' {
		return nil
	}
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	j := w.jobs[e.Job]
	if j == nil {
		j = &jobTimes{}
		w.jobs[e.Job] = j
		if w.ready != nil {
			if err := w.ready(e.Job); err != nil {
				return err
			}
		}
	}
	switch {
	case e.Result != nil && *e.Result != "erased" && *e.Result != "unverified":
		return fmt.Errorf("job %d ended as %s: %v", e.Job, *e.Result, *e.Reason)
	case e.Result != nil:
		j.ended, w.ended = e.Time, w.cpu()
	case e.State == "verifying" && j.verifying.IsZero():
		if j.verifying = e.Time; w.verifying == 0 {
			w.verifying = w.cpu()
		}
	case e.State == "running" && j.begun.IsZero():
		if j.begun = e.Time; w.begun == 0 {
			w.begun = w.cpu()
		}
	}
	return nil
}

// span is what the events come to. A job of which a change of state was not heard is an error.
func (w *watched) span(method string, devices []device, full bool) (span, error) {
	if len(w.jobs) != len(devices) {
		return span{}, fmt.Errorf("%d jobs were heard of, not %d", len(w.jobs), len(devices))
	}
	var first, verifying, last time.Time
	for id, j := range w.jobs {
		if j.begun.IsZero() || j.ended.IsZero() || full == j.verifying.IsZero() {
			return span{}, fmt.Errorf("%s: the events of job %d are not complete", method, id)
		}
		if first.IsZero() || j.begun.Before(first) {
			first = j.begun
		}
		if j.verifying.After(verifying) {
			verifying = j.verifying
		}
		if j.ended.After(last) {
			last = j.ended
		}
	}
	bytes := total(devices)
	if !full {
		whole := moved{bytes, last.Sub(first), w.ended - w.begun}
		return span{write: whole, all: whole}, nil
	}
	return span{
		write:  moved{bytes, verifying.Sub(first), w.verifying - w.begun},
		verify: moved{bytes, last.Sub(verifying), w.ended - w.verifying},
		all:    moved{2 * bytes, last.Sub(first), w.ended - w.begun},
	}, nil
}

// figures are those of a job of one drive.
func (t span) figures() map[string]float64 {
	all := t.write.figures("write")
	maps.Copy(all, t.verify.figures("verify"))
	return all
}

func total(devices []device) (bytes int64) {
	for _, d := range devices {
		bytes += d.size
	}
	return bytes
}

// erasing is a contender: a job with full verification, of one drive.
func (s *station) erasing(name, method string, d device) contender {
	return contender{name, func() (map[string]float64, error) {
		t, err := s.erase(method, "full", d)
		if err != nil {
			return nil, err
		}
		return t.figures(), nil
	}}
}
