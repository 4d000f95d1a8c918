package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"wiped/engine/wipe"
)

// experiments are all that is measured, in this order.
var experiments = []experiment{
	{"one drive", oneDrive},
	{"zram", onZram},
	{"capped drive", cappedDrive},
	{"slow peers", slowPeers},
	{"checkpoints", checkpoints},
	{"many drives", manyDrives},
	{"scale", scale},
	{"watchers", watchers},
	{"hello", hello},
	{"logins", logins},
	{"idle sessions", idleSessions},
	{"history", history},
}

// oneDrive is a loop device with direct I/O over tmpfs: a drive about as fast as memory.
func oneDrive(l *lab) error {
	devices, err := l.loops(1, l.form.size)
	if err != nil {
		return err
	}
	d := devices[0]
	s, err := l.station(d)
	if err != nil {
		return err
	}
	sample, product := fillStream(16), fillStream(wipe.KeyBytes)
	return l.contest("loop", l.form.rounds,
		s.erasing("wiped zero", "zero", d),
		sketching("sketch zero", "read", func() (moved, error) { return readBack(d, fillZeros) }),
		sketching("sketch zero", "write", func() (moved, error) { return sketchWrite(d, fillZeros) }),
		l.fio("fio, 1 job", d, "write", 1, 8),
		l.fio("fio, 2 jobs", d, "write", 2, 8),
		l.dd(d),
		l.fio("fio, 1 job of that depth", d, "read", 1, wipe.DefaultDepth),
		l.fio("fio, 2 jobs of that depth", d, "read", 2, wipe.DefaultDepth),
		s.erasing("wiped random", "random", d),
		sketching("sketch random", "write", func() (moved, error) { return sketchWrite(d, sample) }),
		sketching("sketch random", "read", func() (moved, error) { return readBack(d, sample) }),
		sketching("AES-CTR alone", "write", func() (moved, error) { return streamAlone(d.size, product) }),
	)
}

// readBack writes a device, which does not count, and reads it.
func readBack(d device, content fill) (moved, error) {
	if _, err := sketchWrite(d, content); err != nil {
		return moved{}, err
	}
	return sketchRead(d, content)
}

// onZram writes zeros, which take no memory there: a drive of many GiB and at memory speed, so that starts and ends weigh little.
func onZram(l *lab) error {
	d, err := l.zramDrive(l.form.zram)
	if err != nil {
		return err
	}
	s, err := l.station(d)
	if err != nil {
		return err
	}
	return l.contest("zram", l.form.few,
		s.erasing("wiped zero", "zero", d),
		sketching("sketch zero", "write", func() (moved, error) { return sketchWrite(d, fillZeros) }),
		l.fio("fio, 1 job", d, "write", 1, 8),
		l.fio("fio, 2 jobs", d, "write", 2, 8),
		l.dd(d),
		l.fio("fio, 1 job of that depth", d, "read", 1, wipe.DefaultDepth),
		l.fio("fio, 2 jobs of that depth", d, "read", 2, wipe.DefaultDepth),
	)
}

// nvmeRate is the rate in bytes a second of a fast NVMe drive on PCIe 3.
const nvmeRate = 2_000_000_000

// cappedDrive is the loop device held to that rate by the kernel, for reads and for writes.
func cappedDrive(l *lab) error {
	devices, err := l.loops(1, l.form.size)
	if err != nil {
		return err
	}
	s, err := l.station(devices...)
	if err != nil {
		return err
	}
	if _, err := l.throttled(s, nvmeRate, devices...); err != nil {
		return err
	}
	return l.contest("capped", l.form.rounds, s.erasing("wiped zero", "zero", devices[0]), s.erasing("wiped random", "random", devices[0]))
}

// throttled holds a station to a rate on each of its devices.
func (l *lab) throttled(s *station, rate int64, devices ...device) (*throttle, error) {
	t, err := l.newThrottle()
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		if err := t.limit(d, rate); err != nil {
			return nil, fmt.Errorf("throttle %s: %w", d.path, err)
		}
	}
	l.later(s.end) // before the cgroup is removed
	for _, pid := range s.processes() {
		if err := t.enter(pid); err != nil {
			return nil, fmt.Errorf("throttle a server: %w", err)
		}
	}
	return t, nil
}

// slowPeers are those that take so long that there are fewer rounds on a smaller drive. What nwipe takes to start and to end is found
// out on a tiny drive and taken off, in its favour.
func slowPeers(l *lab) error {
	devices, err := l.loops(1, l.form.slow)
	if err != nil {
		return err
	}
	tiny, err := l.loops(1, l.form.startup)
	if err != nil {
		return err
	}
	d := devices[0]
	s, err := l.station(d)
	if err != nil {
		return err
	}
	nwipe, err := l.findNwipe()
	if err != nil {
		return err
	}
	generator, start, err := nwipe.best(l, d, tiny[0])
	if err != nil {
		return err
	}
	l.facts["nwipe"] = "its fastest generator is " + generator
	return l.contest("slow", l.form.few,
		s.erasing("wiped random", "random", d),
		l.shred(d),
		contender{"nwipe", func() (map[string]float64, error) {
			m, err := nwipe.erase(l, d, generator)
			if m.wall > start { // it looks at its threads once a second, so that on a small drive there may be no difference
				m.wall -= start
			}
			return m.figures("write"), err
		}},
	)
}

// best is the generator with which nwipe is fastest, and what a run takes on a tiny drive.
func (e eraser) best(l *lab, d, tiny device) (name string, start time.Duration, err error) {
	if l.short {
		e.generators = e.generators[len(e.generators)-1:]
	}
	took := map[string]time.Duration{}
	for _, name := range e.generators {
		m, err := e.erase(l, d, name)
		if err != nil {
			return "", 0, err
		}
		took[name] = m.wall
	}
	if len(took) == 0 {
		return "", 0, errors.New("nwipe has no generator")
	}
	name = slices.MinFunc(slices.Collect(maps.Keys(took)), func(a, b string) int { return int(took[a] - took[b]) })
	m, err := e.erase(l, tiny, name)
	return name, m.wall, err
}
