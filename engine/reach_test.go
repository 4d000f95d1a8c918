package engine

import (
	"bytes"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// TestReach: one command that erases two drives runs only if both are named and confirmed, and is one job then.
func TestReach(t *testing.T) {
	a, b := itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("SECRET"), drivetest.Honest)
	a.Join(b)
	a.SelfErasing(drivetest.Honest, drive.Ability{Action: followed, Reaches: []drive.Reach{{Name: "fake/b", What: "namespace 2"}}})
	b.SelfErasing(drivetest.Honest, drive.Ability{Action: followed, Reaches: []drive.Reach{{Name: "fake/a", What: "namespace 1"}}})
	for _, f := range []*drivetest.Fake{a, b} {
		f.Set(func(i *drive.Info) { i.Paths = []string{"/dev/fake/" + i.Name} })
	}
	w := open(t, "", nil, a, b)
	_, err := w.Erase(Request{Drives: []string{"a"}, Method: string(followed), Confirm: []string{"FAKE-a"}})
	if err == nil || !strings.Contains(err.Error(), "would also erase b (namespace 2, serial FAKE-b)") || len(a.Commands()) > 0 {
		t.Fatalf("one of two: %v", err)
	}
	ids := w.erase(string(followed), "full", "a", "b")
	if len(ids) != 1 {
		t.Fatalf("%d jobs for one command", len(ids))
	}
	v := w.end(ids[0])
	if v.State != Erased || len(v.Job.Also) != 1 || v.Job.Also[0].Name != "b" || len(a.Commands()) != 1 || len(b.Commands()) != 0 {
		t.Errorf("%s: %s; also %+v", v.State, v.Last.Reason, v.Job.Also)
	}
	w.honest(v, a, b)
}

// TestReachKept: of two drives under one command, the other one kept everything.
func TestReachKept(t *testing.T) {
	a, b := itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("SECRET"), drivetest.Honest)
	a.SelfErasing(drivetest.Honest, drive.Ability{Action: followed, Reaches: []drive.Reach{{Name: "b", What: "namespace 2"}}})
	for _, f := range []*drivetest.Fake{a, b} {
		f.Set(func(i *drive.Info) { i.Paths = []string{"/dev/" + i.Name} })
	}
	w := open(t, "", nil, a, b)
	v := w.end(w.erase(string(followed), "sample", "a", "b")[0])
	if v.State != Failed || !strings.Contains(string(v.Last.Reason), "still found") {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestReachUnknown: what no name is known for cannot be confirmed.
func TestReachUnknown(t *testing.T) {
	a := itself("a", []byte("SECRET"), drivetest.Honest)
	a.SelfErasing(drivetest.Honest, drive.Ability{Action: followed, Reaches: []drive.Reach{{What: "namespace 7"}}})
	w := open(t, "", nil, a)
	_, err := w.Erase(Request{Drives: []string{"a"}, Confirm: []string{"FAKE-a"}})
	if err == nil || !strings.Contains(err.Error(), "namespace 7, which this machine has no device for") {
		t.Errorf("%v", err)
	}
}

// TestReachLater: what a command reaches is asked again just before it is sent: another namespace may have come meanwhile.
func TestReachLater(t *testing.T) {
	first := itself("first", []byte("SECRET"), drivetest.Honest)
	release := first.HoldErase()
	a, b := itself("a", []byte("SECRET"), drivetest.Honest), itself("b", []byte("PRECIOUS"), drivetest.Honest)
	w := open(t, "", func(c *Config) { c.Parallel = 1 }, first, a, b)
	one := w.erase(string(blocking), "sample", "first")[0]
	two := w.erase(string(followed), "sample", "a")[0]
	a.Join(b) // namespace b was made meanwhile
	a.Answer(func(x *drive.Answers) { x.Abilities[0].Reaches = []drive.Reach{{Name: "b", What: "namespace 2"}} })
	release()
	w.end(one)
	if v := w.end(two); v.State == Erased {
		t.Errorf("it is %s", v.State)
	}
	if !bytes.Contains(b.Medium(), []byte("PRECIOUS")) {
		t.Errorf("WRONG DRIVE: b was neither named nor confirmed, and is erased")
	}
}
