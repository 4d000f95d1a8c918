// Package certificate turns the record of an ended job into a statement, signs it, and checks such statements.
// It knows what the journal says and nothing else, so that a certificate cannot say more than was recorded.
package certificate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"wiped/engine/journal"
)

// Schema names this form of the document. Keys are only ever added to it.
const Schema = "wiped.certificate/1"

// Statement is what a certificate says. Fields that wiped cannot know are there and null: a reader sees that nobody
// stated them (the fields of NIST SP 800-88r1 appendix G, which r2 section 4.6 leaves to the organization's policy).
type Statement struct {
	Schema       string               `json:"schema"`
	ID           uint64               `json:"id"`
	Result       string               `json:"result"`
	Reason       *string              `json:"reason"` // why it is not erased
	Level        *string              `json:"level"`  // clear or purge; null unless erased
	Standard     string               `json:"standard"`
	Scope        string               `json:"scope"` // physical, or logical with the layer named in drive.layer
	Method       Method               `json:"method"`
	Drive        journal.Drive        `json:"drive"`
	Also         []journal.Drive      `json:"also,omitempty"` // what the method erased besides
	Passes       []Pass               `json:"passes"`
	Firmware     *journal.Firmware    `json:"firmware,omitempty"` // of a method with an action: what the drive said of it
	Verification journal.Verification `json:"verification"`
	Errors       Errors               `json:"errors"`
	Evidence     []string             `json:"evidence"`
	Operator     journal.Operator     `json:"operator"`
	Confirmed    string               `json:"confirmed"` // what the operator typed to confirm the drive
	Note         *string              `json:"note"`
	Station      string               `json:"station"`
	Submitted    journal.Time         `json:"submitted"`
	Started      journal.Time         `json:"started"`
	Ended        journal.Time         `json:"ended"`
	Seconds      float64              `json:"seconds"`
	Interrupted  int                  `json:"interruptions"`
	Software     string               `json:"software"`
	Direct       bool                 `json:"caches_bypassed"`
	Clock        *string              `json:"clock"`      // whether the station's clock was synchronised
	KeyOrigin    *string              `json:"key_origin"` // "made at this boot": nobody can know the key from before

	HiddenAreas     *string         `json:"hidden_areas"`
	HealthBefore    *journal.Health `json:"health_before"`
	HealthAfter     *journal.Health `json:"health_after"`
	PropertyNumber  *string         `json:"property_number"`
	MediaSource     *string         `json:"media_source"`
	CategoryBefore  *string         `json:"confidentiality_before"`
	CategoryAfter   *string         `json:"confidentiality_after"`
	Destination     *string         `json:"destination"`
	Location        *string         `json:"location"`
	Bridge          *string         `json:"bridge"` // what stands between: a USB bridge, an HBA
	BackedUp        *string         `json:"data_backed_up"`
	OperatorTitle   *string         `json:"operator_title"`
	OperatorContact *string         `json:"operator_contact"`
	VerifiedBy      *string         `json:"verified_by"`
	VerifierTitle   *string         `json:"verifier_title"`
	VerifierContact *string         `json:"verifier_contact"`
}

// Method is the method as it ran.
type Method struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Level string `json:"level"` // what it reaches when it succeeds
	// Action is what the drive was told to do to itself; empty where the drive was overwritten.
	Action string `json:"action,omitempty"`
}

// Pass is one write pass: what was to be written and what became of it.
type Pass struct {
	Title   string           `json:"title"`
	Pattern json.RawMessage  `json:"pattern"` // makes the bytes again: a second, independent reading can check them
	Run     *journal.PassRun `json:"run"`     // null: it did not come to its end
}

// Errors counts what went wrong, in bytes.
type Errors struct {
	Unwritable int64 `json:"unwritable_bytes"`
	Unreadable int64 `json:"unreadable_bytes"`
	Mismatched int64 `json:"mismatched_bytes"`
}

// From makes the statement of an ended job. It fails if the job has no end.
func From(r journal.Record) (Statement, error) {
	if r.End == nil {
		return Statement{}, errors.New("make certificate: the job has not ended")
	}
	j, end := r.Job, r.End
	s := Statement{
		Schema: Schema, ID: j.ID, Result: end.Result, Standard: j.Method.Claim, Scope: "physical",
		Method: Method{j.Method.Name, j.Method.Title, j.Method.Level, j.Method.Action}, Drive: j.Drive, Verification: end.Verification,
		Evidence: end.Evidence, Operator: j.Operator, Confirmed: j.Confirmed, Station: j.Station, Submitted: j.Submitted,
		Started: end.Started, Ended: end.Ended, Interrupted: end.Interrupted, Software: end.Software, Direct: end.CachesPassed,
		Reason: known(end.Reason), Note: known(j.Note), Clock: known(end.Clock), KeyOrigin: known(end.KeyOrigin),
		Also: j.Also, Firmware: end.Firmware, HiddenAreas: known(string(j.Drive.HiddenAreas)), Bridge: known(string(j.Drive.Bridge)),
		HealthBefore: j.Drive.Health, HealthAfter: end.Health,
	}
	if j.Drive.Layer != "" {
		s.Scope = "logical"
	}
	if end.Result == "erased" {
		s.Level = known(j.Method.Level)
	}
	if !end.Started.IsZero() {
		s.Seconds = end.Ended.Sub(end.Started.Time).Seconds()
	}
	for n, p := range j.Method.Passes {
		pass := Pass{Title: p.Title, Pattern: p.Pattern}
		if n < len(end.Passes) {
			pass.Run = &end.Passes[n]
			s.Errors.Unwritable += pass.Run.BadBytes
		}
		s.Passes = append(s.Passes, pass)
	}
	sum := end.Verification.Total()
	s.Errors.Unreadable, s.Errors.Mismatched = sum.UnreadableBytes, sum.MismatchBytes
	return s, nil
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// JSON is the document that is signed: indented, printable ASCII, ending in a line end.
func (s Statement) JSON() ([]byte, error) {
	text, err := journal.JSON(s)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, fmt.Errorf("indent certificate: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
