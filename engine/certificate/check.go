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
	work := s.checkWritten
	if s.Method.Action != "" || s.Firmware != nil {
		work = s.checkFirmware
	}
	if err := work(); err != nil {
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
	sum := s.Verification.Total()
	e.Unreadable, e.Mismatched = sum.UnreadableBytes, sum.MismatchBytes
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
	return s.checkReason()
}

func (s Statement) checkReason() error {
	if s.Result == "erased" && (s.Reason != nil || *s.Level != s.Method.Level) {
		return errors.New("it says erased, but gives a reason against it, or another level than its method's")
	}
	return nil
}

// checkFirmware: what says erased, or told to erase itself, was told so by this job, took it, and said that it ended well. For
// erased the end is the drive's answer to this command: it was seen at it, or something was there that could tell.
func (s Statement) checkFirmware() error {
	f := s.Firmware
	switch {
	case f == nil || s.Method.Action == "" || len(s.Passes) > 0:
		return fmt.Errorf("it says %s, but its method and what became of it do not belong together", s.Result)
	case s.Started.IsZero() || s.Drive.SizeBytes <= 0 || f.Sent.IsZero():
		return fmt.Errorf("it says %s, but the drive was told nothing", s.Result)
	case f.Ended.IsZero() || f.Failed || f.Accepted.IsZero() && f.Seen.IsZero() && !f.Named:
		return fmt.Errorf("it says %s, but the drive did not take the command, or did not end well", s.Result)
	case s.Result == "unverified":
		return nil
	case f.Seen.IsZero() && (f.Telling == 0 || f.Dull > 0):
		return errors.New("it says erased, but the drive was never seen at it, and not all of it could tell")
	case (f.Unwatched && !f.Untouched || f.Dull > 0) && (f.Others > 0 || !s.readWhole()):
		return errors.New("it says erased, but there was doubt, and not all of the drive was read as zeros or ones")
	}
	return s.checkReason()
}

// readWhole tells whether verification read every byte of every drive.
func (s Statement) readWhole() bool {
	size := s.Drive.SizeBytes
	for _, d := range s.Also {
		size += d.SizeBytes
	}
	return s.Verification.Total().BytesRead == size
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
	sum := v.Total()
	faults := sum.MismatchBytes + sum.UnreadableBytes + int64(len(v.Mismatches)+len(v.Unreadable))
	for n, also := range v.Also {
		faults += int64(len(also.Mismatches) + len(also.Unreadable))
		if n >= len(s.Also) || also.BytesRead <= 0 || also.BytesRead > s.Also[n].SizeBytes || whole && also.BytesRead != s.Also[n].SizeBytes {
			return fmt.Errorf("it says erased, but the verification of its drive %d did not read what it should", n+2)
		}
	}
	if len(v.Also) != len(s.Also) {
		return errors.New("it says erased, but not every one of its drives was verified")
	}
	if v.Result != "passed" || !(whole || sampled) || faults != 0 || v.Started.IsZero() || v.Ended.IsZero() {
		return errors.New("it says erased, but its verification did not pass")
	}
	return nil
}
