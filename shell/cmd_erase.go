package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/journal"
)

var erase = command{
	name: "erase", args: "DRIVE... [flags]", role: auth.Operator, changes: true, min: 1, max: -1, words: driveWords,
	short: "erase drives, in the background",
	long: "Every drive must be confirmed by its serial, as `drives` shows it: with --confirm, or at a terminal when asked. All drives are " +
		"checked first; if one is refused none is started. Without --method the best the drive can do is done (`methods DRIVE`). " +
		"The jobs go on when you leave. With --wait the exit code tells the worst end: 0 erased, 1 failed, 6 cancelled, 7 interrupted.",
	example: "erase sdb sdc --confirm WD-1234 --confirm WD-5678 --wait",
	prepare: prepareErase,
}

type eraseFlags struct {
	method, level, verify, note string
	confirm                     []string
	dryRun, wait, json          bool
	unhide, keepHidden          bool
}

func prepareErase(fs *pflag.FlagSet) func(*call) error {
	var f eraseFlags
	fs.StringVar(&f.method, "method", "", "the method's `NAME`, as methods lists it; default: the best that the drive can do")
	fs.StringVar(&f.level, "level", "", "the best method that reaches this `LEVEL`: clear or purge")
	fs.StringVar(&f.verify, "verify", "", "read back this `SCOPE`: full, sample or none; default: as the method says")
	fs.StringArrayVar(&f.confirm, "confirm", nil, "the `SERIAL` of a drive, once for each drive")
	fs.BoolVar(&f.unhide, "unhide", false, "open areas that the drive hides (HPA, AMA, DCO) for good, and erase them too")
	fs.BoolVar(&f.keepHidden, "keep-hidden", false, "leave such areas as they are; the certificate says so")
	fs.BoolVar(&f.dryRun, "dry-run", false, "print the plan and how long it would take, change nothing")
	fs.BoolVar(&f.wait, "wait", false, "stay, show the status, and exit with the worst result")
	fs.StringVar(&f.note, "note", "", "a `TEXT` for the certificate, such as an asset number")
	fs.BoolVar(&f.json, "json", false, "print JSON objects, one a line")
	return func(c *call) error {
		for flag, what := range map[string]string{"method": "method", "level": "level", "verify": "verification"} {
			if fs.Changed(flag) && fs.Lookup(flag).Value.String() == "" { // a script's unset variable must not mean the default
				return fail(exitUsage, "there is no %s \"\". Next: help erase", what)
			}
		}
		return runErase(c, f)
	}
}

func (f eraseFlags) request(c *call) engine.Request {
	return engine.Request{
		Drives: c.args, Method: f.method, Level: f.level, Verify: f.verify, Confirm: f.confirm, Note: f.note,
		Unhide: f.unhide, KeepHidden: f.keepHidden,
		Operator: journal.Operator{Name: c.s.Who.Name, Fingerprint: c.s.Who.Fingerprint, From: c.s.From},
	}
}

// maxNote is the longest note in bytes.
const maxNote = 1024

func runErase(c *call, f eraseFlags) error {
	if len(f.note) > maxNote {
		return fail(exitUsage, "the note has %d bytes, and %d is the most. Next: keep the long text elsewhere and note where", len(f.note), maxNote)
	}
	req := f.request(c)
	if f.dryRun {
		return dryRun(c, req, f.json)
	}
	if err := c.confirmAll(&req); err != nil {
		return err
	}
	views, err := c.sh.Engine.Erase(req)
	if err != nil {
		return c.commandToType(err)
	}
	return c.started(views, "started", f.wait, f.json)
}

// started says which jobs were started, and follows them.
func (c *call) started(views []engine.View, what string, wait, asJSON bool) error {
	var ids []uint64
	since := map[uint64]uint64{}
	for _, v := range views {
		j := v.Job
		ids = append(ids, j.ID)
		if what == "resumed" {
			since[j.ID] = v.Last.Seq
		}
		text := fmt.Sprintf("job %d %s: %s, serial %s, %s (%s), verify %s\n", j.ID, what, j.Drive.Name, j.Drive.Serial, j.Method.Name, j.Method.Level, j.Verify)
		switch {
		case !asJSON:
			c.printf("%s", text)
		case wait:
			fmt.Fprint(c.err, text)
		default:
			if err := c.json(jobDocument(v)); err != nil {
				return err
			}
		}
		c.s.follow(j.ID, since[j.ID])
	}
	if !wait {
		return nil
	}
	return c.follow(ids, since, asJSON)
}

