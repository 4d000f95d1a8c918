package engine

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wiped/engine/drive/drivetest"
	"wiped/engine/wipe"
)

// plansAsked is how many plans TestSickPlans tries: WIPED_FAULT_PLANS, or enough for a few seconds.
func plansAsked(t *testing.T) int {
	text := os.Getenv("WIPED_FAULT_PLANS")
	if text == "" {
		return 80
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("WIPED_FAULT_PLANS is %q, and should be a number of plans", text)
	}
	return n
}

// firstSeed is that of the first plan: WIPED_FAULT_SEED, to try one again or others.
func firstSeed(t *testing.T) uint64 {
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("WIPED_FAULT_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// sickFaults are the faults a plan is made of: what a drive does, where and when.
var sickFaults = []func(r *rand.Rand, size, passes int64) drivetest.Fault{
	runOf(drivetest.BadWrite), runOf(drivetest.BadRead), runOf(drivetest.Drop), runOf(drivetest.Corrupt), runOf(drivetest.Stale),
	edge(drivetest.BadWrite), edge(drivetest.BadRead), edge(drivetest.Drop), edge(drivetest.Corrupt),
	anywhere(drivetest.Drop), // all writes from some moment on
	anywhere(drivetest.Shrink), anywhere(drivetest.Vanish), anywhere(drivetest.Replace), anywhere(drivetest.FlushFails), anywhere(drivetest.Panic),
	func(r *rand.Rand, size, passes int64) drivetest.Fault {
		return drivetest.Fault{Kind: drivetest.Misdirect, At: place(r, size), Length: drivetest.Sector, To: place(r, size), After: r.Int64N(size * passes)}
	},
	func(r *rand.Rand, size, _ int64) drivetest.Fault {
		return drivetest.Fault{Kind: drivetest.Wrap, At: max(drivetest.Sector, place(r, size))}
	},
	func(r *rand.Rand, size, passes int64) drivetest.Fault {
		return drivetest.Fault{Kind: drivetest.Slow, After: r.Int64N(size * passes), Delay: time.Duration(1+r.IntN(30)) * time.Second}
	},
	func(r *rand.Rand, size, passes int64) drivetest.Fault {
		return drivetest.Fault{Kind: drivetest.Hang, At: place(r, size), Length: drivetest.Sector, After: r.Int64N(size * passes), Times: 1 + r.IntN(3)}
	},
	anywhere(drivetest.Hang), anywhere(drivetest.HangFlush),
}

func place(r *rand.Rand, size int64) int64 { return r.Int64N(size/drivetest.Sector) * drivetest.Sector }

// runOf is a run of sectors, now and then one that takes up most of the drive.
func runOf(k drivetest.Kind) func(*rand.Rand, int64, int64) drivetest.Fault {
	return func(r *rand.Rand, size, passes int64) drivetest.Fault {
		n := []int64{1, 1, 8, 40, size / drivetest.Sector}[r.IntN(5)]
		return drivetest.Fault{Kind: k, At: place(r, size), Length: n * drivetest.Sector, After: r.Int64N(size*passes) * int64(r.IntN(2)), Times: r.IntN(3) * r.IntN(200)}
	}
}

// edge is the first, a middle or the last sector.
func edge(k drivetest.Kind) func(*rand.Rand, int64, int64) drivetest.Fault {
	return func(r *rand.Rand, size, _ int64) drivetest.Fault {
		at := []int64{0, size / 2 / drivetest.Sector * drivetest.Sector, size - drivetest.Sector}[r.IntN(3)]
		return drivetest.Fault{Kind: k, At: at, Length: drivetest.Sector}
	}
}

// anywhere has no place, only a moment.
func anywhere(k drivetest.Kind) func(*rand.Rand, int64, int64) drivetest.Fault {
	return func(r *rand.Rand, size, passes int64) drivetest.Fault {
		return drivetest.Fault{Kind: k, After: r.Int64N(size * passes)}
	}
}

// holdsElse tells whether any byte that the verification of an erased drive had to read is not the last pass's: it looks at
// the medium itself, where a full verification reads all and a sample what its seed says.
func (w *workshop) holdsElse(id uint64, f *drivetest.Fake) bool {
	w.t.Helper()
	r, medium := w.record(id), f.Medium()
	want := expected(w.t, r.Job.Method.Passes[len(r.Job.Method.Passes)-1].Pattern, len(medium))
	if r.Job.Verify == "full" {
		return !bytes.Equal(medium, want)
	}
	var seed [32]byte
	if n, err := hex.Decode(seed[:], []byte(r.Job.Seed)); err != nil || n != len(seed) {
		w.t.Fatalf("seed %q: %v", r.Job.Seed, err)
	}
	return slices.ContainsFunc(wipe.SampleExtents(seed, int64(len(medium)), drivetest.Sector), func(e wipe.Range) bool {
		return !bytes.Equal(medium[e.Offset:e.End()], want[e.Offset:e.End()])
	})
}

// TestSickPlans lets drives fail as chance has it, by a printed seed, with the product's own limits: each job ends, the
// result, the record, the certificate and the last event say the same, no drive is called erased that does not hold the
// pattern to its last byte, and what comes back after the end changes nothing.
func TestSickPlans(t *testing.T) {
	const size = 2<<20 + 3*drivetest.Sector
	plans, first := plansAsked(t), firstSeed(t)
	results, struck, kinds, aside, lies := map[State]int{}, 0, map[drivetest.Kind]int{}, 0, 0
	for seed := first; seed < first+uint64(plans); seed++ {
		random := rand.New(rand.NewPCG(seed, 5))
		method := []string{"zero", "random", "one", "dod-3"}[random.IntN(4)]
		verify := []string{"full", "full", "full", "sample"}[random.IntN(4)]
		passes := map[string]int64{"dod-3": 3}[method] + 1
		var faults []drivetest.Fault
		for range random.IntN(4) {
			faults = append(faults, sickFaults[random.IntN(len(sickFaults))](random, size, passes))
		}
		f := drivetest.New("f0", size, []byte("SECRET"), faults...)
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := drivetest.New("f0", size, []byte("SECRET"), faults...) // its channels belong to the bubble
				f = g
				w := ward(t, nil, g)
				id := w.erase(method, verify, "f0")[0]
				v := w.await(id, 100*time.Hour)
				results[v.State]++
				if v.State == Erased && w.holdsElse(id, g) {
					lies++
					t.Error("called erased, and what was read back holds something else")
				}
				if verify == "full" {
					w.proper(id, g)
				}
				if strings.Contains(string(v.Last.Reason), "set aside") {
					aside++
				}
				if v.State == Failed && v.Last.Reason == "" || strings.Contains(string(v.Last.Reason), "this is a defect") {
					t.Errorf("it is %s: %q", v.State, v.Last.Reason)
				}
				if g.Struck() == 0 && v.State != Erased {
					t.Errorf("no fault struck, and it is %s: %s", v.State, v.Last.Reason)
				}
				_, before, _, _ := w.Certificate(id)
				g.Release()
				time.Sleep(time.Hour)
				if _, later, _, _ := w.Certificate(id); !slices.Equal(before, later) {
					t.Error("what came back late changed the certificate")
				}
				if end := w.stream(id); end[len(end)-1].Outcome == nil {
					t.Error("something was told after the end")
				}
			})
		})
		struck += f.Struck()
		for n, hits := range f.StruckEach() {
			if hits > 0 {
				kinds[faults[n].Kind]++
			}
		}
		if !ok {
			t.Logf("seed %d: %s %s %v", seed, method, verify, faults)
		}
	}
	t.Logf("fault plans: %d from seed %d, of %d kinds, %d strikes; %d erased, %d failed (%d of them set aside), %d called erased and not so",
		plans, first, len(kinds), struck, results[Erased], results[Failed], aside, lies)
	if plans >= 80 && (results[Erased] == 0 || results[Failed] == 0 || aside == 0 || len(kinds) < 10) {
		t.Errorf("results %v, kinds %v, %d set aside: the plans try too little", results, kinds, aside)
	}
}
