package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

const otherOne = "it is another drive: its serial was FAKE-f0 and is OTHER"

func becomesAnother(a *drive.Answers) {
	a.Another, a.Problem, a.Identity.Serial = otherOne, otherOne, "OTHER"
}

// TestAnotherDrive: where a drive says that it is not the one that the system shows, no method touches it, and all that is said of
// it says so.
func TestAnotherDrive(t *testing.T) {
	for _, method := range []string{"", "zero", "gutmann", string(followed)} {
		f := itself("f0", []byte("PRECIOUS"), drivetest.Honest)
		f.Answer(becomesAnother)
		w := open(t, "", nil, f)
		_, err := w.Erase(Request{Drives: []string{"f0"}, Method: method, Confirm: []string{"FAKE-f0"}})
		var refusals Refusals
		if !errors.As(err, &refusals) || len(refusals) != 1 || refusals.Kind() != Unsafe || !strings.Contains(err.Error(), otherOne+". Next: unplug it and plug it in again") {
			t.Errorf("--method %q: %v", method, err)
		}
		if _, err = w.Erase(Request{Drives: []string{"f0"}, Method: method}); err == nil || strings.Contains(err.Error(), "not confirmed") {
			t.Errorf("--method %q, not confirmed: %v; want nobody to type a serial for nothing", method, err)
		}
		if f.Written() > 0 || len(f.Commands()) > 0 {
			t.Fatalf("WRONG DRIVE: --method %q wrote %d bytes and sent %v", method, f.Written(), f.Commands())
		}
		v, err := w.Drive("f0")
		if err != nil || v.State != "unusable" || v.Reason != otherOne || len(v.Methods) != 0 {
			t.Errorf("drive f0: %s, %q, methods %v, %v", v.State, v.Reason, v.Methods, err)
		}
	}
}

// TestAnotherBeforeTheFirstWrite: it turns out while the job waits for its turn.
func TestAnotherBeforeTheFirstWrite(t *testing.T) {
	for _, method := range []string{"zero", string(followed)} {
		first := itself("first", []byte("SECRET"), drivetest.Honest)
		release := first.HoldErase()
		f := itself("f0", []byte("PRECIOUS"), drivetest.Honest)
		w := open(t, "", func(c *Config) { c.Parallel = 1 }, first, f)
		one := w.erase(string(blocking), "sample", "first")[0]
		two := w.erase(method, "sample", "f0")[0]
		f.Answer(becomesAnother)
		release()
		w.end(one)
		if v := w.end(two); v.State != Failed || !strings.Contains(string(v.Last.Reason), otherOne) || f.Written() > 0 || len(f.Commands()) > 0 {
			t.Errorf("WRONG DRIVE: %s: %s: %s, %d bytes written, commands %v", method, v.State, v.Last.Reason, f.Written(), f.Commands())
		}
	}
}

// TestAnotherAtTheEnd: nothing good is said of a drive that turns out to be another one in the end, whether anything was
// verified or not. Silence is no such sign where the system would have seen the drive go.
func TestAnotherAtTheEnd(t *testing.T) {
	for _, verify := range []string{"full", "sample", "none"} {
		for what, c := range map[string]struct {
			change func(*drive.Answers)
			failed bool
		}{"another": {becomesAnother, true}, "silent": {func(a *drive.Answers) { *a = drive.Answers{Problem: "it does not answer"} }, false}} {
			f := itself("f0", []byte("SECRET"), drivetest.Honest)
			f.Answer(func(a *drive.Answers) { a.Identity.Serial = "FAKE-f0" })
			w := open(t, "", nil, f)
			reached := f.HoldAfter(2 << 20)
			id := w.erase("zero", verify, "f0")[0]
			<-reached
			f.Answer(c.change)
			f.Release()
			v := w.end(id)
			good := v.State == Erased || v.State == Unverified
			if good == c.failed || c.failed && !strings.Contains(string(v.Last.Reason), "not certain") {
				t.Errorf("%s, verify %s: %s: %s", what, verify, v.State, v.Last.Reason)
			}
		}
	}
}

// TestResumeOfNoSerial: a serial that was never written into a drive is the same in many. After a boot the drive is to be confirmed
// again.
func TestResumeOfNoSerial(t *testing.T) {
	ff := strings.Repeat(`\xff`, 20)
	named := func(f *drivetest.Fake, boot string) {
		f.Set(func(i *drive.Info) {
			i.Serial, i.SerialSource, i.ID.Serial = ff, "VPD page 80h", ff
			i.ID.Boot, i.ID.DiskSeq = boot, 5
		})
	}
	a := drivetest.New("f0", 8<<20, []byte("SECRET"))
	named(a, "boot-1")
	w := open(t, "", nil, a)
	reached := a.HoldAfter(4 << 20)
	views, err := w.Erase(Request{Drives: []string{"f0"}, Method: "zero", Confirm: []string{ff}})
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	go a.Release()
	w.shutdown()
	_ = w.cfg.Journal.Close()
	id := views[0].Job.ID
	b := drivetest.New("f0", 8<<20, []byte("PRECIOUS"))
	named(b, "boot-2")
	w = open(t, w.file, nil, b)
	if _, err := w.Resume([]uint64{id}, nil); err == nil {
		w.end(id)
		t.Errorf("resumed without a confirmation; the other drive is untouched: %v", bytes.Contains(b.Medium(), []byte("PRECIOUS")))
	}
}
