package certificate

import (
	"errors"
	"fmt"
	"slices"

	"wiped/engine/journal"
)

// results are what a job can have come to, and levels what it can reach.
var (
	results = []string{"erased", "unverified", "failed", "unknown", "cancelled"}
	levels  = []string{"clear", "purge"}
)

// Check tells whether a statement contradicts itself: above all, whether it says more than its own figures do.
func (s Statement) Check() error {
	logical := s.Drive.Layer != ""
	switch {
	case s.ID == 0:
		return errors.New("it is of no job")
	case s.Schema != Schema:
		return fmt.Errorf("its schema is %q, and this program knows %q", journal.Escape(s.Schema), Schema)
	case !slices.Contains(results, s.Result):
		return fmt.Errorf("its result %q is none that a job can have", journal.Escape(s.Result))
	case !slices.Contains(levels, s.Method.Level):
		return fmt.Errorf("the level %q of its method is none there is", journal.Escape(s.Method.Level))
	case s.Scope != "logical" && (logical || s.Scope != "physical"):
		return errors.New("its scope is not that of its drive")
	case s.Scope == "logical" && !logical:
		return errors.New("its scope is logical, but it names no layer")
	case (s.Result == "erased") != (s.Level != nil):
		return errors.New("it names a level although nothing was erased, or none although something was")
	case s.Errors != s.counted():
		return errors.New("its count of errors is not that of its passes and its verification")
	}
	if err := s.checkTimes(); err != nil || (s.Result != "erased" && s.Result != "unverified") {
		return err
	}
	if err := s.checkWritten(); err != nil {
		return err
	}
	return s.checkVerified()
}

// counted adds up the errors of passes and verification.
func (s Statement) counted() (e Errors) {
	for _, p := range s.Passes {
		if p.Run != nil {
			e.Unwritable += p.Run.BadBytes
		}
	}
	e.Unreadable, e.Mismatched = s.Verification.UnreadableBytes, s.Verification.MismatchBytes
	return e
}

// checkTimes holds the instants of a job against their order: began, each pass in turn, verification, ended.
func (s Statement) checkTimes() error {
	instants := []journal.Time{s.Submitted, s.Started}
	for _, p := range s.Passes {
		if p.Run != nil {
			instants = append(instants, p.Run.Started, p.Run.Ended)
		}
	}
	instants = append(instants, s.Verification.Started, s.Verification.Ended, s.Ended)
	var last journal.Time
	for _, t := range instants {
		if t.IsZero() {
			continue // it did not come to that
		}
		if t.Before(last.Time) {
			return fmt.Errorf("its times are out of order: %s comes after %s", t, last)
		}
		last = t
	}
	seconds := 0.0
	if !s.Started.IsZero() {
		seconds = s.Ended.Sub(s.Started.Time).Seconds()
	}
	if s.Ended.IsZero() || s.Seconds != seconds {
		return errors.New("its duration is not the time between its beginning and its end")
	}
	return nil
}

// checkWritten: what says erased or overwritten was overwritten, every byte in every pass.
func (s Statement) checkWritten() error {
	if s.Started.IsZero() || len(s.Passes) == 0 || s.Drive.SizeBytes <= 0 {
		return fmt.Errorf("it says %s, but nothing was written", s.Result)
	}
	for n, p := range s.Passes {
		r := p.Run
		if len(p.Pattern) == 0 || string(p.Pattern) == "null" {
			return fmt.Errorf("it says %s, but not what pass %d wrote", s.Result, n+1)
		}
		if r == nil || r.Started.IsZero() || r.Ended.IsZero() || !r.Complete || r.BytesWritten != s.Drive.SizeBytes || r.BadBytes != 0 || len(r.Bad) > 0 || r.Title != p.Title {
			return fmt.Errorf("it says %s, but pass %d did not write every byte", s.Result, n+1)
		}
	}
	if s.Result == "erased" && (s.Reason != nil || *s.Level != s.Method.Level) {
		return errors.New("it says erased, but gives a reason against it, or another level than its method's")
	}
	return nil
}

// checkVerified: what says erased was verified without a fault; what says unverified was not.
func (s Statement) checkVerified() error {
	v := s.Verification
	if s.Result == "unverified" {
		if v.Scope != "none" || v.Result != "not done" || v.BytesRead != 0 {
			return errors.New("it says unverified, but tells of a verification")
		}
		return nil
	}
	whole := v.Scope == "full" && v.BytesRead == s.Drive.SizeBytes
	sampled := v.Scope == "sample" && v.Seed != "" && v.BytesRead > 0 && v.BytesRead <= s.Drive.SizeBytes
	faults := v.MismatchBytes + v.UnreadableBytes + int64(len(v.Mismatches)+len(v.Unreadable))
	if v.Result != "passed" || !(whole || sampled) || faults != 0 || v.Started.IsZero() || v.Ended.IsZero() {
		return errors.New("it says erased, but its verification did not pass")
	}
	return nil
}
