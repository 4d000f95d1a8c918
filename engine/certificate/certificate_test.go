package certificate

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"

	"wiped/engine/journal"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const size = 1 << 30

func at(minutes int) journal.Time { return journal.At(noon.Add(time.Duration(minutes) * time.Minute)) }

// erasedRecord is a job of two passes that went well.
func erasedRecord() journal.Record {
	run := func(title string, from, to int) journal.PassRun {
		return journal.PassRun{Title: title, Started: at(from), Ended: at(to), BytesWritten: size, Bad: []journal.Range{}, Complete: true}
	}
	return journal.Record{
		Job: journal.Job{ID: 7, Submitted: at(-1), Verify: "full", Confirmed: "WD-1234", Note: "asset 99", Station: "wipe-07", Software: "wiped 1 (abc)",
			Drive: journal.Drive{Name: "sdb", Path: "/dev/sdb", Serial: "WD-1234", SerialSource: "VPD page 80h", WWN: "0x5000c500a1b2c3d4",
				Vendor: "ATA", Model: "WDC WD10", Firmware: "1.0", SizeBytes: size, LogicalSector: 512, Transport: "sata"},
			Method: journal.Method{Name: "two", Title: "zeros, then ones", Level: "clear", Claim: "NIST SP 800-88r2",
				Passes: []journal.Pass{{Title: "zeros", Pattern: json.RawMessage(`{"kind":"fill","byte":0}`)}, {Title: "ones", Pattern: json.RawMessage(`{"kind":"fill","byte":255}`)}}},
			Operator: journal.Operator{Name: "alice", Fingerprint: "SHA256:abc", From: "10.0.0.1:5"}},
		End: &journal.End{Started: at(0), Ended: at(30), Result: "erased", Passes: []journal.PassRun{run("zeros", 0, 10), run("ones", 10, 20)},
			Verification: journal.Verification{Scope: "full", Result: "passed", BytesRead: size, Started: at(20), Ended: at(30),
				Mismatches: []journal.Range{}, Unreadable: []journal.Range{}},
			Evidence: []string{"every byte was read back"}, Software: "wiped 1 (abc)", CachesPassed: true},
	}
}

func from(t testing.TB, r journal.Record) Statement {
	t.Helper()
	s, err := From(r)
	if err != nil {
		t.Fatalf("From(job %d) = %v; want no error", r.Job.ID, err)
	}
	return s
}

func document(t testing.TB, s Statement) []byte {
	t.Helper()
	text, err := s.JSON()
	if err != nil {
		t.Fatalf("JSON() = %v; want no error", err)
	}
	return text
}

func newSigner(t testing.TB, seed byte) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func sign(t testing.TB, signer ssh.Signer, text []byte) []byte {
	t.Helper()
	sig, err := Sign(signer, text)
	if err != nil {
		t.Fatalf("Sign = %v; want no error", err)
	}
	return sig
}

func TestFromUnended(t *testing.T) {
	r := erasedRecord()
	r.End = nil
	if s, err := From(r); err == nil {
		t.Errorf("From(a job without an end) = %+v, nil; want an error", s)
	}
}

func TestFrom(t *testing.T) {
	s := from(t, erasedRecord())
	if err := s.Check(); err != nil {
		t.Errorf("Check() of an erased job = %v; want no error", err)
	}
	if s.Level == nil || *s.Level != "clear" || s.Scope != "physical" || s.Seconds != 1800 || s.Reason != nil || *s.Note != "asset 99" || len(s.Passes) != 2 || s.Errors != (Errors{}) {
		t.Errorf("From = %+v; want level clear, physical, 1800 s, no reason, note asset 99, two passes, no errors", s)
	}
	layered := erasedRecord()
	layered.Job.Drive.Layer = "image file"
	if s := from(t, layered); s.Scope != "logical" || s.Check() != nil {
		t.Errorf("From(an image) has scope %q, Check %v; want logical, no error", s.Scope, s.Check())
	}
	for _, result := range []string{"unverified", "failed", "unknown", "cancelled"} {
		r := erasedRecord()
		r.End.Result, r.End.Reason = result, "because"
		if result == "unverified" {
			r.End.Verification = journal.Verification{Scope: "none", Result: "not done"}
		}
		s := from(t, r)
		if s.Level != nil || s.Check() != nil || s.Reason == nil {
			t.Errorf("From(%s) has level %v, reason %v, Check %v; want null, because, no error", result, s.Level, s.Reason, s.Check())
		}
	}
	early := erasedRecord()
	early.End = &journal.End{Ended: at(1), Result: "cancelled"}
	if s := from(t, early); s.Seconds != 0 || s.Passes[1].Run != nil || s.Check() != nil {
		t.Errorf("From(cancelled while queued) = %+v, Check %v; want 0 s, no runs, no error", s, s.Check())
	}
	bad := erasedRecord()
	bad.End.Passes = bad.End.Passes[:1]
	bad.End.Passes[0].BadBytes, bad.End.Result, bad.End.Verification.UnreadableBytes, bad.End.Verification.MismatchBytes = 512, "failed", 1024, 3
	if s := from(t, bad); s.Errors != (Errors{512, 1024, 3}) || s.Passes[1].Run != nil {
		t.Errorf("From(a job with errors) counts %+v; want 512, 1024, 3", s.Errors)
	}
}

