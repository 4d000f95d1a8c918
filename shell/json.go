package shell

import (
	"fmt"

	"wiped/engine"
	"wiped/engine/journal"
)

// json prints one document.
func (c *call) json(v any) error {
	text, err := journal.JSON(v)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\n", text)
	return nil
}

// known makes null of what is unknown.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// driveJSON is one element of `drives --json`.
type driveJSON struct {
	Name         string  `json:"name"`
	Path         string  `json:"path"`
	Serial       *string `json:"serial"`
	SerialSource *string `json:"serial_source"`
	WWN          *string `json:"wwn"`
	Model        *string `json:"model"`
	SizeBytes    int64   `json:"size_bytes"`
	Transport    *string `json:"transport"`
	State        string  `json:"state"`
	Reason       *string `json:"reason"`
	Health       *string `json:"health"`
}

func driveDocument(d engine.DriveView) driveJSON {
	return driveJSON{d.Name, d.Path, known(d.Serial), known(d.SerialSource), known(d.WWN), known(d.Model), d.Size,
		known(d.Transport), d.State, known(d.Reason), known(d.Health.Word)}
}

// jobJSON is `job ID --json`: what was decided about the job, and the keys of its last event.
type jobJSON struct {
	ID          uint64       `json:"id"`
	Method      string       `json:"method"`
	Level       string       `json:"level"`
	Verify      string       `json:"verify"`
	Operator    string       `json:"operator"`
	Fingerprint string       `json:"fingerprint"`
	Note        *string      `json:"note"`
	Submitted   journal.Time `json:"submitted"`
	Started     journal.Time `json:"started"`
	Ended       journal.Time `json:"ended"`
	journal.Event
}

func jobDocument(v engine.View) jobJSON {
	j := v.Job
	return jobJSON{j.ID, j.Method.Name, j.Method.Level, j.Verify, j.Operator.Name, j.Operator.Fingerprint, known(j.Note),
		j.Submitted, v.Started, v.Ended, v.Last}
}
