package engine

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"
)

// Watch follows jobs. It holds no more than a place in each job's history, so that any number of them cost a job nothing.
type Watch struct {
	e    *Engine
	wake chan struct{}

	mu   sync.Mutex
	seen map[uint64]uint64 // job -> the newest sequence number that was handed out
	jobs map[uint64]*job
	all  bool // every job that runs is followed, without being added
}

// Watch begins to follow jobs. With since, it begins after that sequence number: every change of state since then and
// the progress that is still held. Without, it begins with what each job is doing now.
func (e *Engine) Watch(ids []uint64, since *uint64) (*Watch, error) {
	w := e.newWatch()
	for _, id := range unique(ids) {
		j, err := e.job(id)
		if err != nil {
			w.Close()
			return nil, err
		}
		from := uint64(0)
		if since != nil {
			from = *since
		} else if u, ok := j.history.last(); ok {
			from = u.Seq - 1
		}
		w.add(j, from)
	}
	return w, nil
}

// Follow begins to follow nothing yet: Add adds jobs.
func (e *Engine) Follow() *Watch { return e.newWatch() }

// FollowAll follows every job from when it begins to run.
func (e *Engine) FollowAll() *Watch {
	w := e.newWatch()
	w.all = true
	return w
}

// join adds the jobs that began since the last look. The caller holds mu.
func (w *Watch) join() {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	for id, j := range w.e.jobs {
		if j.isLive() && w.jobs[id] == nil {
			w.jobs[id], w.seen[id] = j, j.history.base
		}
	}
}

func (e *Engine) newWatch() *Watch {
	return &Watch{e: e, wake: e.news.listen(), seen: map[uint64]uint64{}, jobs: map[uint64]*job{}}
}

// Add follows one more job, from after the sequence number since on.
func (w *Watch) Add(id, since uint64) error {
	j, err := w.e.job(id)
	if err != nil {
		return err
	}
	w.add(j, since)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return nil
}

func (w *Watch) add(j *job, since uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs[j.rec.ID], w.seen[j.rec.ID] = j, since
}

// Skip takes what was handed out of a job elsewhere as seen.
func (w *Watch) Skip(id, seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now, ok := w.seen[id]; ok && now < seq {
		w.seen[id] = seq
	}
}

// Next waits for news and returns all there is, of each job oldest first. It ends with io.EOF when every job is at rest
// and all has been handed out, and with the context's cause.
func (w *Watch) Next(ctx context.Context) ([]Update, error) {
	for {
		news, rest := w.Take()
		if len(news) > 0 {
			return news, nil
		}
		if rest {
			return nil, io.EOF
		}
		if err := w.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// Wait returns when there may be news, or with the context's cause.
func (w *Watch) Wait(ctx context.Context) error {
	select {
	case <-w.wake:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Take returns the news there are, and whether every job is at rest.
func (w *Watch) Take() (news []Update, rest bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all {
		w.join()
	}
	rest = true
	for _, id := range sortedKeys(w.jobs) {
		alive := w.e.alive(id) // before its history: a resumed job is not at rest, although its last update so far is its interruption
		some, resting := w.jobs[id].history.after(w.seen[id])
		if len(some) > 0 {
			w.seen[id] = some[len(some)-1].Seq
		}
		news = append(news, some...)
		rest = rest && resting && !alive
		if w.all && resting && !alive {
			delete(w.jobs, id)
		}
	}
	return news, rest
}

// Close ends the watch.
func (w *Watch) Close() { w.e.news.leave(w.wake) }

func sortedKeys[V any](m map[uint64]V) []uint64 { return slices.Sorted(maps.Keys(m)) }

// Unfinished lists the jobs that are queued or at work.
func (e *Engine) Unfinished() (ids []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, j := range e.jobs {
		if j.isLive() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
