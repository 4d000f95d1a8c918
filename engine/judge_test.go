package engine

import (
	"slices"
	"testing"

	"wiped/engine/certificate"
	"wiped/engine/journal"
)

// good is the findings of a job that did all it should.
func good() findings {
	pass := journal.PassRun{BytesWritten: 4096, Complete: true, Bad: []journal.Range{}}
	return findings{
		size: 4096, verify: "full", planned: 2, passes: []journal.PassRun{pass, pass},
		read: journal.Verification{Scope: "full", Result: "passed", BytesRead: 4096}, sampleBytes: 4096,
	}
}

// TestJudge takes the findings of a good job and spoils one thing at a time: none of them may be called erased.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*findings)
		want  State
	}{
		{"nothing", func(*findings) {}, Erased},
		{"sample", func(f *findings) { f.verify, f.read.BytesRead, f.sampleBytes = "sample", 512, 512 }, Erased},
		{"broken", func(f *findings) { f.broken = "the drive is gone" }, Failed},
		{"broken and cancelled", func(f *findings) { f.broken, f.cancelled = "x", true }, Failed},
		{"cancelled", func(f *findings) { f.cancelled = true }, Cancelled},
		{"interrupted", func(f *findings) { f.interrupted = true }, Interrupted},
		{"flush failed", func(f *findings) { f.flushFailed = true }, Failed},
		{"one sector bad in the first pass", func(f *findings) { f.passes[0].BadBytes = 512; f.passes[0].BytesWritten -= 512 }, Failed},
		{"one sector bad in the last pass", func(f *findings) { f.passes[1].BadBytes = 512; f.passes[1].BytesWritten -= 512 }, Failed},
		{"bad bytes, and all written", func(f *findings) { f.passes[0].BadBytes = 1 }, Failed},
		{"a pass is missing", func(f *findings) { f.passes = f.passes[:1] }, Failed},
		{"no pass", func(f *findings) { f.passes = nil }, Failed},
		{"a pass too many", func(f *findings) { f.passes = append(f.passes, f.passes[0]) }, Failed},
		{"nothing was planned", func(f *findings) { f.planned, f.passes = 0, nil }, Failed},
		{"a pass is not complete", func(f *findings) { f.passes[0].Complete = false }, Failed},
		{"the last pass is not complete", func(f *findings) { f.passes[1].Complete = false }, Failed},
		{"a byte was not written", func(f *findings) { f.passes[1].BytesWritten-- }, Failed},
		{"a byte was written twice", func(f *findings) { f.passes[0].BytesWritten++ }, Failed},
		{"the size is unknown", func(f *findings) { f.size = 0 }, Failed},
		{"the size is another", func(f *findings) { f.size = 8192 }, Failed},
		{"unreadable", func(f *findings) { f.read.UnreadableBytes, f.read.BytesRead = 512, 3584 }, Failed},
		{"mismatch", func(f *findings) { f.read.MismatchBytes = 512 }, Failed},
		{"read too little", func(f *findings) { f.read.BytesRead = 3584 }, Failed},
		{"read too much", func(f *findings) { f.read.BytesRead = 4608 }, Failed},
		{"read nothing", func(f *findings) { f.read.BytesRead = 0 }, Failed},
		{"nothing was to be read", func(f *findings) { f.read.BytesRead, f.sampleBytes = 0, 0 }, Failed},
		{"no verification", func(f *findings) { f.read, f.sampleBytes = journal.Verification{}, 0 }, Failed},
		{"not asked for", func(f *findings) { f.verify, f.read, f.sampleBytes = "none", journal.Verification{Scope: "none"}, 0 }, Unverified},
		{"not asked for, and bad", func(f *findings) { f.verify = "none"; f.passes[0].BadBytes = 512 }, Failed},
		{"not asked for, and not flushed", func(f *findings) { f.verify, f.flushFailed = "none", true }, Failed},
		{"not asked for, and incomplete", func(f *findings) { f.verify = "none"; f.passes[0].Complete = false }, Failed},
		{"not asked for, and cancelled", func(f *findings) { f.verify, f.cancelled = "none", true }, Cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := good()
			f.passes = slices.Clone(f.passes)
			c.spoil(&f)
			result, reason := judge(f)
			if result != c.want {
				t.Errorf("judge = %s, %q; want %s", result, reason, c.want)
			}
			if (reason == "") != (result == Erased) {
				t.Errorf("%s is said with the reason %q", result, reason)
			}
		})
	}
}

