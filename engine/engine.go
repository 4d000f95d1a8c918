package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// Config is what an engine works with. Sources, Journal, Signer and Log are required.
type Config struct {
	Sources  []drive.Source
	Journal  *journal.Journal
	Signer   ssh.Signer // signs certificates
	Log      *slog.Logger
	Protect  []string // globs of drives that are never erased
	Halted   string   // why no drive at all may be erased; "": some may
	Parallel int      // drives erased at once; 0: all
	Orders   string   // a folder for the marks of commands that block; "": they are sent like all others
	Station  string   // name of this machine on certificates
	Software string   // "wiped VERSION (REVISION)"

	Health    Health        // the condition of drives; nil: nothing is known of it
	Clock     func() string // whether this machine's clock is synchronised; nil: unknown
	KeyOrigin string        // where the signing key comes from, if that is worth saying

	CheckpointEvery time.Duration    // 0: 5 s
	CheckpointBytes int64            // 0: 8 GiB
	Tick            time.Duration    // how often progress is reported; 0: 1 s
	Patience        time.Duration    // how long a drive may erase itself without getting on; 0: see patience
	Limits          Limits           // on the patience with sick drives
	Now             func() time.Time // the station's clock; nil: time.Now
	Random          io.Reader        // nil: crypto/rand
}

// Engine runs jobs. Its methods may be called from any goroutine.
type Engine struct {
	cfg         Config
	turns       turns
	surveys     surveys
	controllers controllers
	orders      orders
	news        bell
	stop        chan struct{} // closed when the program ends
	running     sync.WaitGroup
	submitting  sync.Mutex // one command at a time decides which drives it takes
	ending      sync.Mutex // a job is not cancelled while it is being resumed

	mu    sync.Mutex
	jobs  map[uint64]*job   // unfinished ones, and those that ended lately
	taken map[string]uint64 // key of a drive's ID -> the job that has it
	stuck map[uint64]*job   // jobs that are over while a request to their drive is still out
	ended []uint64          // jobs that ended, oldest first, to be forgotten here in time

	opening map[string]bool // keys of drives whose hidden areas are being opened; under mu
}

// rememberEnded is how many ended jobs are held besides the journal, for those who still watch them.
const rememberEnded = 256

// New makes an engine over a journal. Jobs that were under way when the program last ended are interrupted from now on:
// what they had done stands in their checkpoints.
func New(cfg Config) (*Engine, error) {
	if cfg.CheckpointEvery == 0 {
		cfg.CheckpointEvery = 5 * time.Second
	}
	if cfg.CheckpointBytes == 0 {
		cfg.CheckpointBytes = 8 << 30
	}
	if cfg.Tick == 0 {
		cfg.Tick = time.Second
	}
	if cfg.Health == nil {
		cfg.Health = nothing{}
	}
	if cfg.Clock == nil {
		cfg.Clock = func() string { return "" }
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Limits = cfg.Limits.orDefault()
	e := &Engine{cfg: cfg, orders: orders{cfg.Orders}, jobs: map[uint64]*job{}, taken: map[string]uint64{}, stuck: map[uint64]*job{}, stop: make(chan struct{}), turns: turns{limit: cfg.Parallel}}
	for _, glob := range cfg.Protect {
		if err := checkGlob(glob); err != nil {
			return nil, err
		}
	}
	if err := e.recover(); err != nil {
		return nil, err
	}
	return e, nil
}

// recover takes the unfinished jobs out of the journal and marks as interrupted those that were not yet.
func (e *Engine) recover() error {
	records, err := e.cfg.Journal.Unfinished()
	if err != nil {
		return fmt.Errorf("recover jobs: %w", err)
	}
	var inside []*job
	e.orders.sweep(records)
	for _, r := range records {
		j := e.newJob(r)
		e.jobs[r.Job.ID] = j
		if _, rest := j.history.after(0); rest {
			continue
		}
		if j.plan.sent {
			inside = append(inside, j)
			continue
		}
		if err := j.interrupt("the server was stopped without warning; it can be resumed"); err != nil {
			return fmt.Errorf("recover jobs: %w", err)
		}
		e.cfg.Log.Warn("job was under way when the server stopped", "job", r.Job.ID, "drive", r.Job.Drive.Name)
	}
	return e.pickUp(inside)
}

// Shutdown interrupts every running job at a checkpoint and returns when all have stopped.
func (e *Engine) Shutdown() {
	close(e.stop)
	e.haltAll()
	e.submitting.Lock() // what was being submitted meanwhile is among the jobs by now, or was refused
	e.haltAll()
	e.submitting.Unlock()
	e.running.Wait()
}

func (e *Engine) haltAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.jobs {
		if j.halt != nil {
			j.halt(errInterrupted)
		}
	}
}