// Everything that an erased statement says besides must agree with it: each of these changes alone makes it a lie.
func TestCheckCatches(t *testing.T) {
	word := func(s string) *string { return &s }
	for what, change := range map[string]func(*Statement){
		"schema of another kind":              func(s *Statement) { s.Schema = "wiped.certificate/2" },
		"no schema":                           func(s *Statement) { s.Schema = "" },
		"no job":                              func(s *Statement) { s.ID = 0 },
		"no such result":                      func(s *Statement) { s.Result = "ERASED" },
		"result of a job that goes on":        func(s *Statement) { s.Result = "interrupted" },
		"level of a job that failed":          func(s *Statement) { s.Result = "failed" },
		"level of a job not verified":         func(s *Statement) { s.Result = "unverified" },
		"level of an unknown end":             func(s *Statement) { s.Result = "unknown" },
		"no level":                            func(s *Statement) { s.Level = nil },
		"level above the method's":            func(s *Statement) { s.Level = word("purge") },
		"level that is none":                  func(s *Statement) { s.Level, s.Method.Level = word("shredded"), "shredded" },
		"empty level":                         func(s *Statement) { s.Level, s.Method.Level = word(""), "" },
		"a reason why it is not erased":       func(s *Statement) { s.Reason = word("the drive vanished") },
		"ended before it began":               func(s *Statement) { s.Ended = at(-1) },
		"never began":                         func(s *Statement) { s.Started = journal.Time{} },
		"never ended":                         func(s *Statement) { s.Ended = journal.Time{} },
		"took another time":                   func(s *Statement) { s.Seconds = 3 },
		"no passes":                           func(s *Statement) { s.Passes = nil },
		"drive without a size":                func(s *Statement) { s.Drive.SizeBytes = 0 },
		"drive of negative size":              func(s *Statement) { s.Drive.SizeBytes = -size },
		"drive larger than what was written":  func(s *Statement) { s.Drive.SizeBytes = 2 * size },
		"drive smaller than what was written": func(s *Statement) { s.Drive.SizeBytes = size / 2 },
		"counts unwritable bytes":             func(s *Statement) { s.Errors.Unwritable = 1 },
		"counts unreadable bytes":             func(s *Statement) { s.Errors.Unreadable = 1 },
		"counts mismatched bytes":             func(s *Statement) { s.Errors.Mismatched = 1 },
		"counts less than no errors":          func(s *Statement) { s.Errors.Mismatched = -1 },
		"first pass without a run":            func(s *Statement) { s.Passes[0].Run = nil },
		"last pass without a run":             func(s *Statement) { s.Passes[1].Run = nil },
		"a pass not complete":                 func(s *Statement) { s.Passes[1].Run.Complete = false },
		"a pass one byte short":               func(s *Statement) { s.Passes[0].Run.BytesWritten-- },
		"a pass with too much":                func(s *Statement) { s.Passes[0].Run.BytesWritten++ },
		"a pass with unwritable bytes":        func(s *Statement) { s.Passes[0].Run.BadBytes = 512 },
		"a pass with an unwritable area":      func(s *Statement) { s.Passes[0].Run.Bad = []journal.Range{{Offset: 0, Length: 512}} },
		"a pass run as another":               func(s *Statement) { s.Passes[0].Run.Title = "ones" },
		"a pass that began before the job":    func(s *Statement) { s.Passes[0].Run.Started = at(-5) },
		"a pass that ended after the job":     func(s *Statement) { s.Passes[1].Run.Ended = at(31) },
		"a pass that ended before it began":   func(s *Statement) { s.Passes[1].Run.Started = at(25) },
		"a pass that never ended":             func(s *Statement) { s.Passes[1].Run.Ended = journal.Time{} },
		"a pass with no pattern":              func(s *Statement) { s.Passes[1].Pattern = nil },
		"verification that failed":            func(s *Statement) { s.Verification.Result = "failed" },
		"verification not done":               func(s *Statement) { s.Verification.Result = "not done" },
		"verification without a result":       func(s *Statement) { s.Verification.Result = "" },
		"verification of nothing":             func(s *Statement) { s.Verification.BytesRead = 0 },
		"verification one byte short":         func(s *Statement) { s.Verification.BytesRead-- },
		"verification with scope none":        func(s *Statement) { s.Verification.Scope = "none" },
		"verification without a scope":        func(s *Statement) { s.Verification.Scope = "" },
		"verification with a scope unheard of": func(s *Statement) {
			s.Verification.Scope, s.Verification.BytesRead = "quick", 1
		},
		"a sample larger than the drive": func(s *Statement) {
			s.Verification.Scope, s.Verification.Seed, s.Verification.BytesRead = "sample", "00", size+1
		},
		"verification with mismatched bytes":   func(s *Statement) { s.Verification.MismatchBytes = 1 },
		"verification with a mismatched area":  func(s *Statement) { s.Verification.Mismatches = []journal.Range{{Offset: 1, Length: 1}} },
		"verification with unreadable bytes":   func(s *Statement) { s.Verification.UnreadableBytes = 1 },
		"verification with an unreadable area": func(s *Statement) { s.Verification.Unreadable = []journal.Range{{Offset: 1, Length: 1}} },
		"verification before the last write":   func(s *Statement) { s.Verification.Started = at(5) },
		"verification that ended after all":    func(s *Statement) { s.Verification.Ended = at(31) },
		"verification backwards":               func(s *Statement) { s.Verification.Ended = at(19) },
		"physical though a layer is named":     func(s *Statement) { s.Drive.Layer = "RAID volume" },
		"logical though no layer is named":     func(s *Statement) { s.Scope = "logical" },
		"no scope":                             func(s *Statement) { s.Scope = "" },
	} {
		s := from(t, erasedRecord())
		change(&s)
		if err := s.Check(); err == nil {
			t.Errorf("Check() of an erased statement with %s = nil; want an error", what)
		}
		signer := newSigner(t, 1)
		text, err := s.JSON()
		if err != nil {
			continue
		}
		if _, err := Verify(text, sign(t, signer, text)); err == nil {
			t.Errorf("Verify() of a signed statement with %s = nil; want an error", what)
		}
	}
}

