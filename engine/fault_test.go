package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wiped/engine/certificate"
	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
	"wiped/engine/journal"
)

const fakeSize = 3<<20 + 5*drivetest.Sector // some blocks of the write loop, and a part of one

// TestFaults: each fault alone, and what must be said of it.
func TestFaults(t *testing.T) {
	const mid = 1<<20 + 512
	for _, c := range []struct {
		name   string
		fault  drivetest.Fault
		method string
		want   State
		reason string
		check  func(t *testing.T, s certificate.Statement)
	}{
		{"none", drivetest.Fault{}, "random", Erased, "", nil},
		{"slow", drivetest.Fault{Kind: drivetest.Slow, Times: 20}, "random", Erased, "", nil},
		{"bad write", drivetest.Fault{Kind: drivetest.BadWrite, At: mid, Length: 1024}, "dod-3", Failed, "could not be written", func(t *testing.T, s certificate.Statement) {
			for n, p := range s.Passes {
				if !slices.Equal(p.Run.Bad, []journal.Range{{Offset: mid, Length: 1024}}) || p.Run.BadBytes != 1024 || p.Run.BytesWritten != fakeSize-1024 {
					t.Errorf("pass %d: %+v", n+1, p.Run)
				}
			}
			if s.Errors.Unwritable != 3*1024 {
				t.Errorf("errors %+v", s.Errors)
			}
		}},
		{"bad write in the last sector", drivetest.Fault{Kind: drivetest.BadWrite, At: fakeSize - 512, Length: 512}, "zero", Failed, "512 bytes could not be written", nil},
		{"bad write in the first pass only", drivetest.Fault{Kind: drivetest.BadWrite, At: 0, Length: 512, Times: 25}, "dod-3", Failed, "could not be written", nil},
		{"transient write error", drivetest.Fault{Kind: drivetest.BadWrite, At: mid, Length: 1024, Times: 1}, "random", Erased, "", nil},
		{"bad read", drivetest.Fault{Kind: drivetest.BadRead, At: mid, Length: 1536}, "zero", Failed, "1536 bytes could not be read back", func(t *testing.T, s certificate.Statement) {
			if v := s.Verification; !slices.Equal(v.Unreadable, []journal.Range{{Offset: mid, Length: 1536}}) || v.UnreadableBytes != 1536 ||
				v.BytesRead != fakeSize-1536 || v.Result != "failed" {
				t.Errorf("verification %+v", v)
			}
		}},
		{"dropped write, zeros", drivetest.Fault{Kind: drivetest.Drop, At: mid, Length: 512}, "zero", Failed, "512 bytes do not hold what was written", func(t *testing.T, s certificate.Statement) {
			if v := s.Verification; !slices.Equal(v.Mismatches, []journal.Range{{Offset: mid, Length: 512}}) {
				t.Errorf("verification %+v", v)
			}
		}},
		{"dropped write in the last pass", drivetest.Fault{Kind: drivetest.Drop, At: mid, Length: 512, After: 2 * fakeSize}, "dod-3", Failed, "do not hold", nil},
		{"misdirected write", drivetest.Fault{Kind: drivetest.Misdirect, At: 0, Length: 512, To: mid}, "random", Failed, "do not hold", nil},
		{"corrupted", drivetest.Fault{Kind: drivetest.Corrupt, At: mid, Length: 512}, "random", Failed, "512 bytes do not hold", nil},
		{"stale reads", drivetest.Fault{Kind: drivetest.Stale, At: mid, Length: 512}, "random", Failed, "512 bytes do not hold", nil},
		{"short writes", drivetest.Fault{Kind: drivetest.Short, Times: 5}, "random", Erased, "", nil},
		{"fake capacity", drivetest.Fault{Kind: drivetest.Wrap, At: 1 << 20}, "random", Failed, "do not hold", nil},
		{"flush fails", drivetest.Fault{Kind: drivetest.FlushFails}, "zero", Failed, "did not confirm", nil},
		{"flush fails once", drivetest.Fault{Kind: drivetest.FlushFails, Times: 1}, "zero", Failed, "did not confirm", nil},
		{"shrinks", drivetest.Fault{Kind: drivetest.Shrink, After: mid}, "zero", Failed, drive.ErrChanged.Error(), nil},
		{"shrinks after the last write", drivetest.Fault{Kind: drivetest.Shrink, After: fakeSize}, "zero", Failed, drive.ErrChanged.Error(), nil},
		{"vanishes", drivetest.Fault{Kind: drivetest.Vanish, After: mid}, "zero", Failed, drive.ErrGone.Error(), nil},
		{"vanishes after the last write", drivetest.Fault{Kind: drivetest.Vanish, After: fakeSize}, "zero", Failed, drive.ErrGone.Error(), nil},
		{"the driver panics", drivetest.Fault{Kind: drivetest.Panic, After: mid}, "zero", Failed, "a defect in wiped", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := drivetest.New("f0", fakeSize, []byte("OLD "), c.fault)
			w := open(t, "", nil, f)
			id := w.erase(c.method, "full", "f0")[0]
			v := w.end(id)
			if v.State != c.want || !strings.Contains(string(v.Last.Reason), c.reason) {
				t.Errorf("job is %s: %q; want %s: %q", v.State, v.Last.Reason, c.want, c.reason)
			}
			w.proper(id, f)
			statement, _, _, err := w.Certificate(id)
			if err != nil {
				t.Fatal(err)
			}
			if c.check != nil {
				c.check(t, statement)
			}
			if d, err := w.Drive("f0"); err == nil && d.State != "ready" {
				t.Errorf("after the job the drive is %s: %s", d.State, d.Reason)
			}
		})
	}
}

