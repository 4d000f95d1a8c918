package engine

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// View is a job as it is at one moment.
type View struct {
	Job     journal.Job
	Last    journal.Event // its newest event; Seq 0: none yet
	State   State
	Started journal.Time // the instant before the first write; zero: not begun
	Ended   journal.Time // zero: not ended
}

// End is whether the job is at its end for good.
func (s State) End() bool {
	switch s {
	case Erased, Unverified, Failed, Unknown, Cancelled:
		return true
	}
	return false
}

func (j *job) view() View {
	v := View{Job: j.rec}
	j.mu.Lock()
	v.Started = j.started
	v.Last = j.snapshot()
	j.mu.Unlock()
	if u, ok := j.history.last(); ok {
		v.Last = u.Event
	}
	v.State = State(v.Last.State)
	if v.State.End() {
		v.Ended = v.Last.Time
	}
	return v
}

func (j *job) state() State { return j.view().State }

func (j *job) ended() bool { return j.state().End() }

// Job shows one job.
func (e *Engine) Job(id uint64) (View, error) {
	j, err := e.job(id)
	if err != nil {
		return View{}, err
	}
	return j.view(), nil
}

// Jobs shows the unfinished jobs and those that ended at since or later, in the order of their ids.
func (e *Engine) Jobs(since time.Time) ([]View, error) {
	open, err := e.cfg.Journal.Unfinished()
	if err != nil {
		return nil, err
	}
	ended, err := e.cfg.Journal.EndedSince(since)
	if err != nil {
		return nil, err
	}
	records := map[uint64]journal.Record{}
	for _, r := range append(open, ended...) {
		records[r.Job.ID] = r
	}
	var views []View
	for _, id := range sortedKeys(records) {
		e.mu.Lock()
		j := e.jobs[id]
		e.mu.Unlock()
		if j == nil {
			j = e.newJob(records[id])
		}
		views = append(views, j.view())
	}
	return views, nil
}

// DriveView is a drive as it is at one moment, and what may be done with it.
type DriveView struct {
	drive.Info
	State   string // ready, in use, protected, job, unusable
	Reason  string // why it is not ready: the worst first
	Reasons []Obstacle
	Confirm string // the word that confirms it
	Methods []string
	Health  drive.Health

	// What only a look at one drive tells.
	Answers drive.Answers
	Cannot  []Cannot // methods of its command set that are not to be had now
	Hidden  string   // what is known of areas that reads and writes do not reach; empty: nothing
}

// Obstacle is one reason why a drive may not be erased, and what to do about it.
type Obstacle struct {
	Why  string `json:"reason"`
	Next string `json:"next"`
}

// Drives looks at all drives.
func (e *Engine) Drives() ([]DriveView, error) {
	all, err := e.find()
	if err != nil {
		return nil, err
	}
	var views []DriveView
	healths := e.allKnown(all)
	for n, d := range all {
		v := e.driveView(d.Info(), all)
		v.Health = healths[n]
		views = append(views, v)
	}
	return views, nil
}

// Drive looks at the one drive that a word names.
func (e *Engine) Drive(word string) (DriveView, error) {
	all, err := e.find()
	if err != nil {
		return DriveView{}, err
	}
	d, refusal := resolve(word, all)
	if refusal != nil {
		return DriveView{}, refusal
	}
	item := []Item{{Drive: d.Info(), drive: d}}
	e.ask(item)
	v := e.driveView(item[0].Drive, all)
	v.Health = item[0].health
	v.Answers, v.Methods, v.Cannot = item[0].Answers, nil, CannotFor(item[0].Answers)
	for _, m := range MethodsFor(v.Answers) {
		v.Methods = append(v.Methods, m.Name)
	}
	if r := another(item[0]); r != nil {
		if v.State == "ready" {
			v.State, v.Reason = "unusable", r.Why
		}
		v.Reasons = append(v.Reasons, Obstacle{r.Why, r.Next})
	}
	_ = item[0].decideHidden(Request{KeepHidden: true})
	v.Hidden = strings.TrimSuffix(item[0].Hidden, keptHidden)
	return v, nil
}

func (e *Engine) driveView(i drive.Info, all []drive.Drive) DriveView {
	e.mu.Lock()
	by := e.takenBy(i.ID)
	j := e.jobs[by.job]
	e.mu.Unlock()
	v := DriveView{Info: i, State: "ready", Confirm: confirmWord(i, all)}
	for n, o := range obstacles(i, e.cfg, by) {
		if n == 0 {
			v.State, v.Reason = o.state, o.why
		}
		v.Reasons = append(v.Reasons, Obstacle{o.why, o.next})
	}
	if v.State == "job" && j != nil {
		v.Reason = fmt.Sprintf("job %d at %s", by.job, Percent(j.view().Last))
	}
	return v
}

// Percent is how much of a job is done. It says 100.0% only when all is done.
func Percent(e journal.Event) string {
	if e.TotalBytes <= 0 {
		return "0.0%"
	}
	done := uint64(max(0, min(e.DoneBytes, e.TotalBytes)))
	hi, lo := bits.Mul64(done, 1000) // a rack of passes over a large drive may not fit into 64 bits
	tenths, _ := bits.Div64(hi, lo, uint64(e.TotalBytes))
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// Protected tells what each --protect glob matches now: names of drives.
func (e *Engine) Protected() (map[string][]string, error) {
	all, err := e.find()
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, glob := range e.cfg.Protect {
		found[glob] = nil
		for _, d := range all {
			if protectedBy([]string{glob}, d.Info()) != "" {
				found[glob] = append(found[glob], d.Info().Name)
			}
		}
	}
	return found, nil
}
