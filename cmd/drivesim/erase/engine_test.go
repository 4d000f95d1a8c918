package erase

import (
	"bytes"
	"testing"
	"time"

	"wiped/cmd/drivesim/store"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

const size = 1000

// erased counts the bytes that an erase has changed.
func erased(s *store.Store) int { return size - bytes.Count(s.Bytes(), []byte("x")) }

// TestBehaviours walks an erase of 10 s with each behaviour: what the drive says, and what is really done to the medium.
func TestBehaviours(t *testing.T) {
	type at struct {
		percent int
		event   Event
		phase   Phase
		erased  int
	}
	tests := map[string]struct {
		behaviour Behaviour
		atOnce    bool
		steps     []at
	}{
		"honest":           {Behaviour{}, false, []at{{0, None, Running, 0}, {25, None, Running, 250}, {100, None, Done, 1000}}},
		"key replaced":     {Behaviour{}, true, []at{{0, None, Running, 1000}, {100, None, Done, 1000}}},
		"lie":              {Behaviour{Content: Nothing}, false, []at{{50, None, Running, 0}, {100, None, Done, 0}}},
		"lie by half":      {Behaviour{Content: Half}, false, []at{{50, None, Running, 250}, {100, None, Done, 500}}},
		"no end":           {Behaviour{Told: Endless}, false, []at{{100, None, Running, 989}, {900, None, Running, 989}}},
		"forgotten":        {Behaviour{Told: Forgotten, Content: Nothing}, false, []at{{1, None, Idle, 0}, {100, None, Idle, 0}}},
		"silent":           {Behaviour{Told: Forgotten}, false, []at{{50, None, Idle, 500}, {100, None, Idle, 1000}}},
		"fails on the way": {Behaviour{FailAt: 40}, false, []at{{39, None, Running, 390}, {90, None, Failed, 400}}},
		"vanishes":         {Behaviour{VanishAt: 30}, false, []at{{29, None, Running, 290}, {50, Vanished, Running, 300}}},
		"power lost":       {Behaviour{PowerLossAt: 30}, false, []at{{50, PowerLost, Running, 300}, {60, None, Running, 600}, {100, None, Done, 1000}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, s := &clock{}, store.Memory(size)
			s.Fill(0, size, store.Text("x"))
			e := New(s, c.now)
			test.behaviour.Took = 10 * time.Second
			e.Start(Run{Pattern: store.Zeros, End: size, AtOnce: test.atOnce, Behaviour: test.behaviour})
			for _, want := range test.steps {
				c.t = time.Time{}.Add(time.Duration(want.percent) * 100 * time.Millisecond)
				if got := e.Advance(); got != want.event {
					t.Errorf("at %d %%: event %d, want %d", want.percent, got, want.event)
				}
				if got := e.View(); got.Phase != want.phase || erased(s) != want.erased {
					t.Errorf("at %d %%: phase %d with %d bytes erased, want %d with %d", want.percent, got.Phase, erased(s), want.phase, want.erased)
				}
			}
		})
	}
}

// TestPowerCycle: a sanitize goes on, everything else stops where it was, and a drive that hangs answers again.
func TestPowerCycle(t *testing.T) {
	for kind, stops := range map[Kind]bool{Sanitize: false, Format: true, Security: true} {
		c, s := &clock{}, store.Memory(size)
		e := New(s, c.now)
		e.Start(Run{Kind: kind, Pattern: store.Zeros, End: size, Behaviour: Behaviour{Took: time.Second, Hang: true}})
		if !e.Hung() {
			t.Error("does not hang")
		}
		if got := e.PowerCycle(); got != stops || e.Hung() || e.Busy() == stops {
			t.Errorf("kind %d: stopped %v, hung %v, busy %v", kind, got, e.Hung(), e.Busy())
		}
	}
}

// TestAtOnce: an erase that takes no time has ended before anybody could look.
func TestAtOnce(t *testing.T) {
	s := store.Memory(size)
	e := New(s, (&clock{}).now)
	e.Start(Run{Pattern: store.Text("y"), End: size})
	e.Advance()
	if v := e.View(); v.Phase != Done || s.Bytes()[size-1] != 'y' {
		t.Errorf("phase %d", v.Phase)
	}
}
