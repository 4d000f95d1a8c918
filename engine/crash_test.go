package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"wiped/engine/certificate"
	"wiped/engine/drive/drivetest"
	"wiped/engine/journal"
)

// crash runs a job until so many bytes are written, and cuts the power: what is left is a copy of the journal as it was at
// that moment, and the drive without some of what it had not flushed.
func crash(t *testing.T, w *workshop, f *drivetest.Fake, held <-chan struct{}, id uint64, random *rand.Rand) (file string, after *drivetest.Fake, ended bool) {
	t.Helper()
	j, err := w.job(id)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-held:
	case <-j.done:
		f.Release()
		return "", f, true
	}
	file = w.copyJournal()
	after = f.PowerCut(random)
	f.Release()
	<-j.done
	return file, after, false
}

// TestPowerCuts cuts the power at moments that chance picks, again and again while the job is resumed, and now and then
// changes the drive meanwhile. In the end every byte must be right, every pass fully accounted for, and all numbers agree.
func TestPowerCuts(t *testing.T) {
	plans := 100
	if testing.Short() {
		plans = 30
	}
	for seed := range uint64(plans) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { powerCuts(t, rand.New(rand.NewPCG(seed, 77))) })
	}
}

func powerCuts(t *testing.T, random *rand.Rand) {
	const size = 7<<20 + 3*drivetest.Sector
	method := []string{"random", "zero", "dod-3", "vsitr"}[random.IntN(4)]
	verify := []string{"full", "full", "sample", "none"}[random.IntN(4)]
	passes := map[string]int64{"dod-3": 3, "vsitr": 7}[method] + 1
	f := drivetest.New("f0", size, []byte("SECRET"))
	w := open(t, "", nil, f)
	held := f.HoldAfter(random.Int64N(size * passes))
	id := w.erase(method, verify, "f0")[0]
	cuts, newest := 0, uint64(0)
	for {
		file, after, ended := crash(t, w, f, held, id, random)
		if ended {
			break
		}
		cuts++
		for _, u := range w.stream(id) {
			if u.Seq > newest && !strings.Contains(u.State, "failed") {
				newest = u.Seq // somebody may have seen it
			}
		}
		if random.IntN(3) == 0 { // somebody tampers meanwhile
			at := random.Int64N(size-4096) / drivetest.Sector * drivetest.Sector
			after.Put(at, []byte("TAMPERED"))
		}
		f = after
		w = open(t, file, nil, f)
		v, err := w.Job(id)
		if err != nil || v.State != Interrupted {
			t.Fatalf("after the power cut the job is %s, %v", v.State, err)
		}
		if _, _, _, err := w.Certificate(id); err == nil {
			t.Error("an interrupted job has a certificate")
		}
		if v.Last.DoneBytes > v.Last.TotalBytes || v.Last.DoneBytes < 0 {
			t.Errorf("after the power cut %d of %d bytes are done", v.Last.DoneBytes, v.Last.TotalBytes)
		}
		f.Release()
		held = f.HoldAfter(random.Int64N(size * passes * 2))
		if _, err := w.Resume([]uint64{id}, nil); err != nil {
			t.Fatalf("Resume: %v", err)
		}
	}
	v := w.end(id)
	want := Erased
	if verify == "none" {
		want = Unverified
	}
	if v.State != want {
		t.Errorf("%s, verify %s, after %d power cuts: %s: %s", method, verify, cuts, v.State, v.Last.Reason)
	}
	w.proper(id, f)
	checkStream(t, w.stream(id))
	s, _, _, err := w.Certificate(id)
	if err != nil {
		t.Fatal(err)
	}
	if s.Interrupted != cuts {
		t.Errorf("the certificate says %d interruptions, and there were %d", s.Interrupted, cuts)
	}
}

