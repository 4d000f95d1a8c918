package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// form is how much is measured.
type form struct {
	size     int64 // of the one drive, in bytes
	slow     int64 // of the drive that slow peers erase
	startup  int64 // of a drive so small that erasing it shows what a peer takes to start
	zram     int64 // of the zram drive, which takes no memory for zeros
	watched  int64 // of the zram drive that a crowd watches: the start of a job, when each of them hears several lines, weighs little
	many     int64 // of each of the 32 drives
	scaled   int64 // of each of up to 64 drives
	rounds   int
	few      int // rounds of what takes long
	watchers int
	idle     int // terminal sessions
	hellos   int
	logins   time.Duration
	starts   int
	budget   time.Duration // of a contest: no round but the first ones begins after it
	drives   []int         // how many at once, for the plot
	jobs     []int         // in the journal, for the plot
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

var long = form{size: 2 * gib, slow: gib, startup: 16 * mib, zram: 32 * gib, watched: 128 * gib, many: 448 * mib, scaled: 128 * mib, rounds: 7, few: 3,
	watchers: 1000, idle: 200, hellos: 61, logins: 3 * time.Second, starts: 9, budget: 60 * time.Second,
	drives: []int{1, 4, 16, 32, 64}, jobs: []int{10, 1000, 10000}}

var short = form{size: 32 * mib, slow: 16 * mib, startup: 4 * mib, zram: 256 * mib, watched: 256 * mib, many: 4 * mib, scaled: 4 * mib, rounds: 1, few: 1,
	watchers: 40, idle: 10, hellos: 3, logins: 500 * time.Millisecond, starts: 1, drives: []int{1, 4, 16, 32, 64}, jobs: []int{10, 30, 100}}

// lab is a place to measure in: what is made in it is gone when it closes.
type lab struct {
	ctx     context.Context
	form    form
	short   bool
	wiped   string
	dir     string // on a disk: states, keys
	ram     string // on a tmpfs: what devices are made of
	reserve int64  // bytes
	key     *operator
	figures map[string][]float64
	failed  map[string]string // experiment -> why
	facts   map[string]string // what else should be known of this run
	undo    []func() error
}

func newLab(ctx context.Context, o *options) (*lab, error) {
	l := &lab{ctx: ctx, form: long, short: o.short, reserve: o.reserve * mib, figures: map[string][]float64{}, failed: map[string]string{},
		facts: map[string]string{}}
	l.form.budget = o.budget
	if o.short {
		l.form, l.reserve = short, 512*mib
	}
	var err error
	if l.wiped, err = filepath.Abs(o.wiped); err == nil {
		_, err = os.Stat(l.wiped)
	}
	if err != nil {
		return nil, fmt.Errorf("%w. Next: make build", err)
	}
	for _, place := range []struct {
		dir  *string
		base string
	}{{&l.dir, filepath.Dir(o.json)}, {&l.ram, o.ram}} {
		if *place.dir, err = os.MkdirTemp(place.base, "wiped-bench-"); err != nil {
			return nil, errors.Join(err, l.close())
		}
		if *place.dir, err = filepath.Abs(*place.dir); err != nil {
			return nil, err
		}
		path := *place.dir
		l.later(func() error { return os.RemoveAll(path) })
	}
	if l.key, err = newOperator(l.dir); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// later has f called when the lab closes, before what was given to it earlier.
func (l *lab) later(f func() error) { l.undo = append(l.undo, f) }

func (l *lab) close() error {
	var errs []error
	for _, f := range slices.Backward(l.undo) {
		errs = append(errs, f())
	}
	l.undo = nil
	err := errors.Join(errs...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: clean up:", err)
	}
	return err
}

// experiment measures something and notes the figures.
type experiment struct {
	name string
	run  func(*lab) error
}

// perform runs an experiment in a lab of its own. That it fails leaves rows without figures, and nothing else.
func (l *lab) perform(e experiment) {
	began := time.Now()
	fmt.Fprintf(os.Stderr, "%s ...", e.name)
	inner := *l
	inner.undo = nil
	err := e.run(&inner)
	if err = errors.Join(err, inner.close()); err != nil {
		l.failed[e.name] = err.Error()
		fmt.Fprintf(os.Stderr, " FAILED: %v", err)
	}
	fmt.Fprintf(os.Stderr, " %.0f s\n", time.Since(began).Seconds())
}

// note keeps figures of one round. Names are those of rows: DEVICE/WHO/WHAT.
func (l *lab) note(prefix string, figures map[string]float64) {
	for name, value := range figures {
		key := prefix + "/" + name
		l.figures[key] = append(l.figures[key], value)
	}
}

// contender is one of those that are measured in turn.
type contender struct {
	name string
	run  func() (map[string]float64, error)
}

// fewest rounds make a median.
const fewest = 3

// contest lets all have their turn, round by round, so that what happens to the machine meanwhile happens to all of them. Each round
// begins with another one. Who fails is left out from then on. On a slow machine there are fewer rounds.
func (l *lab) contest(device string, rounds int, all ...contender) error {
	failed := make([]error, len(all))
	began := time.Now()
	for round := range rounds {
		if round >= fewest && time.Since(began) > l.form.budget {
			break
		}
		for n := range all {
			at := (n + round) % len(all)
			if failed[at] != nil {
				continue
			}
			if err := l.ctx.Err(); err != nil {
				return err
			}
			figures, err := all[at].run()
			if err != nil {
				failed[at] = fmt.Errorf("%s: %w", all[at].name, err)
				continue
			}
			l.note(device+"/"+all[at].name, figures)
		}
	}
	return errors.Join(failed...)
}

// moved is what one run did to a drive.
type moved struct {
	bytes     int64
	wall, cpu time.Duration
}

func (m moved) rate() float64 { return float64(m.bytes) / m.wall.Seconds() }

// figures are the rate in bytes a second and the processor seconds per GiB, under the name of what was done.
func (m moved) figures(what string) map[string]float64 {
	return map[string]float64{what + " rate": m.rate(), what + " processor": m.cpu.Seconds() / (float64(m.bytes) / gib)}
}

func alone(name string, value float64) map[string]float64 { return map[string]float64{name: value} }

// needMemory tells whether devices of so many bytes leave the reserve free.
func (l *lab) needMemory(bytes int64) error {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return err
	}
	var available int64
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &available); err == nil {
			break
		}
	}
	if have := available * kib; have < bytes+l.reserve {
		return fmt.Errorf("devices of %d MiB do not leave %d MiB of memory free: %d MiB are", bytes/mib, l.reserve/mib, have/mib)
	}
	return nil
}