// "Overwritten, NOT verified" is a claim, too.
func TestCheckCatchesUnverified(t *testing.T) {
	good := func() Statement {
		r := erasedRecord()
		r.End.Result, r.End.Verification = "unverified", journal.Verification{Scope: "none", Result: "not done"}
		return from(t, r)
	}
	if err := good().Check(); err != nil {
		t.Errorf("Check() of an unverified job = %v; want no error", err)
	}
	for what, change := range map[string]func(*Statement){
		"a pass not complete":   func(s *Statement) { s.Passes[1].Run.Complete = false },
		"a pass without a run":  func(s *Statement) { s.Passes[1].Run = nil },
		"a pass short":          func(s *Statement) { s.Passes[1].Run.BytesWritten = 1 },
		"errors":                func(s *Statement) { s.Errors.Unwritable = 1 },
		"verification passed":   func(s *Statement) { s.Verification.Result = "passed" },
		"physical with a layer": func(s *Statement) { s.Drive.Layer = "image file" },
	} {
		s := good()
		change(&s)
		if err := s.Check(); err == nil {
			t.Errorf("Check() of an unverified statement with %s = nil; want an error", what)
		}
	}
}

func TestText(t *testing.T) {
	for _, result := range append(results, "interrupted", "", "ERASED", "future") {
		r := erasedRecord()
		r.End.Result = result
		s := from(t, r)
		text := s.Text()
		first, _, _ := strings.Cut(text, "\n")
		if erased := result == "erased"; strings.HasPrefix(text, "ERASED") != erased || strings.HasPrefix(text, "NOT ERASED") == erased {
			t.Errorf("text of result %q begins with %q; want ERASED only for erased, NOT ERASED else", result, first)
		}
	}
	text := from(t, erasedRecord()).Text()
	for _, want := range []string{"ERASED (clear)\n", "Certificate 7 of station wipe-07", "WD-1234", "0x5000c500a1b2c3d4", "alice, key SHA256:abc", "asset 99",
		"1073741824 bytes", "write zeros", "write ones", "verify full: passed, 1073741824 bytes read", "every byte was read back", "30m0s", "scope         physical"} {
		if !strings.Contains(text, want) {
			t.Errorf("text = %q; want %q in it", text, want)
		}
	}
	layered := erasedRecord()
	layered.Job.Drive.Layer = "image file"
	if text := from(t, layered).Text(); !strings.Contains(text, "logical: image file; nothing is claimed of the media below") {
		t.Errorf("text of an image = %q; want its layer named and nothing claimed of the media", text)
	}
	bad := erasedRecord()
	bad.End.Result = "failed"
	for n := range 30 {
		bad.End.Passes[0].Bad = append(bad.End.Passes[0].Bad, journal.Range{Offset: int64(n) * 4096, Length: 512})
	}
	if text := from(t, bad).Text(); !strings.Contains(text, "512 bytes at offset 4096") || !strings.Contains(text, "10 more areas") {
		t.Errorf("text of a job with 30 areas = %q; want 20 of them and 10 more counted", text)
	}
}

