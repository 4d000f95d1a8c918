package health

import (
	"encoding/json"
	"fmt"
	"strings"

	"wiped/engine/drive"
)

// Parse reads what smartctl 7 prints with --json, its format 1.x, of an ATA, SCSI or NVMe drive.
func Parse(text []byte) drive.Health {
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return unknown("smartctl's answer is not understood")
	}
	source := r.source()
	if len(r.Format) == 0 || r.Format[0].value() != 1 {
		h := unknown("smartctl answers in a form that is not known here")
		h.Source = source
		return h
	}
	h := judge(r.facts())
	h.Source = source
	return h
}

// facts is what is judged.
type facts struct {
	health      drive.Health // its numbers
	silent      string       // why nothing could be asked; empty: it could
	incomplete  bool         // some command failed
	mute        string       // why the drive has no verdict on itself that can be believed; empty: it has
	fails       bool         // that verdict
	verdict     string       // its reason in words; seldom there
	critical    *int64       // NVMe's critical warning bits
	media       *int64       // NVMe: errors of the medium or of the data's integrity
	uncorrected *int64       // errors that could not be corrected
	predict     []string     // ATA attributes below their thresholds that predict a failure
	aged        []string     // and those that tell of age, or were below once
	selfTest    bool         // the last one failed
	absurd      bool         // a counter cannot be true
}

func (r *report) facts() facts {
	f := facts{silent: r.silent(), mute: r.mute(), verdict: drive.Clean(r.Status.SCSI.Text)}
	if f.silent != "" {
		return f
	}
	exit := r.Smartctl.Exit.value()
	f.fails = exit&exitFailing != 0 || isFalse(r.Status.Passed)
	f.incomplete, f.selfTest = exit&exitCommand != 0, exit&exitSelfTest != 0
	f.critical, f.media = f.count(r.NVMe.Critical), f.count(r.NVMe.Media)
	f.uncorrected = r.uncorrected(&f)
	f.predict, f.aged = r.below()
	if exit&exitPrefailure != 0 && len(r.Attributes.Table) == 0 {
		f.predict = []string{"an attribute that predicts failures"}
	}
	f.health = drive.Health{
		Celsius: r.celsius(), Hours: r.PowerOn.Hours.in(0, 1_000_000), // a century
		Reallocated: first(f.count(r.Grown), f.count(r.raw(5, "Realloc", "Retire"))),
		Pending:     first(f.count(r.raw(197, "Pending")), f.count(r.ATAPending.Count), f.count(r.SCSIPending.Count)),
		Wear:        first(r.NVMe.Used.in(0, 255), r.SCSIUsed.in(0, 255), r.statistic(7, 8), r.Endurance.Used.in(0, 255), r.life()),
	}
	return f
}

// silent says why nothing could be asked: in smartctl's own words, if it has any.
func (r *report) silent() string {
	exit := r.Smartctl.Exit.value()
	switch {
	case r.Smartctl.Exit.n == nil:
		return "smartctl did not say how it ended"
	case exit&(exitCommandLine|exitOpen) != 0:
		return r.message()
	}
	return ""
}

// mute says why the drive has no verdict on itself, or one that must not be believed: a SCSI drive whose reports of
// informational exceptions are switched off is always well.
func (r *report) mute() string {
	switch {
	case isFalse(r.Support.Available):
		return "the drive has no SMART, or what it is connected through hides it"
	case isFalse(r.Support.Enabled):
		return "SMART is switched off in the drive"
	case r.Status.Passed == nil:
		return "the drive gives no verdict on itself"
	}
	return ""
}

func isFalse(b *bool) bool { return b != nil && !*b }

func (r *report) message() string {
	var words []string
	for _, m := range r.Smartctl.Messages {
		if strings.HasPrefix(m.String, "Device is in S") && strings.Contains(m.String, " mode, exit(") {
			return "the drive sleeps and was not woken up"
		}
		if text := drive.Clean(m.String); text != "" && m.Severity != "warning" {
			words = append(words, text)
		}
	}
	if len(words) == 0 {
		return "smartctl could not open the drive"
	}
	return "smartctl: " + strings.Join(words, "; ")
}

func (r *report) source() string {
	if v := r.Smartctl.Version; len(v) >= 2 && v[0].n != nil && v[1].n != nil {
		return fmt.Sprintf("smartctl %d.%d", *v[0].n, *v[1].n)
	}
	return "smartctl"
}