// TestRangesOfBrokenPass: areas that could not be written are on record although the job did not come to the end of
// that pass: guarantee 2.
func TestRangesOfBrokenPass(t *testing.T) {
	bad := drivetest.Fault{Kind: drivetest.BadWrite, At: 512, Length: 512}
	for name, stop := range map[string]func(*workshop, *drivetest.Fake, uint64){
		"vanishes": func(_ *workshop, f *drivetest.Fake, _ uint64) { f.PowerCut(rand.New(rand.NewPCG(1, 1))); f.Release() },
		"cancelled": func(w *workshop, f *drivetest.Fake, id uint64) {
			j, _ := w.job(id)
			j.halt(errCancelled)
			f.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := drivetest.New("f0", 16<<20, []byte("OLD "), bad)
			held := f.HoldAfter(15<<20 + 8<<10) // all blocks but the first, and of that what stands behind the bad sector
			w := open(t, "", nil, f)
			id := w.erase("zero", "full", "f0")[0]
			<-held
			j, _ := w.job(id)
			eventually(t, "the bad sector was met", func() bool {
				j.mu.Lock()
				defer j.mu.Unlock()
				return j.progress != nil && j.progress.Errors() > 0
			})
			stop(w, f, id)
			v := w.end(id)
			s, _, _, err := w.Certificate(id)
			if err != nil {
				t.Fatal(err)
			}
			if run := s.Passes[0].Run; run == nil || !slices.Contains(run.Bad, journal.Range{Offset: 512, Length: 512}) {
				t.Errorf("the job is %s with %d errors, and its certificate says of the pass: %+v", v.State, v.Last.Errors, run)
			}
		})
	}
}

// TestFaultPlans lets drives fail as chance has it: not one of them may be called erased without being so, and each
// certificate says what the job came to.
func TestFaultPlans(t *testing.T) {
	plans := 500
	if testing.Short() {
		plans = 60
	}
	const size = 2<<20 + 3*drivetest.Sector
	results := map[State]int{}
	for seed := range uint64(plans) {
		random := rand.New(rand.NewPCG(seed, 2026))
		method := []string{"zero", "random", "one", "dod-3"}[random.IntN(4)]
		verify := []string{"full", "full", "full", "none"}[random.IntN(4)]
		passes := map[string]int64{"dod-3": 3}[method] + 1
		var faults []drivetest.Fault
		for range random.IntN(4) {
			faults = append(faults, randomFault(random, size, passes))
		}
		name := fmt.Sprintf("%d %s %s %v", seed, method, verify, faults)
		f := drivetest.New("f0", size, []byte("SECRET"), faults...)
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := open(t, "", nil, f)
			id := w.erase(method, verify, "f0")[0]
			v := w.end(id)
			results[v.State]++
			w.proper(id, f)
			if v.State == Failed && v.Last.Reason == "" || strings.Contains(string(v.Last.Reason), "this is a defect") {
				t.Errorf("it is %s: %q", v.State, v.Last.Reason)
			}
			if f.Struck() == 0 && v.State != Erased && verify == "full" {
				t.Errorf("no fault struck, and it is %s: %s", v.State, v.Last.Reason)
			}
		})
		if !ok {
			t.Log(name)
		}
	}
	t.Log(results)
	if results[Erased] == 0 || results[Failed] == 0 || results[Unverified] == 0 {
		t.Errorf("results %v: the plans try too little", results)
	}
}

func randomFault(random *rand.Rand, size, passes int64) drivetest.Fault {
	sector := func() int64 { return random.Int64N(size/drivetest.Sector) * drivetest.Sector }
	return drivetest.Fault{
		Kind: drivetest.BadWrite + drivetest.Kind(random.IntN(int(drivetest.Slow-drivetest.BadWrite+1))),
		At:   max(drivetest.Sector, sector()), Length: (1 + random.Int64N(40)) * drivetest.Sector, To: sector(),
		After: random.Int64N(size * passes), Times: random.IntN(30),
	}
}