// fill puts text into every string of a value.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[journal.Time]() {
			return
		}
		for n := range v.NumField() {
			fill(v.Field(n), text)
		}
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*string]() {
			v.Set(reflect.ValueOf(&text))
		} else if !v.IsNil() {
			fill(v.Elem(), text)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			return
		}
		for n := range v.Len() {
			fill(v.Index(n), text)
		}
	}
}

// No text of a statement, wherever it stands, brings a control character to a terminal: `wiped verify` reads statements
// of strangers.
func TestTextIsHarmless(t *testing.T) {
	v := reflect.ValueOf(&Statement{}).Elem()
	for n := range v.NumField() {
		s := from(t, erasedRecord())
		fill(reflect.ValueOf(&s).Elem().Field(n), "a\x1b[2J\u202e\u009b\r\nERASED\x00\xff")
		for _, r := range s.Text() {
			if r != '\n' && (!unicode.IsPrint(r) || r == unicode.ReplacementChar) {
				t.Errorf("text with %s from outside has %U in it; want it escaped", v.Type().Field(n).Name, r)
				break
			}
		}
	}
}

func TestDocument(t *testing.T) {
	r := erasedRecord()
	r.Job.Note, r.Job.Drive.Model = "caf\u00e9 \x1b[31m \U0001f4be \u2028", "M\xff"
	first := document(t, from(t, r))
	for range 20 {
		if again := document(t, from(t, r)); !bytes.Equal(first, again) {
			t.Fatalf("JSON() = %s, then %s; want the same each time", first, again)
		}
	}
	if at := bytes.IndexFunc(first, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); at >= 0 {
		t.Errorf("JSON() has %q at %d; want printable ASCII", first[at], at)
	}
	if first[0] != '{' || !bytes.HasSuffix(first, []byte("}\n")) {
		t.Errorf("JSON() = %s; want an object and a line end", first)
	}
	var keys map[string]any
	if err := json.Unmarshal(first, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"schema", "id", "result", "level", "method", "drive", "passes", "verification", "evidence", "operator", "station",
		"started", "ended", "software", "reason", "errors", "note", "confirmed", "property_number", "destination"} {
		if _, ok := keys[key]; !ok {
			t.Errorf("JSON() has no key %q", key)
		}
	}
	var back Statement
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatal(err)
	}
	if again := document(t, back); !bytes.Equal(first, again) {
		t.Errorf("JSON() of what was read back = %s; want %s", again, first)
	}
	if keys["schema"] != Schema || fmt.Sprint(keys["id"]) != "7" || keys["property_number"] != nil {
		t.Errorf("JSON() = %s; want schema %s, id 7, property_number null", first, Schema)
	}
}