// Signer is the public half of the key that signs certificates.
func (e *Engine) Signer() ssh.PublicKey { return e.cfg.Signer.PublicKey() }

// KeyOrigin says where the key that signs comes from, if that is worth saying.
func (e *Engine) KeyOrigin() string { return e.cfg.KeyOrigin }

// Station is the name of this machine on certificates.
func (e *Engine) Station() string { return e.cfg.Station }

func (e *Engine) stopping() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// find looks at all drives of all sources.
func (e *Engine) find() ([]drive.Drive, error) {
	var all []drive.Drive
	for _, s := range e.cfg.Sources {
		found, err := s.Find()
		if err != nil {
			return nil, fmt.Errorf("find drives: %w", err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// take reserves a drive for a job: whoever shares one of its keys is refused until release.
func (e *Engine) take(id uint64, keys []string) {
	for _, k := range keys {
		e.taken[k] = id
	}
}

func (e *Engine) release(id uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for k, owner := range e.taken {
		if owner == id {
			delete(e.taken, k)
		}
	}
	delete(e.stuck, id)
}

// holder is the job that has a drive, or zero. One that is stuck is over, but for a request that is still out. A drive whose
// hidden areas are being opened has no job yet.
type holder struct {
	job     uint64
	stuck   bool
	opening bool
}

// takenBy is the job that has a drive, or 0. The caller holds mu.
func (e *Engine) takenBy(id drive.ID) holder {
	for _, k := range id.Keys {
		if owner, ok := e.taken[k]; ok {
			return holder{job: owner, stuck: e.stuck[owner] != nil}
		}
		if e.opening[k] {
			return holder{opening: true}
		}
	}
	return holder{}
}

// strand keeps the drives of a job that is over as long as requests to them are out; false if none is. The last one to
// come back frees them.
func (e *Engine) strand(j *job) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.leaving = true
	if len(j.out) > 0 {
		e.stuck[j.rec.ID] = j
	}
	return len(j.out) > 0
}

// stillBusy shows the drives of a job that is over as busy, unless they are free already.
func (e *Engine) stillBusy(j *job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, owner := range e.taken {
		if owner == j.rec.ID {
			e.stuck[owner] = j
		}
	}
}

// alive tells whether a job's goroutine runs.
func (e *Engine) alive(id uint64) bool {
	e.mu.Lock()
	j := e.jobs[id]
	e.mu.Unlock()
	return j != nil && j.isLive()
}

// forget drops the oldest ended jobs from memory; the journal has them.
func (e *Engine) forget(id uint64) {
	e.orders.forget(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended = append(e.ended, id); len(e.ended) > rememberEnded {
		delete(e.jobs, e.ended[0])
		e.ended = e.ended[1:]
	}
}

// job finds a job in memory, or makes one from the journal that is only looked at.
func (e *Engine) job(id uint64) (*job, error) {
	e.mu.Lock()
	j := e.jobs[id]
	e.mu.Unlock()
	if j != nil {
		return j, nil
	}
	r, err := e.cfg.Journal.Job(id)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, noJob(id)
	}
	if err != nil {
		return nil, err
	}
	return e.newJob(r), nil
}

// bell wakes all who wait for news. Ringing never waits for anybody.
type bell struct {
	mu      sync.Mutex
	waiting map[chan struct{}]bool
}

func (b *bell) listen() chan struct{} {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[chan struct{}]bool{}
	}
	b.waiting[c] = true
	return c
}

func (b *bell) leave(c chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, c)
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.waiting {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func checkGlob(glob string) error {
	if _, err := matchFold(glob, ""); err != nil || strings.TrimSpace(glob) == "" {
		return fmt.Errorf("--protect %q is not a glob: use a name, path, serial or WWN, with * and ? for parts of it", glob)
	}
	return nil
}
