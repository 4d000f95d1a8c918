package shell

import (
	"time"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
)

// cancelPatience is how long cancel waits for a drive to answer before it says so.
const cancelPatience = 10 * time.Second

var cancel = command{
	name: "cancel", args: "ID...", role: auth.Operator, changes: true, stops: true, min: 1, max: -1, words: jobWords,
	short: "end jobs for good; their drives stay as they are then",
	long: "A cancelled job cannot be resumed, and its certificate says NOT ERASED. An interrupted job can be cancelled too. " +
		"All jobs named are checked first; if one cannot be cancelled none is.",
	example: "cancel 7",
	prepare: noFlags(func(c *call) error {
		ids, err := c.ids()
		if err != nil {
			return err
		}
		views, err := c.sh.Engine.Cancel(ids, cancelPatience)
		if err != nil {
			return err
		}
		for _, v := range views {
			switch {
			case v.State == engine.Cancelled:
				c.printf("job %d cancelled at %s: %s, %s\n", v.Job.ID, engine.Percent(v.Last), v.Job.Drive.Name, v.Last.Reason)
			case v.State.End():
				c.printf("job %d ended before it could be cancelled: %s\n", v.Job.ID, v.State)
			default:
				c.printf("job %d is being cancelled: its drive has not answered yet. Next: watch %d\n", v.Job.ID, v.Job.ID)
			}
		}
		return nil
	}),
}

var resume = command{
	name: "resume", args: "ID... [--confirm SERIAL]... | --all", role: auth.Operator, changes: true, max: -1, words: jobWords,
	short: "let interrupted jobs go on from their last checkpoint",
	long: "The drive is looked at as `erase` does, and all that the checkpoint claims is read back before the job goes on. A drive without " +
		"a serial of its own (shown with ~) must be confirmed again.",
	example: "resume 7 --confirm ~img-0123456789",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		all := fs.Bool("all", false, "every interrupted job")
		confirm := fs.StringArray("confirm", nil, "the `SERIAL` of a drive that has none of its own")
		return func(c *call) error { return runResume(c, *all, *confirm) }
	},
}

func runResume(c *call, all bool, confirm []string) error {
	ids, err := c.ids()
	if err != nil {
		return err
	}
	switch {
	case all && len(ids) > 0:
		return fail(exitUsage, "resume: either ids or --all. Next: help resume")
	case all:
		if ids = c.sh.Engine.Interrupted(); len(ids) == 0 {
			return fail(exitNotFound, "there is no interrupted job. Next: jobs")
		}
	case len(ids) == 0:
		return fail(exitUsage, "resume: which job? Next: jobs, then resume ID or resume --all")
	}
	views, err := c.sh.Engine.Resume(ids, confirm)
	if err != nil {
		return c.commandToType(err)
	}
	return c.started(views, "resumed", false, false)
}
