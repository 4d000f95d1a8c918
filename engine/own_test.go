package engine

import (
	"bytes"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// docked is a drive behind a bridge that shows its own serial, which the next drive in the dock has too.
func docked(own string, old []byte, lie drivetest.Lie) *drivetest.Fake {
	f := itself("f0", old, lie)
	f.Answer(func(a *drive.Answers) { a.Identity = drive.Identity{Model: "DRIVE", Serial: own} })
	return f
}

// exchange puts another drive into the dock.
func exchange(f *drivetest.Fake, own string, content []byte) {
	f.Answer(func(a *drive.Answers) { a.Identity = drive.Identity{Model: "DRIVE", Serial: own} })
	f.Put(0, bytes.Repeat(content, 4<<20/len(content)))
}

// TestExchangedInItsDock: the drive is exchanged while its job waits for its turn. The other one is not touched, whatever the
// method.
func TestExchangedInItsDock(t *testing.T) {
	for _, method := range []string{string(followed), string(blocking), "zero"} {
		first := itself("first", []byte("SECRET"), drivetest.Honest)
		release := first.HoldErase()
		f := docked("OWN-A", []byte("SECRET"), drivetest.Honest)
		w := open(t, "", func(c *Config) { c.Parallel = 1 }, first, f)
		one := w.erase(string(blocking), "sample", "first")[0]
		two := w.erase(method, "sample", "f0")[0]
		exchange(f, "OWN-B", []byte("PRECIOUS"))
		release()
		w.end(one)
		v := w.end(two)
		if v.State != Failed || !strings.Contains(string(v.Last.Reason), "its own serial was OWN-A and is OWN-B") {
			t.Errorf("%s: %s: %s", method, v.State, v.Last.Reason)
		}
		if n := bytes.Count(f.Medium(), []byte("PRECIOUS")); n != 4<<20/8 {
			t.Errorf("%s: WRONG DRIVE: OWN-B was written in place of OWN-A", method)
		}
		if st, _, _, _ := w.Certificate(two); st.Drive.OwnSerial != "OWN-A" || !strings.Contains(st.Text(), "serial OWN-A") {
			t.Errorf("%s: the certificate says %q of its own serial", method, st.Drive.OwnSerial)
		}
	}
}

// TestExchangedWhileDown: another drive, blank and erased long ago, stands in the dock after a restart. It is taken for the one
// that was told to erase itself neither by the pick-up nor by resume, nor is it overwritten by a resumed job.
func TestExchangedWhileDown(t *testing.T) {
	f := docked("OWN-A", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "full", "f0")[0]
	seenAt(t, w, id)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	g := docked("OWN-B", []byte{0}, drivetest.Instant)
	found, _ := g.Find()
	c, _ := found[0].Claim()
	fw, _ := c.Firmware()
	_ = fw.Erase(followed)
	_ = c.Close()
	w = open(t, w.file, nil, g)
	if v := w.end(id); v.State != Interrupted || !strings.Contains(string(v.Last.Reason), "its own serial was OWN-A and is OWN-B") {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
	if _, err := w.Resume([]uint64{id}, nil); err == nil || !strings.Contains(err.Error(), "its own serial was OWN-A and is OWN-B") {
		t.Errorf("resume says %v", err)
	}
}

// TestResumedInItsDock: as TestExchangedWhileDown, for a job that overwrites.
func TestResumedInItsDock(t *testing.T) {
	f := docked("OWN-A", []byte("SECRET"), drivetest.Honest)
	reached := f.HoldAfter(1 << 20)
	w := open(t, "", nil, f)
	id := w.erase("zero", "full", "f0")[0]
	<-reached
	file := w.copyJournal()
	f.Release()
	w.end(id)
	w.shutdown()
	exchange(f, "OWN-B", []byte("PRECIOUS"))
	w = open(t, file, nil, f)
	if _, err := w.Resume([]uint64{id}, nil); err == nil || !strings.Contains(err.Error(), "its own serial was OWN-A and is OWN-B") {
		t.Errorf("resume says %v", err)
	}
	if n := bytes.Count(f.Medium(), []byte("PRECIOUS")); n != 4<<20/8 {
		t.Error("WRONG DRIVE: OWN-B was written in place of OWN-A")
	}
}

// TestExchangedWhileVerifying: what was read at the end is not the drive that was erased.
func TestExchangedWhileVerifying(t *testing.T) {
	for _, own := range []string{"OWN-B", ""} {
		f := docked("OWN-A", []byte("SECRET"), drivetest.Honest)
		w := open(t, "", nil, f)
		id, release := atVerification(t, w, f, blocking, "full")
		f.Answer(func(a *drive.Answers) { a.Identity.Serial = own })
		release()
		if v := w.end(id); v.State != Failed || !strings.Contains(string(v.Last.Reason), "not certain") {
			t.Errorf("%q: %s: %s", own, v.State, v.Last.Reason)
		}
	}
}
