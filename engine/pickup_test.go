package engine

import (
	"bytes"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

func seenAt(t *testing.T, w *workshop, id uint64) {
	eventually(t, "the drive is seen at it", func() bool {
		r := w.record(id)
		return r.Checkpoint != nil && r.Checkpoint.Firmware != nil && !r.Checkpoint.Firmware.Seen.IsZero()
	})
}

// TestPickUpAlike: of two drives with one serial none is taken for the one that was told to erase itself.
func TestPickUpAlike(t *testing.T) {
	a := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, a)
	id := w.erase(string(followed), "sample", "f0")[0]
	seenAt(t, w, id)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	b := drivetest.New("f1", 4<<20, []byte("OTHER DATA"))
	b.SelfErasing(drivetest.Instant, drive.Ability{Action: followed})
	b.Set(func(i *drive.Info) { i.Serial, i.ID.Serial = "FAKE-f0", "FAKE-f0" })
	c, _ := b.Find()
	k, _ := c[0].Claim()
	fw, _ := k.Firmware()
	_ = fw.Erase(followed) // it is "ready", as any SCSI drive is
	_ = k.Close()
	b.Put(0, bytes.Repeat([]byte("OTHER DATA"), 400000))
	w = open(t, w.file, nil, b, a) // both are there
	v := w.end(id)
	if v.State == Erased {
		t.Errorf("FALSE ERASED: two drives with one serial are there, and the job took the first one")
	}
}

// TestLastLookAfterRestart: a drive waits for its controller, at which a job is that was picked up. It is looked at once more
// when that has ended, and not told anything where its command would reach what nobody confirmed.
func TestLastLookAfterRestart(t *testing.T) {
	a, b := itself("a", []byte("SECRET"), drivetest.Endless), itself("b", []byte("SECRET"), drivetest.Honest)
	c := itself("c", []byte("PRECIOUS"), drivetest.Honest)
	for _, f := range []*drivetest.Fake{a, b} {
		f.Set(func(i *drive.Info) { i.Controller = "nvme one" })
	}
	w := open(t, "", func(c *Config) { c.Parallel = 1 }, a, b, c)
	ids := w.erase(string(followed), "sample", "a", "b") // b waits for its turn
	seenAt(t, w, ids[0])
	w.shutdown()
	_ = w.cfg.Journal.Close()
	b.Join(c)
	b.Answer(func(x *drive.Answers) { x.Abilities[0].Reaches = []drive.Reach{{Name: "c", What: "namespace 3"}} })
	w = open(t, w.file, nil, a, b, c)
	if _, err := w.Resume(ids[1:], nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b waits for the controller", func() bool { v, _ := w.Job(ids[1]); return v.Last.Action == string(followed)+" by the drive" })
	if len(b.Commands()) > 0 {
		t.Error("b was told to erase itself while its controller was at another job")
	}
	a.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	if v := w.end(ids[0]); v.State != Erased {
		t.Errorf("a is %s: %s", v.State, v.Last.Reason)
	}
	if v := w.end(ids[1]); v.State != Failed || !strings.Contains(string(v.Last.Reason), "would also erase c") {
		t.Errorf("b is %s: %s", v.State, v.Last.Reason)
	}
	if !bytes.Contains(c.Medium(), []byte("PRECIOUS")) {
		t.Errorf("WRONG DRIVE: c was neither named nor confirmed, and is erased")
	}
}

// TestPickedUpIsInterrupted: the certificate counts an end of the program while the drive was at it, of which the history has
// no word.
func TestPickedUpIsInterrupted(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	seenAt(t, w, id)
	file := w.copyJournal()
	w.shutdown()
	w = open(t, file, nil, f)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed})
	w = open(t, file, nil, f)
	v := w.end(id)
	if st, _, _, _ := w.Certificate(id); v.State != Erased || st.Interrupted != 2 {
		t.Errorf("%s: %s; interrupted %d times", v.State, v.Last.Reason, st.Interrupted)
	}
}

// TestPickUpInUse: a drive that is there and in use needs no attaching.
func TestPickUpInUse(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Endless)
	w := open(t, "", nil, f)
	id := w.erase(string(followed), "sample", "f0")[0]
	seenAt(t, w, id)
	w.shutdown()
	_ = w.cfg.Journal.Close()
	found, _ := f.Find()
	c, err := found[0].Claim()
	if err != nil {
		t.Fatal(err)
	}
	w = open(t, w.file, nil, f)
	if v := w.end(id); v.State != Interrupted || !strings.Contains(string(v.Last.Reason), "find and end what holds it") {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
	_ = c.Close()
}
