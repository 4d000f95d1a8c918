package shell

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
)

// recent is how long an ended job stays in the plain listing.
const recent = 24 * time.Hour

var jobs = command{
	name: "jobs", args: "[--all] [--json]", role: auth.Viewer,
	short: "list unfinished jobs and those of the last 24 hours",
	long:  "With --all: every job this station ever had. `job ID` tells more of one.",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		all := fs.Bool("all", false, "every job, however old")
		asJSON := fs.Bool("json", false, "print one JSON array")
		return func(c *call) error { return listJobs(c, *all, *asJSON) }
	},
}

func listJobs(c *call, all, asJSON bool) error {
	since := time.Now().Add(-recent)
	if all {
		since = time.Time{}
	}
	views, err := c.sh.Engine.Jobs(since)
	if err != nil {
		return err
	}
	if asJSON {
		docs := []jobJSON{}
		for _, v := range views {
			docs = append(docs, jobDocument(v))
		}
		return c.json(docs)
	}
	if len(views) == 0 {
		c.printf("no jobs. Start one with erase\n")
		return nil
	}
	columns := []column{{"JOB", 0}, {"DRIVE", 8}, {"SERIAL", 0}, {"METHOD", 0}, {"STATE", 14}, {"OPERATOR", 8}, {"BEGAN", 10}}
	var rows [][]string
	for _, v := range views {
		rows = append(rows, []string{fmt.Sprint(v.Job.ID), v.Job.Drive.Name, v.Job.Drive.Serial, v.Job.Method.Name, jobState(v),
			v.Job.Operator.Name, began(v)})
	}
	table(c.out, c.width(), columns, rows)
	return nil
}

// jobState is a job's state in a table.
func jobState(v engine.View) string {
	switch v.State {
	case engine.Running, engine.Verifying, engine.Interrupted:
		return fmt.Sprintf("%s %s", v.State, engine.Percent(v.Last))
	case engine.Failed, engine.Unknown:
		return strings.ToUpper(string(v.State))
	case engine.Unverified:
		return "NOT verified"
	}
	return string(v.State)
}

func began(v engine.View) string {
	if v.Started.IsZero() {
		return "-"
	}
	return v.Started.UTC().Format("2006-01-02 15:04:05Z")
}

var jobCmd = command{
	name: "job", args: "ID [--json]", role: auth.Viewer, min: 1, max: 1, words: jobWords,
	short:   "everything about one job",
	long:    "Shows what was asked for, by whom, how far it is or how it ended.",
	example: "job 7",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		asJSON := fs.Bool("json", false, "print one JSON object")
		return func(c *call) error { return showJob(c, *asJSON) }
	},
}

func showJob(c *call, asJSON bool) error {
	ids, err := c.ids()
	if err != nil {
		return err
	}
	v, err := c.sh.Engine.Job(ids[0])
	if err != nil {
		return err
	}
	if asJSON {
		return c.json(jobDocument(v))
	}
	c.printf("%s\n", c.sh.status(engine.Update{Event: v.Last}))
	j := v.Job
	for _, row := range [][2]string{
		{"drive", fmt.Sprintf("%s (%s), %s, %s", j.Drive.Name, j.Drive.Path, j.Drive.Model, size(j.Drive.SizeBytes))},
		{"serial", j.Drive.Serial}, {"WWN", string(j.Drive.WWN)},
		{"method", fmt.Sprintf("%s (%s), %s, verify %s", j.Method.Name, j.Method.Level, count(len(j.Method.Passes), "pass", "passes"), j.Verify)},
		{"operator", j.Operator.Name + ", key " + j.Operator.Fingerprint + ", from " + clean(j.Operator.From)},
		{"note", clean(j.Note)},
		{"submitted", j.Submitted.String()}, {"began", began(v)},
		{"ended", endedAt(v)},
		{"certificate", certificateHint(v)},
	} {
		if row[1] != "" {
			c.printf("%-12s %s\n", row[0], row[1])
		}
	}
	return nil
}

func endedAt(v engine.View) string {
	if v.Ended.IsZero() {
		return ""
	}
	return v.Ended.String()
}

func certificateHint(v engine.View) string {
	if v.State.End() {
		return fmt.Sprintf("certificate %d", v.Job.ID)
	}
	return ""
}