// checkStream holds the events of one job against what machines rely on.
func checkStream(t *testing.T, stream []Update) {
	t.Helper()
	seq := uint64(0)
	for _, u := range stream {
		if u.Seq <= seq {
			t.Errorf("seq %d after %d", u.Seq, seq)
		}
		seq = u.Seq
		if u.DoneBytes < 0 || u.DoneBytes > u.TotalBytes {
			t.Errorf("seq %d: %d of %d bytes done", u.Seq, u.DoneBytes, u.TotalBytes)
		}
		if u.Pass < 0 || u.Pass > u.Passes || u.Passes < 1 {
			t.Errorf("seq %d: pass %d of %d", u.Seq, u.Pass, u.Passes)
		}
		if u.ETASeconds != nil && *u.ETASeconds < 0 {
			t.Errorf("seq %d: eta %d s", u.Seq, *u.ETASeconds)
		}
	}
	if len(stream) == 0 || stream[len(stream)-1].Outcome == nil {
		t.Error("the stream has no end")
	}
}

// interrupt stops the program as a first SIGTERM does, while the drive is held, and starts it again.
func (w *workshop) interrupt(f *drivetest.Fake, id uint64) (*workshop, journal.Checkpoint) {
	w.t.Helper()
	j, err := w.job(id)
	if err != nil {
		w.t.Fatal(err)
	}
	j.halt(errInterrupted) // before it goes on, so that it does not come to its end first
	f.Release()
	w.shutdown()
	if v, err := w.Job(id); err != nil || v.State != Interrupted {
		w.t.Fatalf("after the shutdown the job is %s, %v", v.State, err)
	}
	_ = w.cfg.Journal.Close()
	at := checkpointOf(w.t, w.file, id)
	return open(w.t, w.file, nil, f), at
}

// TestResumeGoesOn: a resumed job writes only what its checkpoint does not claim, and reads the rest back.
func TestResumeGoesOn(t *testing.T) {
	const size = 8 << 20
	for _, c := range []struct {
		method string
		passes int64
		held   int64 // bytes written before the interruption
	}{
		{"random", 1, 6 << 20},
		{"dod-3", 3, 6 << 20},
		{"dod-3", 3, size + 6<<20},
		{"dod-3", 3, 2*size + 6<<20},
	} {
		for _, how := range []string{"SIGTERM", "power cut"} {
			t.Run(fmt.Sprintf("%s at %d, %s", c.method, c.held, how), func(t *testing.T) {
				f := drivetest.New("f0", size, []byte("SECRET"))
				w := open(t, "", nil, f)
				held := f.HoldAfter(c.held)
				id := w.erase(c.method, "full", "f0")[0]
				<-held
				var at journal.Checkpoint
				written := int64(0)
				if how == "SIGTERM" {
					w, at = w.interrupt(f, id)
					written = f.Written()
				} else {
					var file string
					file, f, _ = crash(t, w, f, held, id, rand.New(rand.NewPCG(1, uint64(c.held))))
					w = open(t, file, nil, f)
					if at.Pass = 1; w.record(id).Checkpoint != nil {
						at = *w.record(id).Checkpoint
					}
				}
				if _, err := w.Resume([]uint64{id}, nil); err != nil {
					t.Fatal(err)
				}
				v := w.end(id)
				if v.State != Erased {
					t.Errorf("the resumed job is %s: %s", v.State, v.Last.Reason)
				}
				left := c.passes*size - int64(at.Pass-1)*size - at.Offset
				if got := f.Written() - written; got != left {
					t.Errorf("pass %d had come to byte %d, which leaves %d bytes; the resumed job wrote %d", at.Pass, at.Offset, left, got)
				}
				if v.Last.TotalBytes < (c.passes+1)*size || v.Last.DoneBytes != v.Last.TotalBytes {
					t.Errorf("%d of %d bytes are done", v.Last.DoneBytes, v.Last.TotalBytes)
				}
				w.proper(id, f)
				checkStream(t, w.stream(id))
			})
		}
	}
}

func checkpointOf(t *testing.T, file string, id uint64) journal.Checkpoint {
	t.Helper()
	j, err := journal.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r, err := j.Job(id)
	if err != nil || r.Checkpoint == nil {
		t.Fatalf("no checkpoint: %v", err)
	}
	return *r.Checkpoint
}

