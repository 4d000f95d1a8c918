package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"wiped/engine"
	"wiped/engine/drive"
	"wiped/engine/drive/block"
	"wiped/engine/journal"
)

// checkpoints measures what flushes, checkpoints and progress cost a pass: the engine in this process over zram, as the product has it
// set, and set so that none of that happens between the pass's begin and its end.
func checkpoints(l *lab) error {
	d, err := l.zramDrive(l.form.zram)
	if err != nil {
		return err
	}
	pass := func(name string, change func(*engine.Config)) contender {
		return contender{name, func() (map[string]float64, error) {
			m, err := l.pass(d, change)
			return m.figures("write"), err
		}}
	}
	return l.contest("machinery", l.form.rounds,
		pass("with checkpoints", func(c *engine.Config) {
			if l.short {
				c.CheckpointEvery, c.Tick = 10*time.Millisecond, 10*time.Millisecond
			}
		}),
		pass("without", func(c *engine.Config) {
			const never = 1000 * time.Hour
			c.CheckpointEvery, c.CheckpointBytes, c.Tick = never, math.MaxInt64, never
		}),
	)
}

// pass writes zeros in this process, by an engine over a journal of its own.
func (l *lab) pass(d device, change func(*engine.Config)) (moved, error) {
	state, err := l.newState()
	if err != nil {
		return moved{}, err
	}
	source, err := block.New(d.name())
	if err != nil {
		return moved{}, err
	}
	found, err := source.Find()
	if err != nil || len(found) != 1 {
		return moved{}, fmt.Errorf("find %s: %d drives, %w", d.path, len(found), err)
	}
	j, err := journal.Open(filepath.Join(state, "journal.db"))
	if err != nil {
		return moved{}, err
	}
	defer j.Close()
	cfg := engine.Config{Sources: []drive.Source{source}, Journal: j, Signer: l.key.signer, Log: slog.New(slog.DiscardHandler), Station: "bench", Software: "bench"}
	change(&cfg)
	e, err := engine.New(cfg)
	if err != nil {
		return moved{}, err
	}
	defer e.Shutdown()
	cpu := ownCPU()
	jobs, err := e.Erase(engine.Request{Drives: []string{d.name()}, Confirm: []string{found[0].Info().Serial}, Method: "zero", Verify: "none",
		Operator: journal.Operator{Name: "bench", Fingerprint: "none"}})
	if err != nil {
		return moved{}, err
	}
	begun, ended, err := spanOf(l.ctx, e, jobs[0].Job.ID)
	return moved{d.size, ended.Sub(begun), ownCPU() - cpu}, err
}

// spanOf waits for a job, and returns when it began to write and when it ended.
func spanOf(ctx context.Context, e *engine.Engine, id uint64) (begun, ended time.Time, err error) {
	since := uint64(0)
	w, err := e.Watch([]uint64{id}, &since)
	if err != nil {
		return begun, ended, err
	}
	defer w.Close()
	for {
		news, err := w.Next(ctx)
		if errors.Is(err, io.EOF) {
			return begun, ended, nil
		}
		if err != nil {
			return begun, ended, err
		}
		for _, u := range news {
			if u.Outcome != nil && u.Result != "unverified" {
				return begun, ended, fmt.Errorf("the job ended as %s: %s", u.Result, u.Reason)
			}
			if begun.IsZero() && u.State == string(engine.Running) {
				begun = u.Time.Time
			}
			ended = u.Time.Time
		}
	}
}