// confirmAll asks at a terminal for every serial that is still missing. It asks only if nothing else stands against the
// command: nobody should type serials for nothing.
func (c *call) confirmAll(req *engine.Request) error {
	if c.s.editor == nil {
		return nil
	}
	items, err := c.sh.Engine.Plan(*req)
	var refusals engine.Refusals
	if !errors.As(err, &refusals) || refusals.Kind() != engine.Unconfirmed {
		return nil // Erase says it
	}
	for _, r := range refusals {
		for _, item := range items {
			if item.Drive.Name != r.What {
				continue
			}
			paragraph(c.out, c.width(), 0, fmt.Sprintf("This erases %s (%s, %s), method %s, for good.", item.Drive.Name, item.Drive.Model, size(item.Drive.Size), item.Method.Name))
			answer, err := c.s.editor.Confirm(fmt.Sprintf("Type its serial %s to go on: ", r.Confirm))
			if err != nil || strings.TrimSpace(answer) != r.Confirm {
				return fail(exitRefused, "%s: not confirmed; nothing was erased. Next: erase it again and type %s", item.Drive.Name, r.Confirm)
			}
			req.Confirm = append(req.Confirm, r.Confirm)
		}
	}
	return nil
}

// commandToType adds to a refusal for want of confirmation the whole command that confirms.
func (c *call) commandToType(err error) error {
	var refusals engine.Refusals
	if !errors.As(err, &refusals) || refusals.Kind() != engine.Unconfirmed {
		return err
	}
	line := strings.TrimRight(c.line, " \t")
	if strings.ReplaceAll(clean(line), `\\`, `\`) != line {
		line = "the same line and" // it holds characters that cannot be shown as they are
	}
	confirm := ""
	for _, r := range refusals {
		confirm += " --confirm " + quote(r.Confirm)
	}
	if words, err := split(line); err == nil && slices.Contains(words, "--") { // after it there are no flags
		line = strings.Replace(line, words[0], words[0]+confirm, 1)
	} else {
		line += confirm
	}
	return fail(exitRefused, "%s\nType this if you are certain: %s", refusals.Error(), line)
}

// quote makes a word that split reads back as it is.
func quote(word string) string {
	if words, err := split(word); err == nil && len(words) == 1 && words[0] == word {
		return word
	}
	if !strings.Contains(word, "'") {
		return "'" + word + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

// plan is one line of `erase --dry-run --json`.
type plan struct {
	Drive      string   `json:"drive"`
	Serial     string   `json:"serial"`
	Method     string   `json:"method"`
	Level      string   `json:"level"`
	Passes     []string `json:"passes"`
	Verify     string   `json:"verify"`
	TotalBytes int64    `json:"total_bytes"`
	Seconds    *int64   `json:"predicted_seconds"`
	Confirm    string   `json:"confirm"`
	Hidden     *string  `json:"hidden_areas"`
	Also       []string `json:"also"` // what it erases besides
	Basis      string   `json:"predicted_from"`

	does string // what the drive does to itself
}

// dryRun shows what erase would do. A missing confirmation is no obstacle; everything else is what it would be.
func dryRun(c *call, req engine.Request, asJSON bool) error {
	items, err := c.sh.Engine.Plan(req)
	var refusals engine.Refusals
	if err != nil && (!errors.As(err, &refusals) || refusals.Kind() != engine.Unconfirmed) {
		return err
	}
	for _, item := range items {
		p := plan{Drive: item.Drive.Name, Serial: item.Drive.Serial, Method: item.Method.Name, Level: item.Method.Level.String(),
			Passes: item.Method.PassTitles(), Verify: item.Verify, TotalBytes: item.TotalBytes(), Confirm: item.Confirm, Hidden: known(item.Hidden),
			Also: []string{}}
		for _, also := range item.Also {
			p.Also = append(p.Also, also.Drive.Name)
		}
		if item.Method.Action != "" {
			p.does = item.Method.Title
		}
		d, basis := engine.Predict(item)
		if p.Basis = basis; d > 0 {
			seconds := max(1, int64(d.Round(time.Second)/time.Second))
			p.Seconds = &seconds
		}
		if err := c.showPlan(p, asJSON); err != nil {
			return err
		}
	}
	if !asJSON {
		c.printf("nothing was changed\n")
	}
	return nil
}

func (c *call) showPlan(p plan, asJSON bool) error {
	if asJSON {
		return c.json(p)
	}
	c.printf("%s, serial %s: %s (%s)\n", p.Drive, p.Serial, p.Method, p.Level)
	what := "passes: " + passList(p.Passes)
	if p.does != "" {
		what = p.does
	}
	paragraph(c.out, c.width(), 4, fmt.Sprintf("%s; then verify %s; %s to write and read in all", what, p.Verify, size(p.TotalBytes)))
	if len(p.Also) > 0 {
		paragraph(c.out, c.width(), 4, "also erases "+strings.Join(p.Also, ", ")+" with the same command")
	}
	if p.Hidden != nil {
		paragraph(c.out, c.width(), 4, "hidden areas: "+*p.Hidden)
	}
	takes := "unknown: " + p.Basis
	if p.Seconds != nil {
		takes = "about " + duration(time.Duration(*p.Seconds)*time.Second) + ", " + p.Basis
	}
	paragraph(c.out, c.width(), 4, "takes "+takes)
	c.printf("    confirm with: --confirm %s\n", quote(p.Confirm))
	return nil
}
