package shell

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
)

// Machine is the appliance itself, where wiped is all that runs on it.
type Machine interface {
	PowerOff() error
	Reboot() error
	// Suspend returns when the machine is awake again: by itself after a time, or by its button where that is 0.
	Suspend(time.Duration) error
	// Persistent tells whether the state outlives a power-off.
	Persistent() bool
}

var poweroff = command{
	name: "poweroff", args: "[--lose-certificates]", role: auth.Admin, changes: true, appliance: true,
	short:   "switch the appliance off",
	long:    powerLong,
	prepare: preparePower("powering off", Machine.PowerOff),
}

var reboot = command{
	name: "reboot", args: "[--lose-certificates]", role: auth.Admin, changes: true, appliance: true,
	short:   "start the appliance anew",
	long:    powerLong,
	prepare: preparePower("rebooting", Machine.Reboot),
}

const powerLong = "Refused while a job runs. Where the state is kept in memory only, it is also refused while certificates have not been fetched " +
	"(`certificate ID --format json` and `--format sig`) or the `signer` line that they are checked with: they would be gone."

// leastSleep is what the machine needs to fall asleep before it is to wake up again. If the alarm is over by then, it sleeps
// until somebody presses its button.
const leastSleep = 2 * time.Second

var suspend = command{
	name: "suspend", args: "[--for DURATION] [--lose-certificates]", role: auth.Admin, changes: true, appliance: true,
	short: "sleep for some seconds: thaws drives that the BIOS froze",
	long: "Drives that the BIOS froze refuse security erase until they lose power for a moment; a suspend does that. The connection " +
		"stalls meanwhile. Refused while a job runs, and, as a machine may fail to wake up, while `poweroff` would be refused.",
	example: "suspend --for 30s",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		after := fs.Duration("for", 10*time.Second, "wake up after this `DURATION`, 2s or more; 0: only by the power button")
		lose := loseFlag(fs)
		return func(c *call) error {
			if *after != 0 && *after < leastSleep {
				return fail(exitUsage, "suspend: --for %s is too short to fall asleep in. Next: --for 2s or longer, or --for 0 to wait for the power button", *after)
			}
			if err := c.mayEnd(*lose); err != nil {
				return err
			}
			if err := c.sh.Machine.Suspend(*after); err != nil {
				return &failure{exitFailed, clean(err.Error()), err}
			}
			c.printf("awake again\n")
			return nil
		}
	},
}

func preparePower(saying string, do func(Machine) error) func(*pflag.FlagSet) func(*call) error {
	return func(fs *pflag.FlagSet) func(*call) error {
		lose := loseFlag(fs)
		return func(c *call) error {
			if err := c.mayEnd(*lose); err != nil {
				return err
			}
			c.printf("%s\n", saying)
			return do(c.sh.Machine)
		}
	}
}

func loseFlag(fs *pflag.FlagSet) *bool {
	return fs.Bool("lose-certificates", false, "although certificates that nobody fetched may be lost")
}

// mayEnd refuses what ends the machine, or may end it, while that would lose something.
func (c *call) mayEnd(lose bool) error {
	if err := c.nothingRuns(); err != nil || lose {
		return err
	}
	return c.allFetched()
}

func (c *call) nothingRuns() error {
	if ids := c.sh.Engine.Unfinished(); len(ids) > 0 {
		return fail(exitRefused, "jobs are not finished: %s. Next: watch, or cancel %s (a drive that erases itself cannot be stopped)",
			numbers(ids), strings.ReplaceAll(numbers(ids), ",", ""))
	}
	return nil
}

// allFetched holds the certificates against what sessions took away, where they are kept in memory alone.
func (c *call) allFetched() error {
	if c.sh.Machine.Persistent() {
		return nil
	}
	views, err := c.sh.Engine.Jobs(time.Time{})
	if err != nil {
		return err
	}
	var ended, left, open []uint64
	for _, v := range views {
		if v.State == engine.Interrupted {
			open = append(open, v.Job.ID)
		}
		if v.State.End() {
			ended = append(ended, v.Job.ID)
		}
		if v.State.End() && !c.sh.fetched.both(v.Job.ID) {
			left = append(left, v.Job.ID)
		}
	}
	switch {
	case len(open) > 0:
		return fail(exitRefused, "the state is in memory only, and it alone knows of these interrupted jobs: %s. Next: resume %d, or cancel %d; or --lose-certificates",
			numbers(open), open[0], open[0])
	case len(left) > 0:
		return fail(exitRefused, "the state is in memory only, and nobody fetched the certificates of these jobs: %s. "+
			"Next: certificate %d --format json, then --format sig, and signer; or --lose-certificates", numbers(left), left[0])
	case len(ended) > 0 && !c.sh.fetched.signer():
		return fail(exitRefused, "the state is in memory only, and nobody fetched the signer line, without which the certificates prove nothing. "+
			"Next: signer; or --lose-certificates")
	}
	return nil
}

func numbers(ids []uint64) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]")
}
