package engine

import (
	"testing"
	"time"

	"wiped/engine/wipe"
)

// TestSlow: what is hopelessly slow, and all that is not.
func TestSlow(t *testing.T) {
	const mb, tb = 1e6, int64(1e12)
	for _, c := range []struct {
		name string
		pace
		want bool
	}{
		{"a disk at 1 % of its speed", pace{rate: 1.5 * mb, best: 150 * mb, then: 1, now: 1, left: tb}, true},
		{"while others do well", pace{rate: 1.5 * mb, best: 150 * mb, then: 8, now: 8, left: tb, peers: []float64{1, 0.9, 0.8}}, true},
		{"while others do half as well as they did", pace{rate: 1.5 * mb, best: 150 * mb, then: 8, now: 8, left: tb, peers: []float64{0.5, 0.4, 0.6}}, true},
		{"while another sick one is as slow", pace{rate: 1.5 * mb, best: 150 * mb, then: 4, now: 4, left: tb, peers: []float64{0.01, 0.9, 0.8}}, true},
		{"while another drive erases itself", pace{rate: 1.5 * mb, best: 150 * mb, then: 2, now: 2, left: tb}, true},
		{"it stands still", pace{rate: 0, best: 150 * mb, then: 1, now: 1, left: tb}, true},

		{"an old USB stick, as slow as ever", pace{rate: 0.6 * mb, best: 0.8 * mb, then: 1, now: 1, left: tb}, false},
		{"a stick whose cache is full", pace{rate: 2 * mb, best: 30 * mb, then: 1, now: 1, left: tb}, false},
		{"a disk at its inner tracks", pace{rate: 70 * mb, best: 150 * mb, then: 1, now: 1, left: tb}, false},
		{"a disk that rewrites its shingles", pace{rate: 8 * mb, best: 200 * mb, then: 1, now: 1, left: tb}, false},
		{"flash that got hot, at 1 %, and still faster than a disk's worst", pace{rate: 30 * mb, best: 3000 * mb, then: 1, now: 1, left: tb}, false},
		{"nearly done", pace{rate: 1.5 * mb, best: 150 * mb, then: 1, now: 1, left: 100e9}, false},
		{"all slowed down alike: the bus", pace{rate: 0.3 * mb, best: 30 * mb, then: 10, now: 10, left: tb, peers: []float64{0.01, 0.011, 0.012}}, false},
		{"fifty more drives share the bus now", pace{rate: 0.6 * mb, best: 31 * mb, then: 1, now: 50, left: tb, peers: []float64{1, 1, 1}}, false},
		{"of the others nothing is known yet", pace{rate: 1.5 * mb, best: 150 * mb, then: 2, now: 2, left: tb, young: 1}, false},
		{"not watched for long enough", pace{rate: -1, best: 150 * mb, then: 1, now: 1, left: tb}, false},
		{"its best is not known", pace{rate: 0.1 * mb, best: 0, then: 1, now: 1, left: tb}, false},
	} {
		if why := defaultLimits.slow(c.pace); (why != "") != c.want {
			t.Errorf("%s: %q; want it set aside: %v", c.name, why, c.want)
		}
	}
}

func TestDead(t *testing.T) {
	for _, c := range []struct {
		spent wipe.Cost
		row   int64
		want  bool
	}{
		{wipe.Cost{}, 0, false},
		{wipe.Cost{Tries: 1e9, Time: 2 * time.Hour}, 1 << 30, false},
		{wipe.Cost{}, 1<<30 + 1, true},
		{wipe.Cost{Tries: 240, Time: 2*time.Hour + 1}, 0, true},
	} {
		if why := defaultLimits.dead(c.spent, c.row); (why != "") != c.want {
			t.Errorf("dead(%v, %d) = %q", c.spent, c.row, why)
		}
	}
}

func TestPatience(t *testing.T) {
	l := defaultLimits
	for _, c := range []struct {
		flush, direct, halted bool
		want                  time.Duration
	}{
		{false, true, false, l.Silence}, {true, true, false, l.FlushSilence}, {false, false, false, l.CachedSilence},
		{true, false, false, l.CachedSilence}, {true, false, true, l.Silence}, {true, true, true, l.HaltSilence}, {false, true, true, l.HaltSilence},
	} {
		if got := l.patience(c.flush, c.direct, c.halted); got != c.want {
			t.Errorf("patience(%v, %v, %v) = %v; want %v", c.flush, c.direct, c.halted, got, c.want)
		}
	}
	if (Limits{}).orDefault() != defaultLimits {
		t.Error("a limit without a default")
	}
	if l := (Limits{Silence: 1, DeadRow: 2, SlowShare: 3}).orDefault(); l.Silence != 1 || l.DeadRow != 2 || l.SlowShare != 3 {
		t.Errorf("%+v", l)
	}
}

// TestVitalsOfAStationThatSlept: a station that was not there for an hour has seen nobody being silent.
func TestVitalsOfAStationThatSlept(t *testing.T) {
	v, now := &vitals{}, time.Now()
	r := &request{}
	for _, c := range []struct {
		pass time.Duration
		want time.Duration
	}{{0, 0}, {time.Second, time.Second}, {time.Hour, 11 * time.Second}, {-time.Hour, 11 * time.Second}, {time.Second, 12 * time.Second}} {
		now = now.Add(c.pass)
		v.look(now, false)
		if got := v.age(r); got != c.want {
			t.Errorf("after %v a request is out for %v; want %v", c.pass, got, c.want)
		}
	}
	r.back.Add(1)
	if got := v.age(r); got != 0 {
		t.Errorf("after a part of it came back it is out for %v", got)
	}
	v.forget(map[*request]bool{})
	if len(v.asked) != 0 {
		t.Error("what came back is not forgotten")
	}
}

// TestPaces: rates over windows, apart for writing and reading, across runs.
func TestPaces(t *testing.T) {
	l := defaultLimits
	var p paces
	at := time.Duration(0)
	moved := int64(0)
	go1 := func(minutes int, rate float64, reading bool) {
		for range minutes * 4 {
			at += 15 * time.Second
			moved += int64(15 * rate)
			p.before = moved // as if by a run that is over
			p.sample(l, at, nil, reading, 0, 3)
		}
	}
	go1(1, 100, false)
	if p.best != 0 || p.over(l.SlowWindow) != -1 {
		t.Errorf("after a minute the best is %v", p.best)
	}
	go1(19, 100, false)
	if p.best != 100 || p.then != 3 || p.over(l.SlowWindow) != 100 {
		t.Errorf("best %v, slow %v", p.best, p.over(l.SlowWindow))
	}
	go1(10, 1, false)
	if got := p.over(l.SlowWindow); p.best != 100 || got < 30 || got > 40 {
		t.Errorf("best %v, slow %v", p.best, got)
	}
	go1(5, 1, false)
	if share, ok := p.said(); p.over(l.SlowWindow) != 1 || !ok || share != 0.01 {
		t.Errorf("slow %v, share %v", p.over(l.SlowWindow), share)
	}
	if len(p.samples) > kept+2 {
		t.Errorf("%d samples are held", len(p.samples))
	}
	go1(1, 50, true)
	if _, ok := p.said(); p.best != 0 || p.over(l.SlowWindow) != -1 || ok {
		t.Errorf("what it wrote tells how it reads: best %v", p.best)
	}
}
