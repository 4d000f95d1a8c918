package shell

import (
	"fmt"
	"strings"
	"time"

	"wiped/engine"
	"wiped/engine/journal"
)

// status is an update as the one line that operators read.
func (sh *Shell) status(u engine.Update) string {
	if u.Outcome == nil {
		return sh.progress.line(u, func(u engine.Update) string { return statusHead(u) + progressText(u) })
	}
	head := statusHead(u)
	view, err := sh.Engine.Job(u.Job)
	if err != nil {
		return head + u.State
	}
	return head + endText(u, view)
}

func statusHead(u engine.Update) string { return fmt.Sprintf("[job %d] %s ", u.Job, u.Drive) }

func progressText(u engine.Update) string {
	if u.State == string(engine.Queued) {
		return engine.Percent(u.Event) + " queued: waits for its turn"
	}
	speed, eta := int64(0), "unknown"
	if u.BytesPerSecond != nil {
		speed = *u.BytesPerSecond
	}
	if u.ETASeconds != nil {
		eta = duration(time.Duration(*u.ETASeconds) * time.Second)
	}
	return fmt.Sprintf("%s pass %d/%d %s %.1f MB/s eta %s errors %d",
		engine.Percent(u.Event), u.Pass, u.Passes, u.Action, float64(speed)/1e6, eta, u.Errors)
}

// endText says how a job ended. The word erased stands in it only where the job was erased.
func endText(u engine.Update, v engine.View) string {
	m := v.Job.Method
	took := "not begun"
	if !v.Started.IsZero() {
		took = duration(u.Time.Sub(v.Started.Time))
	}
	errors := fmt.Sprintf("%d errors", u.Errors)
	var text, next string
	switch engine.State(u.Result) {
	case engine.Erased:
		text = strings.Join([]string{"erased: " + m.Level, m.Name, "verified " + u.Verification, errors, took}, ", ")
	case engine.Unverified:
		done := "overwritten"
		if m.Action != "" {
			done = "told to erase itself"
		}
		text = strings.Join([]string{done + ", NOT verified: " + m.Level, m.Name, errors, took}, ", ")
	case engine.Interrupted:
		text = fmt.Sprintf("INTERRUPTED at %s: %s", engine.Percent(u.Event), clean(string(u.Reason)))
		next = fmt.Sprintf(". Next: resume %d", u.Job)
	default:
		text = strings.Join([]string{strings.ToUpper(u.Result) + ": " + clean(string(u.Reason)), errors, took}, ", ")
	}
	text += unreached(v.Job)
	if layer := v.Job.Drive.Layer; layer != "" {
		text += ", logical: " + string(layer) + ", nothing is claimed of the media below"
	}
	return text + next
}

// unreached names what the job left as it was, though it is part of the drive.
func unreached(j journal.Job) (text string) {
	if areas := string(j.Drive.HiddenAreas); strings.Contains(areas, "NOT erased") {
		text = ", hidden area " + areas
		if strings.HasPrefix(areas, "hidden areas ") {
			text = ", " + areas
		}
	}
	if len(j.Drive.Kept) > 0 {
		text += ", not reached: " + strings.Join(j.Drive.Kept, ", ")
	}
	return text
}

func duration(d time.Duration) string { return journal.Duration(d) }

// size is a number of bytes for people, in decimal units as drives are sold: 1.0 TB.
func size(bytes int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	value, n := float64(bytes), 0
	for value >= 999.5 && n < len(units)-1 {
		value, n = value/1000, n+1
	}
	switch {
	case n == 0:
		return fmt.Sprintf("%d B", bytes)
	case value < 9.95:
		return fmt.Sprintf("%.1f %s", value, units[n])
	}
	return fmt.Sprintf("%.0f %s", value, units[n])
}
