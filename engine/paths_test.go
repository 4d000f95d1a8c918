package engine

import (
	"bytes"
	"strings"
	"testing"

	"wiped/engine/drive/drivetest"
)

const alike = "several drives with one WWN, serial and size"

// TestTwins: two drives that look like two paths to one are found out before anything but a few sectors of the first is
// written, whatever they hold and whatever the method: other things, the same, as mirrors do, or nothing.
func TestTwins(t *testing.T) {
	for _, old := range []string{"SECRET", "OTHER!", "\x00"} {
		for _, method := range []string{string(followed), string(blocking), "zero", "random"} {
			f, twin := itself("f0", []byte("SECRET"), drivetest.Honest), itself("f0", []byte(old), drivetest.Honest)
			f.Path(twin)
			w := open(t, "", nil, f)
			v := w.end(w.erase(method, "full", "f0")[0])
			if v.State != Failed || !strings.Contains(string(v.Last.Reason), alike) {
				t.Errorf("%q, %s: %s: %s", old, method, v.State, v.Last.Reason)
			}
			if len(f.Commands()) > 0 || f.Written() > pathPlaces*drivetest.Sector || bytes.Count(f.Medium(), []byte("SECRET")) < 4<<20/6-pathPlaces*512/6-2*pathPlaces {
				t.Errorf("%q, %s: %d bytes were written, and %v ordered", old, method, f.Written(), f.Commands())
			}
			w.honest(v, f)
		}
	}
}

// TestTwoPaths: one drive over two paths is erased as any other.
func TestTwoPaths(t *testing.T) {
	for _, method := range []string{string(followed), string(blocking), "zero", "random"} {
		f := itself("f0", []byte("SECRET"), drivetest.Honest)
		f.Path(f)
		w := open(t, "", nil, f)
		v := w.end(w.erase(method, "sample", "f0")[0])
		if v.State != Erased {
			t.Errorf("%s: %s: %s", method, v.State, v.Last.Reason)
		}
	}
}

// TestTwinLater: the second path leads to another drive only after the job began, as after a resume at another station.
func TestTwinLater(t *testing.T) {
	for _, method := range []string{string(blocking), "zero"} {
		f, twin := itself("f0", []byte("SECRET"), drivetest.Honest), itself("f0", []byte("SECRET"), drivetest.Honest)
		reached := f.HoldAfter(1 << 20)
		if method == string(blocking) {
			f.Release()
		}
		hold := f.HoldErase()
		w := open(t, "", nil, f)
		id := w.erase(method, "full", "f0")[0]
		if method == "zero" {
			<-reached
		} else {
			eventually(t, "the drive is told", func() bool { return len(f.Commands()) == 1 })
		}
		f.Path(twin)
		hold()
		f.Release()
		if v := w.end(id); v.State != Failed || !strings.Contains(string(v.Last.Reason), alike) {
			t.Errorf("%s: %s: %s", method, v.State, v.Last.Reason)
		}
	}
}

// TestPathsOfALockedDrive: where nothing can be written, nobody can tell, and nothing is begun.
func TestPathsOfALockedDrive(t *testing.T) {
	f := drivetest.New("f0", 4<<20, []byte("SECRET"), drivetest.Fault{Kind: drivetest.BadWrite, Length: 4 << 20})
	f.Path(f)
	w := open(t, "", nil, f)
	if v := w.end(w.erase("zero", "full", "f0")[0]); v.State != Failed || !strings.Contains(string(v.Last.Reason), "its 2 paths lead to one drive cannot be told") {
		t.Errorf("%s: %s", v.State, v.Last.Reason)
	}
}
