package wipe

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// brisk is how long an I/O takes for each of its blocks at most, where the next one is worth to be longer. An I/O costs the
// processor about 40 µs, whatever its length. That weighs where DefaultDepth blocks of DefaultBlock come back at 800 MB/s and
// more; a drive that is slower, or sick, is to be asked for little at a time.
const brisk = 5 * time.Millisecond

// instant is how long an I/O takes for each of its blocks at least, where the next one is worth to be longer: 16 GB/s, where DefaultDepth
// blocks come back in it. What answers faster is memory that this processor reads or writes itself. Nobody sleeps meanwhile, and of
// long requests less stays in the cache: zram is read back at 39 GB/s in requests of 1 MiB, and at 22 in those of 4 (docs/performance.md).
const instant = 200 * time.Microsecond

// settled is how many I/Os in a row have to be brisk before a worker asks for more at a time: caches and throttles let the first
// few through at once, whatever comes after them, and a slow drive is not worth the memory.
const settled = 8

// crew is the workers of one run.
type crew struct {
	verb     string // write or read
	sector   int
	fatal    func(error) bool
	progress *Progress
	effort   *Effort
	track    *track
	most     int64        // blocks of one I/O
	next     atomic.Int64 // number of the next block to take
	stop     context.CancelFunc

	mu       sync.Mutex
	err      error
	panicked error
}

// opener makes the device of one worker, out of the worker's own source and buffer.
type opener func(s source, buf []byte) device

// work covers extents, which are the run's own or less, with a worker for each I/O in flight, which gets a source and a
// buffer of its own. verb is for error messages.
func (r *Run) work(ctx context.Context, verb string, extents []Range, b buffers, open opener) error {
	plan := newPlan(extents, r.Block, r.Extents[len(r.Extents)-1].End())
	workers := int(min(int64(r.Depth), plan.blocks()))
	mem, err := newArena(r.memory(workers, b))
	if err != nil {
		return err
	}
	defer mem.release()
	c := r.crew(verb, &track{plan: plan, low: make([]atomic.Int64, workers), back: make([]atomic.Int64, workers)})
	if !r.Progress.begin(c.track) {
		return errors.New("start run: its progress has served another one")
	}
	r.Progress.skipped.Store(r.Bytes() - lengths(extents))
	source := r.sources(mem, b.source, workers)
	devices := make([]device, workers)
	for i := range devices {
		devices[i] = open(source(), mem.take(b.read))
	}
	c.start(ctx, devices)
	return c.result(ctx, r.Bytes())
}

func (r *Run) crew(verb string, t *track) *crew {
	fatal := r.Fatal
	if fatal == nil {
		fatal = func(error) bool { return false }
	}
	effort := r.Effort
	if effort == nil {
		effort = NewEffort(DefaultBounds)
	}
	return &crew{verb: verb, sector: r.Sector, fatal: fatal, progress: r.Progress, effort: effort, track: t, most: int64(r.burst)}
}

// start runs a worker with each device, and returns when the last one has ended.
func (c *crew) start(ctx context.Context, devices []device) {
	ctx, c.stop = context.WithCancel(ctx)
	defer c.stop()
	var all sync.WaitGroup
	for i, d := range devices {
		w := &worker{crew: c, device: d, low: &c.track.low[i], back: &c.track.back[i], done: ctx.Done(), blocks: 1}
		all.Go(w.run)
	}
	all.Wait()
}

// result is what a run over so many bytes returns once no worker runs any more. That all is accounted for it checks
// again, by other means than the workers went by: a gap that nobody noticed would be called erased.
func (c *crew) result(ctx context.Context, bytes int64) error {
	if c.panicked != nil {
		panic(c.panicked)
	}
	if c.err != nil {
		return c.err
	}
	ended := c.track.lowest() >= c.track.plan.blocks()
	if !ended && ctx.Err() != nil {
		return ctx.Err()
	}
	if done := c.progress.Done(); !ended || done != bytes {
		return fmt.Errorf("end run: a defect: %d of %d bytes are accounted for", done, bytes)
	}
	return nil
}

// fail ends the run with err, unless another error came first.
func (c *crew) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	c.stop()
}

// caught ends the run because of a panic, which the goroutine that called the run is to see: it can recover there.
func (c *crew) caught(value any) {
	c.mu.Lock()
	if c.panicked == nil {
		c.panicked = fmt.Errorf("panic in a worker: %v\n%s", value, debug.Stack())
	}
	c.mu.Unlock()
	c.stop()
}

// worker is one goroutine of a crew.
type worker struct {
	*crew
	device device
	low    *atomic.Int64 // see track
	back   *atomic.Int64 // see track
	done   <-chan struct{}
	blocks int64 // to take at a time
	streak int   // brisk I/Os in a row

	// Of the blocks under way:
	retries int  // left
	cost    Cost // of what failed
	anyGood bool // some of it got through
}

// errStopped ends a worker because the run is over, by ctx or by another worker's error.
var errStopped = errors.New("stopped")

func (w *worker) run() {
	defer func() {
		w.back.Store(atRest)
		if value := recover(); value != nil {
			w.caught(value)
		}
	}()
	for {
		number := w.next.Add(w.blocks) - w.blocks
		for end := number + w.blocks; number < end; {
			area, n := w.track.plan.at(number, end-number)
			if n == 0 {
				w.low.Store(w.track.plan.blocks())
				return
			}
			w.low.Store(number)
			if !w.cover(area, n) {
				return
			}
			number += n
			w.low.Store(number)
		}
	}
}

// cover deals with n blocks that are one piece. False means that the run is over.
func (w *worker) cover(area Range, n int64) bool {
	w.retries, w.cost, w.anyGood = maxRetries, Cost{}, false
	begun := time.Now()
	if err := w.transfer(area.Offset, int(area.Length)); err != nil {
		if err != errStopped {
			w.fail(err)
		}
		return false
	}
	w.effort.block(w.anyGood, area.Length)
	took := time.Since(begun) / time.Duration(n)
	if w.streak++; w.cost.Tries > 0 || took < instant || took >= brisk {
		w.streak = 0
	}
	w.blocks = 1
	if w.streak >= settled {
		w.blocks = w.most
	}
	return true
}

// stopped is what a worker asks before each I/O: it takes no lock as long as the answer is no.
func (w *worker) stopped() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}
