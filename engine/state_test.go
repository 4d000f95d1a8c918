package engine

import (
	"fmt"
	"testing"
)

// TestAdvance is the whole state machine: every signal in every phase, for jobs of three kinds.
func TestAdvance(t *testing.T) {
	type at = position
	end := at{phase: over}
	var none at
	resumed := plan{passes: 3, verify: true, resume: &position{pass: 2, offset: 100}}
	fresh, unverified := plan{passes: 3, verify: true}, plan{passes: 3}
	itself, told := plan{passes: 1, verify: true, action: true}, plan{passes: 1, action: true, sent: true}
	left := plan{passes: 1, verify: true, action: true, sent: true, out: true}
	const defect = "defect"
	for _, c := range []struct {
		plan plan
		from at
		s    signal
		to   at
		err  string
	}{
		{fresh, at{phase: waiting}, turnCame, at{phase: writing, pass: 1}, ""},
		{fresh, at{phase: waiting}, stepDone, none, defect},
		{fresh, at{phase: waiting}, claimBroke, none, defect},
		{fresh, at{phase: waiting}, stopped, end, ""},

		{resumed, at{phase: waiting}, turnCame, at{checking, 2, 100}, ""},
		{resumed, at{phase: waiting}, stepDone, none, defect},
		{resumed, at{phase: waiting}, claimBroke, none, defect},
		{resumed, at{phase: waiting}, stopped, end, ""},

		{resumed, at{checking, 2, 100}, turnCame, none, defect},
		{resumed, at{checking, 2, 100}, stepDone, at{writing, 2, 100}, ""},
		{resumed, at{checking, 3, 0}, stepDone, at{writing, 3, 0}, ""},
		{resumed, at{checking, 4, 0}, stepDone, at{phase: verifying, pass: 4}, ""},
		{plan{passes: 3, resume: &position{pass: 4}}, at{checking, 4, 0}, stepDone, end, ""},
		{resumed, at{checking, 2, 100}, claimBroke, at{phase: writing, pass: 1}, ""},
		{resumed, at{checking, 4, 0}, claimBroke, at{phase: writing, pass: 1}, ""},
		{resumed, at{checking, 2, 100}, stopped, end, ""},

		{fresh, at{phase: writing, pass: 1}, turnCame, none, defect},
		{fresh, at{phase: writing, pass: 1}, stepDone, at{phase: writing, pass: 2}, ""},
		{resumed, at{writing, 2, 100}, stepDone, at{phase: writing, pass: 3}, ""}, // from its beginning
		{fresh, at{phase: writing, pass: 3}, stepDone, at{phase: verifying, pass: 4}, ""},
		{unverified, at{phase: writing, pass: 3}, stepDone, end, ""},
		{fresh, at{phase: writing, pass: 1}, claimBroke, none, defect},
		{fresh, at{phase: writing, pass: 1}, stopped, end, ""},
		{fresh, at{phase: writing, pass: 3}, stopped, end, ""},

		{fresh, at{phase: verifying, pass: 4}, turnCame, none, defect},
		{fresh, at{phase: verifying, pass: 4}, stepDone, end, ""},
		{fresh, at{phase: verifying, pass: 4}, claimBroke, none, defect},
		{fresh, at{phase: verifying, pass: 4}, stopped, end, ""},

		{left, at{phase: waiting}, turnCame, at{phase: awaiting, pass: 1}, ""},
		{left, at{phase: awaiting, pass: 1}, stepDone, at{phase: erasing, pass: 1}, ""},
		{left, at{phase: awaiting, pass: 1}, stopped, end, ""},
		{left, at{phase: awaiting, pass: 1}, turnCame, none, defect},
		{left, at{phase: awaiting, pass: 1}, claimBroke, none, defect},

		{itself, at{phase: waiting}, turnCame, at{phase: sampling, pass: 1}, ""},
		{itself, at{phase: sampling, pass: 1}, stepDone, at{phase: erasing, pass: 1}, ""},
		{itself, at{phase: sampling, pass: 1}, stopped, end, ""},
		{itself, at{phase: sampling, pass: 1}, turnCame, none, defect},
		{itself, at{phase: erasing, pass: 1}, stepDone, at{phase: verifying, pass: 2}, ""},
		{itself, at{phase: erasing, pass: 1}, stopped, end, ""},
		{itself, at{phase: erasing, pass: 1}, claimBroke, none, defect},
		{itself, at{phase: verifying, pass: 2}, stepDone, end, ""},
		{told, at{phase: waiting}, turnCame, at{phase: erasing, pass: 1}, ""},
		{told, at{phase: erasing, pass: 1}, stepDone, end, ""},

		{fresh, end, turnCame, none, defect},
		{fresh, end, stepDone, none, defect},
		{fresh, end, claimBroke, none, defect},
		{fresh, end, stopped, none, defect},
	} {
		t.Run(fmt.Sprintf("phase %d pass %d signal %d", c.from.phase, c.from.pass, c.s), func(t *testing.T) {
			to, err := c.plan.advance(c.from, c.s)
			if (err != nil) != (c.err == defect) {
				t.Fatalf("advance(%+v, %d) = %+v, %v", c.from, c.s, to, err)
			}
			if err == nil && to != c.to {
				t.Errorf("advance(%+v, %d) = %+v; want %+v", c.from, c.s, to, c.to)
			}
		})
	}
}

// TestAdvanceNeverSkips walks every plan to its end: each pass comes once, in order, from its beginning on, except
// that a resumed one begins at its checkpoint, and verification comes last unless it was not asked for.
func TestAdvanceNeverSkips(t *testing.T) {
	for passes := 1; passes <= 5; passes++ {
		for _, verify := range []bool{true, false} {
			plans := []plan{{passes: passes, verify: verify}}
			for pass := 1; pass <= passes+1; pass++ {
				for _, offset := range []int64{0, 7} {
					if pass <= passes || offset == 0 {
						plans = append(plans, plan{passes: passes, verify: verify, resume: &position{pass: pass, offset: offset}})
					}
				}
			}
			for _, p := range plans {
				for _, broken := range []bool{false, true} {
					walk(t, p, broken)
				}
			}
		}
	}
}

func walk(t *testing.T, p plan, broken bool) {
	t.Helper()
	next := 1
	offset := int64(0)
	if p.resume != nil && !broken {
		next, offset = p.resume.pass, p.resume.offset
	}
	verified := false
	at := position{}
	for steps := 0; at.phase != over; steps++ {
		s := stepDone
		switch at.phase {
		case waiting:
			s = turnCame
		case checking:
			if broken {
				s = claimBroke
			}
		case writing:
			if at.pass != next || at.offset != offset {
				t.Fatalf("plan %+v writes pass %d from %d; want pass %d from %d", p, at.pass, at.offset, next, offset)
			}
			next, offset = next+1, 0
		case verifying:
			if verified = true; next != p.passes+1 {
				t.Fatalf("plan %+v verifies before pass %d", p, next)
			}
		}
		var err error
		if at, err = p.advance(at, s); err != nil || steps > 100 {
			t.Fatalf("plan %+v does not end: %v", p, err)
		}
	}
	if next != p.passes+1 || verified != p.verify {
		t.Fatalf("plan %+v ended before pass %d, verified %v", p, next, verified)
	}
}