// TestJudgeWords: a verification that does not say that it passed is none, whatever its figures are; and what the words
// on the last event say is what the certificate says.
func TestJudgeWords(t *testing.T) {
	for _, c := range []struct {
		v     journal.Verification
		whole bool
		want  string
	}{
		{journal.Verification{Scope: "full", BytesRead: 512}, true, "passed"},
		{journal.Verification{Scope: "full", BytesRead: 512}, false, "not finished"},
		{journal.Verification{Scope: "full", MismatchBytes: 1}, true, "failed"},
		{journal.Verification{Scope: "full", UnreadableBytes: 1}, true, "failed"},
		{journal.Verification{Scope: "full", UnreadableBytes: 1}, false, "failed"},
		{journal.Verification{Scope: "none"}, true, "not done"},
	} {
		if got := verdict(c.v, c.whole); got != c.want {
			t.Errorf("verdict(%+v, %v) = %s; want %s", c.v, c.whole, got, c.want)
		}
	}
}

// TestStatementCheckAgreesWithJudge: what judge does not call erased, the certificate's own check refuses to call so.
func TestStatementCheckAgreesWithJudge(t *testing.T) {
	level := "clear"
	for name, spoil := range map[string]func(*certificate.Statement){
		"a pass is missing":    func(s *certificate.Statement) { s.Passes[1].Run = nil },
		"a pass is incomplete": func(s *certificate.Statement) { s.Passes[0].Run.Complete = false },
		"a byte short":         func(s *certificate.Statement) { s.Passes[1].Run.BytesWritten-- },
		"a bad range":          func(s *certificate.Statement) { s.Passes[1].Run.Bad = []journal.Range{{Length: 512}} },
		"errors":               func(s *certificate.Statement) { s.Errors.Mismatched = 1 },
		"not verified":         func(s *certificate.Statement) { s.Verification.Result = "not done" },
		"scope none":           func(s *certificate.Statement) { s.Verification.Scope = "none" },
		"read too little":      func(s *certificate.Statement) { s.Verification.BytesRead-- },
		"no level":             func(s *certificate.Statement) { s.Level = nil },
		"never began":          func(s *certificate.Statement) { s.Started = journal.Time{} },
		"unknown result":       func(s *certificate.Statement) { s.Result = "Erased" },
		"mismatches counted": func(s *certificate.Statement) {
			s.Verification.MismatchBytes, s.Verification.Mismatches = 512, []journal.Range{{Length: 512}}
		},
		"unwritable counted in a pass": func(s *certificate.Statement) { s.Passes[0].Run.BadBytes = 512 },
	} {
		t.Run(name, func(t *testing.T) {
			f := good()
			f.passes = slices.Clone(f.passes)
			at := journal.At(epoch)
			f.read.Started, f.read.Ended = at, at
			s := certificate.Statement{ID: 1, Schema: certificate.Schema, Result: "erased", Level: &level, Scope: "physical",
				Method: certificate.Method{Level: level}, Drive: journal.Drive{SizeBytes: 4096}, Verification: f.read,
				Started: at, Ended: journal.At(epoch.Add(1e9)), Seconds: 1}
			for n := range f.passes {
				f.passes[n].Started, f.passes[n].Ended = at, at
				s.Passes = append(s.Passes, certificate.Pass{Title: f.passes[n].Title, Pattern: []byte(`{}`), Run: &f.passes[n]})
			}
			if err := s.Check(); err != nil {
				t.Fatalf("a good one: %v", err)
			}
			spoil(&s)
			if s.Check() == nil {
				t.Error("it is taken for a certificate of an erased drive")
			}
		})
	}
}
