package engine

import (
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// TestLookAgain: a drive that is pulled ends its job at once, whatever that was waiting for.
func TestLookAgain(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	eventually(t, "it runs", func() bool { return len(f.Commands()) == 1 })
	w.LookAgain()
	if v, _ := w.Job(id); v.State.End() {
		t.Fatalf("nothing happened, and the job is %s", v.State)
	}
	f.Pull()
	w.LookAgain()
	if v := w.end(id); v.State != Failed || !strings.Contains(string(v.Last.Reason), "the drive is gone") {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}

// TestLookAgainFinds: the drive turns up after the program has started, and its job goes on by itself.
func TestLookAgainFinds(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	eventually(t, "it runs", func() bool { return len(f.Commands()) == 1 })
	w.shutdown()
	_ = w.cfg.Journal.Close()
	f.Pull()
	w = open(t, w.file, nil, f)
	if v := w.end(id); v.State != Interrupted {
		t.Fatalf("%s: %s", v.State, v.Last.Reason)
	}
	w.LookAgain()
	if v, _ := w.Job(id); v.State != Interrupted {
		t.Fatalf("the drive is not there, and the job is %s", v.State)
	}
	f.PlugIn()
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	w.LookAgain()
	if v := w.end(id); v.State != Erased {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}
