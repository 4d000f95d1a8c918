package engine

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// A drive that was told to erase itself is out of hand from the end of the program to the next start: what is done to it
// meanwhile must not be certified.

// newData is what somebody puts on a drive that was erased.
var newData = bytes.Repeat([]byte("NEW USER DATA "), 200000)

// atVerification starts a job and returns when its drive has ended and its verification waits for release.
func atVerification(t *testing.T, w *workshop, f *drivetest.Fake, action drive.Action, verify string) (id uint64, release func()) {
	t.Helper()
	hold := f.HoldErase() // the samples are taken before
	id = w.erase(string(action), verify, "f0")[0]
	eventually(t, "the drive is told", func() bool { return len(f.Commands()) == 1 })
	reached := f.HoldAfter(0)
	hold()
	select {
	case <-reached:
	case <-time.After(patience):
		t.Fatal("the verification never begins")
	}
	return id, f.Release
}

// TestUsedAgainWhileVerifying: the drive ended, the server stops while it verifies, and the drive is used again. Neither resume
// nor the pick-up of the next start after a power cut call that erased.
func TestUsedAgainWhileVerifying(t *testing.T) {
	for _, action := range []drive.Action{followed, blocking} {
		for _, verify := range []string{"sample", "full"} {
			for _, crash := range []bool{false, true} {
				f := drivetest.New("f0", 64<<20, []byte("SECRET")) // large enough to be stopped while it is read
				f.SelfErasing(drivetest.Honest, drive.Ability{Action: followed}, drive.Ability{Action: blocking, Blocks: true})
				w := open(t, "", nil, f)
				id, release := atVerification(t, w, f, action, verify)
				file := w.file
				if crash {
					file = w.copyJournal()
				}
				go func() { time.Sleep(50 * time.Millisecond); release() }()
				w.shutdown()
				if !crash {
					_ = w.cfg.Journal.Close()
				}
				f.Put(1<<20, newData)
				w = open(t, file, nil, f)
				if v, _ := w.Job(id); v.State == Interrupted {
					if _, err := w.Resume([]uint64{id}, nil); err != nil {
						t.Fatal(err)
					}
				}
				v := w.end(id)
				if v.State != Unknown || !strings.Contains(string(v.Last.Reason), "somebody may have written since") {
					t.Errorf("%s, verify %s, crash %v: %s: %s", action, verify, crash, v.State, v.Last.Reason)
				}
				w.honest(v, f)
			}
		}
	}
}

// TestLeftAloneWhileVerifying: nobody touched the drive meanwhile. Every byte of it is read, whatever was asked for, and says so.
func TestLeftAloneWhileVerifying(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	w := open(t, "", nil, f)
	id, release := atVerification(t, w, f, followed, "sample")
	file := w.copyJournal()
	release()
	w.end(id)
	w.shutdown()
	w = open(t, file, nil, f)
	v := w.end(id)
	w.honest(v, f)
	st, _, _, _ := w.Certificate(id)
	if v.State != Erased || v.Last.Verification != "full" || st.Verification.BytesRead != v.Job.Drive.SizeBytes || st.Verification.Scope != "full" {
		t.Errorf("%s: %s; verified %s, %+v", v.State, v.Last.Reason, v.Last.Verification, st.Verification)
	}
}

// TestUsedAgainAfterCrypto: after a crypto erase a drive holds anything, so that new data on it cannot be told from that. Only
// a drive that says itself that it was not written is believed.
func TestUsedAgainAfterCrypto(t *testing.T) {
	for _, lie := range []drivetest.Lie{drivetest.Honest, drivetest.Untouched} {
		f := drivetest.New("f0", 4<<20, []byte("SECRET"))
		f.SelfErasing(drivetest.Endless, drive.Ability{Action: drive.SanitizeCrypto})
		w := open(t, "", nil, f)
		id := w.erase("sanitize-crypto", "full", "f0")[0]
		seenAt(t, w, id)
		w.shutdown()
		_ = w.cfg.Journal.Close()
		f.SelfErasing(lie, drive.Ability{Action: drive.SanitizeCrypto})
		endUnseen(t, f, drive.SanitizeCrypto)
		f.Put(0, newData) // or what the old key makes of it
		w = open(t, w.file, nil, f)
		want := map[drivetest.Lie]State{drivetest.Honest: Unknown, drivetest.Untouched: Erased}[lie]
		if v := w.end(id); v.State != want {
			t.Errorf("%s: %s: %s; want %s", lie, v.State, v.Last.Reason, want)
		}
	}
}

// endUnseen lets a drive come to its end while no engine looks.
func endUnseen(t *testing.T, f *drivetest.Fake, action drive.Action) {
	t.Helper()
	found, _ := f.Find()
	c, err := found[0].Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fw, _ := c.Firmware()
	for range 4 {
		_, _ = fw.Status(action)
	}
}

// TestErasedAgainByAnother: the drive ended, and is at an erase again when the job goes on: somebody else is at it.
func TestErasedAgainByAnother(t *testing.T) {
	f := itself("f0", []byte("SECRET"), drivetest.Honest)
	w := open(t, "", nil, f)
	id, release := atVerification(t, w, f, followed, "full")
	file := w.copyJournal()
	release()
	w.end(id)
	w.shutdown()
	f.SelfErasing(drivetest.Endless, drive.Ability{Action: followed})
	w = open(t, file, nil, f)
	if v := w.end(id); v.State != Unknown || !strings.Contains(string(v.Last.Reason), "at the command of somebody else") {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}
