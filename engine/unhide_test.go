package engine

import (
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// TestUnhideHangs: a drive that does not come back from opening its hidden area holds up nobody but who asked for it, and stays
// busy until it does.
func TestUnhideHangs(t *testing.T) {
	hidden := func() (*drivetest.Fake, func()) {
		f := itself("f0", []byte("SECRET"), drivetest.Honest)
		f.Answer(func(a *drive.Answers) { a.Hidden = []drive.Hidden{{Kind: "HPA", Bytes: 1 << 20}} })
		return f, f.HoldUnhide()
	}
	ask := Request{Drives: []string{"f0"}, Method: "zero", Unhide: true, Confirm: []string{"FAKE-f0"}}

	f, release := hidden()
	other := drivetest.New("f1", 1<<20, []byte("SECRET"))
	w := open(t, "", func(c *Config) { c.Limits.Silence = 3 * time.Second }, f, other)
	answer := make(chan error)
	go func() { _, err := w.Erase(ask); answer <- err }()
	eventually(t, "f0 is at it", func() bool {
		d, _ := w.Drive("f0")
		return strings.Contains(d.Reason, "its hidden areas are being opened")
	})
	if v := w.end(w.erase("zero", "full", "f1")[0]); v.State != Erased {
		t.Errorf("f1 is %s: %s", v.State, v.Last.Reason)
	}
	if err := <-answer; err == nil || !strings.Contains(err.Error(), "has not answered for 3s") {
		t.Errorf("the answer of who asked for it: %v", err)
	}
	if _, err := w.Erase(Request{Drives: []string{"f0"}, Method: "zero", KeepHidden: true, Confirm: []string{"FAKE-f0"}}); err == nil ||
		!strings.Contains(err.Error(), "its hidden areas are being opened") {
		t.Errorf("while it is still out: %v", err)
	}
	release()
	eventually(t, "f0 is free", func() bool { d, _ := w.Drive("f0"); return d.State == "ready" })
	if v := w.end(w.erase("zero", "full", "f0")[0]); v.State != Erased || v.Job.Drive.SizeBytes != 5<<20 {
		t.Errorf("f0 is %s, %d bytes: %s", v.State, v.Job.Drive.SizeBytes, v.Last.Reason)
	}

	f, release = hidden()
	w = open(t, "", nil, f)
	go func() { _, err := w.Erase(ask); answer <- err }()
	eventually(t, "f0 is at it", func() bool {
		d, _ := w.Drive("f0")
		return strings.Contains(d.Reason, "its hidden areas are being opened")
	})
	w.shutdown()
	if err := <-answer; err == nil || !strings.Contains(err.Error(), "the server is stopping") {
		t.Errorf("the answer at the end of the program: %v", err)
	}
	release()
}

// TestUnhidePanics: a defect of ours ends this request and nothing else.
func TestUnhidePanics(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Panics)
	f.Answer(func(a *drive.Answers) { a.Hidden = []drive.Hidden{{Kind: "HPA", Bytes: 1 << 20}} })
	w := open(t, "", nil, f)
	_, err := w.Erase(Request{Drives: []string{"f0"}, Method: "zero", Unhide: true, Confirm: []string{"FAKE-f0"}})
	if err == nil || !strings.Contains(err.Error(), "a defect in wiped") {
		t.Errorf("%v", err)
	}
	if d, _ := w.Drive("f0"); d.State != "ready" {
		t.Errorf("f0 is %s: %s", d.State, d.Reason)
	}
}

// TestUnhideHangsTwice: of several drives that do not come back each has its reason, and who asked is answered.
func TestUnhideHangsTwice(t *testing.T) {
	var all []*drivetest.Fake
	ask := Request{Method: "zero", Unhide: true}
	for _, name := range []string{"f0", "f1"} {
		f := itself(name, []byte("SECRET"), drivetest.Honest)
		f.Answer(func(a *drive.Answers) { a.Hidden = []drive.Hidden{{Kind: "HPA", Bytes: 1 << 20}} })
		defer f.HoldUnhide()()
		all = append(all, f)
		ask.Drives, ask.Confirm = append(ask.Drives, name), append(ask.Confirm, "FAKE-"+name)
	}
	w := open(t, "", func(c *Config) { c.Limits.Silence = 100 * time.Millisecond }, all...)
	answer := make(chan error, 1)
	go func() { _, err := w.Erase(ask); answer <- err }()
	select {
	case err := <-answer:
		if err == nil || strings.Count(err.Error(), "has not answered for 100ms") != 2 {
			t.Errorf("the answer: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("who asked for it is not answered")
	}
}
