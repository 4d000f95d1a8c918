package engine

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"wiped/engine/certificate"
	"wiped/engine/drive/drivetest"
	"wiped/engine/journal"
	"wiped/engine/wipe"
)

// certified is a certificate as a machine and as a person read it.
func (w *workshop) certified(id uint64) (s certificate.Statement, doc string) {
	w.t.Helper()
	s, text, _, err := w.Certificate(id)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		w.t.Errorf("job %d: %v", id, err)
	}
	var plain bytes.Buffer
	if err := json.Compact(&plain, text); err != nil {
		w.t.Fatal(err)
	}
	return s, plain.String()
}

const (
	mergedKey  = `"ranges_merged":true`
	mergedText = "the ranges also cover what lies between"
)

// TestMergedRanges: where there are more areas than ranges that are kept, the certificate says that the ranges cover more than the
// areas, in the document and in the text; and only there. The bytes are counted one by one.
func TestMergedRanges(t *testing.T) {
	for name, c := range map[string]struct {
		kind  drivetest.Kind
		areas int
		of    func(certificate.Statement) (bytes int64, ranges []journal.Range)
		read  bool
	}{
		"different": {drivetest.Drop, wipe.MaxRanges + 1, func(s certificate.Statement) (int64, []journal.Range) {
			return s.Errors.Mismatched, s.Verification.Mismatches
		}, true},
		"unreadable": {drivetest.BadRead, wipe.MaxRanges + 1, func(s certificate.Statement) (int64, []journal.Range) {
			return s.Errors.Unreadable, s.Verification.Unreadable
		}, true},
		"unwritable": {drivetest.BadWrite, wipe.MaxRanges + 1, func(s certificate.Statement) (int64, []journal.Range) {
			return s.Errors.Unwritable, s.Passes[0].Run.Bad
		}, false},
		"as many as are kept": {drivetest.Drop, wipe.MaxRanges, func(s certificate.Statement) (int64, []journal.Range) {
			return s.Errors.Mismatched, s.Verification.Mismatches
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			const apart = 16 * drivetest.Sector
			f := drivetest.New("f0", int64(c.areas)*apart, []byte("OLD "), drivetest.Fault{Kind: c.kind, Length: drivetest.Sector, Every: apart})
			w := open(t, "", nil, f)
			id := w.erase("zero", "full", "f0")[0]
			w.end(id)
			s, doc := w.certified(id)
			bytes, ranges := c.of(s)
			if bytes != int64(c.areas)*drivetest.Sector || len(ranges) != wipe.MaxRanges {
				t.Fatalf("%d bytes in %d ranges; want %d in %d", bytes, len(ranges), c.areas*drivetest.Sector, wipe.MaxRanges)
			}
			want := 0
			if c.areas > wipe.MaxRanges {
				want = 1
			}
			if n := strings.Count(doc, mergedKey); n != want {
				t.Errorf("%d areas: the document has %s %d times; want %d", c.areas, mergedKey, n, want)
			}
			if n := strings.Count(s.Text(), mergedText); n != want {
				t.Errorf("%d areas: the text says %d times that %s; want %d", c.areas, n, mergedText, want)
			}
			if want > 0 && strings.Contains(doc, `"verification":{`) && (strings.Index(doc, mergedKey) > strings.Index(doc, `"verification":{`)) != c.read {
				t.Errorf("it is said of the wrong thing: %s", doc)
			}
		})
	}
}

// TestMergedRangesResumed: that they were merged is not forgotten when the job is interrupted.
func TestMergedRangesResumed(t *testing.T) {
	const size = 48 << 20
	f := drivetest.New("f0", size, []byte("OLD "), drivetest.Fault{Kind: drivetest.BadWrite, Length: drivetest.Sector, Every: 32 * drivetest.Sector})
	w := open(t, "", nil, f)
	held := f.HoldAfter(size - 2<<20) // the slowest may stand a quarter of it behind
	id := w.erase("dod-3", "full", "f0")[0]
	<-held
	w, _ = w.interrupt(f, id)
	if c := w.record(id).Checkpoint; c == nil || c.Pass != 1 || !c.Merged || c.Bad[0].Length <= drivetest.Sector {
		t.Fatalf("the checkpoint is %+v", c)
	}
	f.ClearFaults() // the passes after this one go well
	if _, err := w.Resume([]uint64{id}, nil); err != nil {
		t.Fatal(err)
	}
	w.end(id)
	s, doc := w.certified(id)
	if n := strings.Count(doc, mergedKey); n != 1 || !strings.Contains(s.Text(), mergedText) {
		t.Errorf("the job is %s; its certificate has %s %d times", s.Result, mergedKey, n)
	}
	for n, p := range s.Passes {
		text, err := json.Marshal(p.Run)
		if err != nil || strings.Contains(string(text), mergedKey) != (n == 0) {
			t.Errorf("pass %d: %.300s, %v", n+1, text, err)
		}
	}
}
