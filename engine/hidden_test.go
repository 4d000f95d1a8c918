package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// TestHidden: a hidden area is never ignored.
func TestHidden(t *testing.T) {
	hidden := []drive.Hidden{{Kind: "HPA", Bytes: 1 << 20}}
	ask := func(w *workshop, change func(*Request)) (View, error) {
		req := Request{Drives: []string{"f0"}, Method: "zero", Confirm: []string{"FAKE-f0"}}
		change(&req)
		views, err := w.Erase(req)
		if err != nil {
			return View{}, err
		}
		return w.end(views[0].Job.ID), nil
	}
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	f.Answer(func(a *drive.Answers) { a.Hidden = hidden })
	w := open(t, "", nil, f)
	var refusals Refusals
	if _, err := ask(w, func(*Request) {}); !errors.As(err, &refusals) || refusals.Kind() != Unsafe || !strings.Contains(err.Error(), "HPA of 1048576 bytes") {
		t.Errorf("nothing said: %v", err)
	}
	if _, err := ask(w, func(r *Request) { r.Unhide, r.KeepHidden = true, true }); !errors.As(err, &refusals) || refusals.Kind() != Invalid {
		t.Errorf("both said: %v", err)
	}
	v, err := ask(w, func(r *Request) { r.KeepHidden = true })
	if err != nil || v.State != Erased || !strings.Contains(string(v.Job.Drive.HiddenAreas), "NOT erased") {
		t.Errorf("kept: %s %q, %v", v.State, v.Job.Drive.HiddenAreas, err)
	}
	v, err = ask(w, func(r *Request) { r.Unhide = true })
	if err != nil || v.State != Erased || v.Job.Drive.SizeBytes != 5<<20 || !strings.Contains(string(v.Job.Drive.HiddenAreas), "opened and erased") {
		t.Errorf("opened: %s, %d bytes, %q, %v", v.State, v.Job.Drive.SizeBytes, v.Job.Drive.HiddenAreas, err)
	}
	if medium := f.Medium(); len(medium) != 5<<20 || bytes.Contains(medium, []byte("HIDDEN")) {
		t.Error("what was hidden is still there")
	}
	f.Answer(func(a *drive.Answers) {
		a.Hidden = []drive.Hidden{{Kind: "DCO", Bytes: 1, Why: "it is frozen", Next: "unplug it"}}
	})
	if _, err = ask(w, func(r *Request) { r.Unhide = true }); err == nil || !strings.Contains(err.Error(), "DCO cannot be opened: it is frozen. Next: unplug it") {
		t.Errorf("frozen: %v", err)
	}
}

// TestUnhideUnseen: an area that was opened counts as erased only if the system sees the whole drive now.
func TestUnhideUnseen(t *testing.T) {
	item := Item{Drive: drive.Info{Name: "sda", Path: "/dev/sda"}, Answers: drive.Answers{Problem: "the drive did not answer within 12s"}}
	r := item.decideHidden(Request{Unhide: true, opened: map[string]opening{"/dev/sda": {"HPA of 1048576 bytes", 5}}})
	if len(r) == 0 {
		t.Errorf("nobody looked at the drive again, and the certificate says %q", item.Hidden)
	}
}

// TestHiddenUnseen: an area that a drive announces and does not answer for may be there. Nobody but the operator decides to
// leave it, and that stands on record with the reason.
func TestHiddenUnseen(t *testing.T) {
	const why = "DCO: the drive refused: its configuration may be frozen"
	for _, c := range []struct {
		what           string
		hidden         []drive.Hidden
		set            string
		keep, unhide   bool
		refused        string
		record, absent string
	}{
		{"nothing said", nil, "ATA", false, false, "it may have a hidden area", "", ""},
		{"to be opened", nil, "ATA", false, true, "it may have a hidden area", "", ""},
		{"to be left", nil, "ATA", true, false, "", "hidden areas not known: " + why + ", left as it is, NOT erased", ""},
		{"another one is seen", []drive.Hidden{{Kind: "HPA", Bytes: 1}}, "ATA", false, false, "HPA of 1 bytes, and hidden areas not known: " + why, "", ""},
		{"another one could be opened", []drive.Hidden{{Kind: "HPA", Bytes: 1}}, "ATA", false, true, "it may have a hidden area", "", ""},
		{"both are left", []drive.Hidden{{Kind: "HPA", Bytes: 1}}, "ATA", true, false, "", "HPA of 1 bytes, and hidden areas not known: " + why + ", left", ""},
		{"no such thing announced", nil, "SCSI", false, false, "", "not known: " + why, "NOT erased"},
	} {
		f := drivetest.New("f0", 1<<20, []byte("SECRET"))
		f.Answer(func(a *drive.Answers) { a.Set, a.Hidden, a.HiddenWhy = c.set, c.hidden, why })
		w := open(t, "", nil, f)
		views, err := w.Erase(Request{Drives: []string{"f0"}, Method: "zero", Confirm: []string{"FAKE-f0"}, KeepHidden: c.keep, Unhide: c.unhide})
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		v := w.end(views[0].Job.ID)
		st, _, _, _ := w.Certificate(v.Job.ID)
		if v.State != Erased || st.HiddenAreas == nil || !strings.Contains(*st.HiddenAreas, c.record) || c.absent != "" && strings.Contains(*st.HiddenAreas, c.absent) {
			t.Errorf("%s: %s: %s, certificate %v", c.what, v.State, v.Last.Reason, st.HiddenAreas)
		}
	}
}

// TestHiddenUnseenLater: the drive stops answering for its hidden areas before the first write.
func TestHiddenUnseenLater(t *testing.T) {
	first := itself("first", []byte("SECRET"), drivetest.Honest)
	release := first.HoldErase()
	f := drivetest.New("f0", 1<<20, []byte("SECRET"))
	f.Answer(func(a *drive.Answers) { a.Set = "ATA" })
	w := open(t, "", func(c *Config) { c.Parallel = 1 }, first, f)
	w.erase(string(blocking), "sample", "first")
	id := w.erase("zero", "full", "f0")[0]
	f.Answer(func(a *drive.Answers) { a.HiddenWhy = "HPA: the registers were lost on the way" })
	release()
	if v := w.end(id); v.State != Failed || !strings.Contains(string(v.Last.Reason), "it may have a hidden area") || f.Written() > 0 {
		t.Errorf("%s: %s, %d bytes written", v.State, v.Last.Reason, f.Written())
	}
}
