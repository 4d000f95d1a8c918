package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
)

var watch = command{
	name: "watch", args: "[ID...] [--since SEQ] [--json]", role: auth.Viewer, max: -1, words: jobWords,
	short: "status lines of jobs as they come, until they end",
	long: "Without ID: all unfinished jobs. ^C stops watching with exit code 130, the jobs go on. With --since, what happened after that " +
		"sequence number comes first: a program that lost its connection goes on where it was. The exit code is the worst result.",
	example: "watch 7 --since 1042 --json",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		since := fs.Uint64("since", 0, "begin after this sequence number, `SEQ`")
		asJSON := fs.Bool("json", false, "print one JSON object a line")
		return func(c *call) error {
			ids, err := c.ids()
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				if ids = c.sh.Engine.Unfinished(); len(ids) == 0 {
					return fail(exitNotFound, "there is no unfinished job to watch. Next: jobs --all")
				}
			}
			from := map[uint64]uint64{}
			if fs.Changed("since") {
				for _, id := range ids {
					from[id] = *since
				}
				return c.follow(ids, from, *asJSON)
			}
			return c.follow(ids, nil, *asJSON)
		}
	},
}

// ids reads the arguments as job ids.
func (c *call) ids() (ids []uint64, err error) {
	for _, word := range c.args {
		id, err := strconv.ParseUint(word, 10, 64)
		if err != nil || id == 0 {
			return nil, fail(exitUsage, "%s is not a job's id: ids are numbers. Next: jobs", quoted(word))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// follow shows jobs until they are at rest; its error holds the exit code of the worst. from holds sequence numbers after
// which to begin; nil: with what each is doing now.
func (c *call) follow(ids []uint64, from map[uint64]uint64, asJSON bool) error {
	ctx, stop := c.interruptible()
	defer stop()
	var begin *uint64
	if from != nil {
		begin = new(uint64)
	}
	w, err := c.sh.Engine.Watch(ids, begin)
	if err != nil {
		return err
	}
	defer w.Close()
	for id, seq := range from {
		w.Skip(id, seq)
	}
	for {
		news, err := w.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c.results(ids)
		}
		if err != nil {
			return err
		}
		for _, u := range news {
			if err := c.show(u, asJSON); err != nil {
				return err
			}
		}
	}
}

func (c *call) show(u engine.Update, asJSON bool) error {
	c.s.shown(u)
	if asJSON {
		return c.json(u.Event)
	}
	_, err := fmt.Fprint(c.out, c.s.statusText(u))
	return err
}

// results is the exit code of jobs that are at rest.
func (c *call) results(ids []uint64) error {
	var codes []int
	for _, id := range ids {
		v, err := c.sh.Engine.Job(id)
		if err != nil {
			return err
		}
		codes = append(codes, resultCode(v.State))
	}
	return ended(worst(codes))
}

// interruptible is a context that also ends when ^C is pressed.
func (c *call) interruptible() (context.Context, func()) {
	ctx, stop := context.WithCancelCause(c.ctx)
	keys := c.s.Interrupt
	if c.s.editor != nil {
		keys = either(ctx.Done(), keys, c.s.editor.Interrupts())
	}
	go func() {
		select {
		case <-keys:
			stop(errLeft)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { stop(nil) }
}