// TestStartOverTwice: a job whose drive was tampered with starts over; if it is interrupted again after that, the passes of
// its first life must not count.
func TestStartOverTwice(t *testing.T) {
	const size = 8 << 20
	random := rand.New(rand.NewPCG(1, 1))
	f := drivetest.New("f0", size, []byte("SECRET"))
	w := open(t, "", nil, f)
	held := f.HoldAfter(2*size + size/2) // in the third pass
	id := w.erase("dod-3", "full", "f0")[0]
	file, f, _ := crash(t, w, f, held, id, random)
	f.Put(size-4096, []byte("TAMPERED"))
	f.Put(512, []byte("TAMPERED"))
	w = open(t, file, nil, f)
	held = f.HoldAfter(size / 2) // in the first pass, over again
	if _, err := w.Resume([]uint64{id}, nil); err != nil {
		t.Fatal(err)
	}
	<-held
	w, _ = w.interrupt(f, id)
	if _, err := w.Resume([]uint64{id}, nil); err != nil {
		t.Fatal(err)
	}
	if v := w.end(id); v.State != Erased {
		t.Errorf("the job is %s: %s", v.State, v.Last.Reason)
	}
	w.proper(id, f)
}

// TestBadAreasOverResume: what could not be written before an interruption stays on record, once, and the job fails; the
// good areas are not all written anew for it.
func TestBadAreasOverResume(t *testing.T) {
	const size = 8 << 20
	for name, bad := range map[string]drivetest.Fault{
		"below the checkpoint":         {Kind: drivetest.BadWrite, At: 512, Length: 1024},
		"above it, in the pass before": {Kind: drivetest.BadWrite, At: size - 4096, Length: 1024},
		"in the pass before, healing":  {Kind: drivetest.BadWrite, At: 512, Length: 512, Times: 13},
	} {
		t.Run(name, func(t *testing.T) {
			f := drivetest.New("f0", size, []byte("SECRET"), bad)
			w := open(t, "", nil, f)
			held := f.HoldAfter(size + size/2) // in the second pass
			id := w.erase("dod-3", "full", "f0")[0]
			<-held
			w, at := w.interrupt(f, id)
			written := f.Written()
			if _, err := w.Resume([]uint64{id}, nil); err != nil {
				t.Fatal(err)
			}
			v := w.end(id)
			if v.State != Failed || !strings.Contains(string(v.Last.Reason), "could not be written") {
				s, _, _, _ := w.Certificate(id)
				t.Errorf("the job is %s: %s; first pass %+v", v.State, v.Last.Reason, s.Passes[0].Run)
			}
			w.proper(id, f)
			s, _, _, err := w.Certificate(id)
			if err != nil {
				t.Fatal(err)
			}
			for n, p := range s.Passes {
				if p.Run == nil || p.Run.BytesWritten+p.Run.BadBytes != size || !p.Run.Complete {
					t.Errorf("pass %d: %+v", n+1, p.Run)
				}
			}
			if again := f.Written() - written; again > 2*size-at.Offset {
				t.Errorf("pass %d had come to byte %d, and %d bytes were written after the resume: it started over", at.Pass, at.Offset, again)
			}
		})
	}
}

// TestInterruptedInVerification: nothing is written again.
func TestInterruptedInVerification(t *testing.T) {
	const size = 8 << 20
	f := drivetest.New("f0", size, []byte("SECRET"))
	w := open(t, "", nil, f)
	held := f.HoldAfter(size) // the first I/O after the last write
	id := w.erase("random", "full", "f0")[0]
	file, f, _ := crash(t, w, f, held, id, rand.New(rand.NewPCG(3, 3)))
	w = open(t, file, nil, f)
	if _, err := w.Resume([]uint64{id}, nil); err != nil {
		t.Fatal(err)
	}
	if v := w.end(id); v.State != Erased {
		t.Errorf("the job is %s: %s", v.State, v.Last.Reason)
	}
	w.proper(id, f)
}

// TestCertificateTwice: byte for byte, also after a restart.
func TestCertificateTwice(t *testing.T) {
	f := drivetest.New("f0", 1<<20, []byte("SECRET"))
	w := open(t, "", nil, f)
	id := w.erase("random", "sample", "f0")[0]
	w.end(id)
	_, document, signature, err := w.Certificate(id)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, again, signed, err := w.Certificate(id)
		if err != nil || string(again) != string(document) || string(signed) != string(signature) {
			t.Errorf("another certificate: %v\n%s\n%s", err, document, again)
		}
		w.shutdown()
		_ = w.cfg.Journal.Close()
		w = open(t, w.file, nil, f)
	}
	if _, err := certificate.Verify(document, signature); err != nil {
		t.Error(err)
	}
}
