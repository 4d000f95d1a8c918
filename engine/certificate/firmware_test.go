package certificate

import (
	"testing"

	"wiped/engine/journal"
)

// itselfRecord is a job of two namespaces that erased themselves, sampled and seen at it.
func itselfRecord() journal.Record {
	r := erasedRecord()
	other := r.Job.Drive
	other.Name = "nvme0n2"
	r.Job.Also = []journal.Drive{other}
	r.Job.Method = journal.Method{Name: "sanitize-block", Title: "every block erased", Level: "purge", Claim: "NIST SP 800-88r2", Action: "sanitize-block"}
	r.End.Passes = nil
	r.End.Firmware = &journal.Firmware{Sent: at(1), Accepted: at(1), Seen: at(1), Ended: at(9), Places: 20, Telling: 20, Others: 512}
	v := journal.Verification{Scope: "sample", Seed: "00", Result: "passed", BytesRead: size / 10, Started: at(20), Ended: at(30)}
	r.End.Verification = v
	r.End.Verification.Also = []journal.Verification{v}
	return r
}

// TestCheckFirmware: certificates of drives that erased themselves hold, and each of these changes alone makes one a lie.
func TestCheckFirmware(t *testing.T) {
	whole := func(s *Statement) {
		s.Firmware.Others, s.Verification.Scope, s.Verification.BytesRead = 0, "full", size
		s.Verification.Also[0].Scope, s.Verification.Also[0].BytesRead = "full", size
	}
	for what, change := range map[string]func(*Statement){
		"nothing changed":      func(*Statement) {},
		"seen, nothing tells":  func(s *Statement) { s.Firmware.Telling = 0 },
		"not seen, all tells":  func(s *Statement) { s.Firmware.Seen = journal.Time{} },
		"unwatched, untouched": func(s *Statement) { s.Firmware.Unwatched, s.Firmware.Untouched = true, true },
		"unwatched, all read":  func(s *Statement) { s.Firmware.Unwatched = true; whole(s) },
		"dull parts, all read": func(s *Statement) { s.Firmware.Dull = 3; whole(s) },
		"failed, as it says": func(s *Statement) {
			why := "x"
			s.Result, s.Level, s.Reason, s.Verification.MismatchBytes, s.Verification.Also[0].MismatchBytes, s.Errors.Mismatched = "failed", nil, &why, 512, 512, 1024
		},
	} {
		s := from(t, itselfRecord())
		if change(&s); s.Check() != nil {
			t.Errorf("%s: %v; want no error", what, s.Check())
		}
	}
	for what, change := range map[string]func(*Statement){
		"not told":                       func(s *Statement) { s.Firmware.Sent = journal.Time{} },
		"no end":                         func(s *Statement) { s.Firmware.Ended = journal.Time{} },
		"an end that failed":             func(s *Statement) { s.Firmware.Failed = true },
		"not taken":                      func(s *Statement) { s.Firmware.Accepted, s.Firmware.Seen = journal.Time{}, journal.Time{} },
		"not seen, nothing tells":        func(s *Statement) { s.Firmware.Seen, s.Firmware.Telling = journal.Time{}, 0 },
		"not seen, dull parts":           func(s *Statement) { s.Firmware.Dull, s.Firmware.Seen = 1, journal.Time{}; whole(s) },
		"unwatched, sampled":             func(s *Statement) { s.Firmware.Unwatched, s.Firmware.Others = true, 0 },
		"unwatched, something there":     func(s *Statement) { s.Firmware.Unwatched = true; whole(s); s.Firmware.Others = 512 },
		"dull parts, sampled":            func(s *Statement) { s.Firmware.Dull, s.Firmware.Others = 1, 0 },
		"nothing known of the drive":     func(s *Statement) { s.Firmware = nil },
		"a method without an action":     func(s *Statement) { s.Method.Action = "" },
		"passes besides":                 func(s *Statement) { s.Passes = from(t, erasedRecord()).Passes },
		"a reason against it":            func(s *Statement) { why := "x"; s.Reason = &why },
		"another level":                  func(s *Statement) { s.Method.Level = "clear" },
		"the other one not verified":     func(s *Statement) { s.Verification.Also = nil },
		"nothing read of the other one":  func(s *Statement) { s.Verification.Also[0].BytesRead = 0 },
		"the other one still has it all": func(s *Statement) { s.Verification.Also[0].MismatchBytes, s.Errors.Mismatched = 512, 512 },
		"the other one not all readable": func(s *Statement) { s.Verification.Also[0].Unreadable = []journal.Range{{Offset: 0, Length: 512}} },
		"full, but for the other one":    func(s *Statement) { whole(s); s.Verification.Also[0].BytesRead = 512 },
	} {
		s := from(t, itselfRecord())
		if change(&s); s.Check() == nil {
			t.Errorf("Check() of an erased statement with %s = nil; want an error", what)
		}
	}
	s := from(t, itselfRecord())
	s.Result, s.Level = "unverified", nil
	s.Verification = journal.Verification{Scope: "none", Result: "not done"}
	if err := s.Check(); err != nil {
		t.Errorf("unverified: %v", err)
	}
}
