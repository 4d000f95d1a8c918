package main

import (
	"errors"
	"fmt"
	"time"
)

// A bench full of disks: each takes no more than diskRate bytes a second.
const (
	disks    = 32
	diskRate = 60_000_000
)

// manyDrives erases 32 throttled drives at once with random bytes, verifies all of them, and meanwhile says hello.
func manyDrives(l *lab) error {
	devices, err := l.loops(disks, l.form.many)
	if err != nil {
		return err
	}
	s, err := l.station(devices...)
	if err != nil {
		return err
	}
	t, err := l.throttled(s, diskRate, devices...)
	if err != nil {
		return err
	}
	throttles := alone("rate", diskRate*disks)
	return l.contest("32 drives", l.form.few,
		contender{"wiped", func() (map[string]float64, error) { return l.oneBench(s, devices) }},
		l.fioOnEach(t, devices),
		contender{"throttles", func() (map[string]float64, error) { return throttles, nil }},
	)
}

func (l *lab) oneBench(s *station, devices []device) (map[string]float64, error) {
	idle, err := s.status("VmRSS")
	if err == nil {
		err = s.forgetPeak()
	}
	if err != nil {
		return nil, err
	}
	quit, answered := make(chan struct{}), make(chan answers, 1)
	go func() { answered <- s.greet(quit) }()
	t, err := s.erase("random", "full", devices...)
	close(quit)
	hellos := <-answered
	if err = errors.Join(err, hellos.err); err != nil {
		return nil, err
	}
	peak, err := s.status("VmHWM")
	return map[string]float64{
		"rate":                t.all.rate(),
		"processor":           t.all.cpu.Seconds() / (float64(t.all.bytes) / gib),
		"processors":          t.all.cpu.Seconds() / t.all.wall.Seconds(),
		"resident":            float64(peak),
		"resident of a drive": float64(peak-idle) / float64(len(devices)),
		"hello":               hellos.took.median(),
	}, err
}

// fioOnEach writes zeros to all devices at once and then reads them: how much of the throttles is to be had.
func (l *lab) fioOnEach(t *throttle, devices []device) contender {
	args := []string{"--bs=1M", "--direct=1", "--ioengine=libaio", "--iodepth=8", "--zero_buffers", "--group_reporting", "--output-format=json"}
	for _, d := range devices {
		args = append(args, "--name="+d.name(), "--filename="+d.path)
	}
	run := func(action string) (moved, error) {
		out, err := t.command(l.ctx, "fio", append([]string{"--rw=" + action}, args...)...).Output()
		if err != nil {
			return moved{}, explain(err)
		}
		return readFio(out, action)
	}
	return contender{"fio", func() (map[string]float64, error) {
		written, err := run("write")
		if err != nil {
			return nil, err
		}
		read, err := run("read")
		return alone("rate", moved{bytes: written.bytes + read.bytes, wall: written.wall + read.wall}.rate()), err
	}}
}

// answers is how long each one took, in seconds, and why there are no more.
type answers struct {
	took series
	err  error
}

// greet says hello on a connection that is there, five times a second, until quit is closed; and once at least.
func (s *station) greet(quit <-chan struct{}) (a answers) {
	for tick := time.Tick(200 * time.Millisecond); ; {
		began := time.Now()
		if _, a.err = ask(s.client, "hello"); a.err != nil {
			return a
		}
		a.took = append(a.took, time.Since(began).Seconds())
		select {
		case <-quit:
			return a
		case <-tick:
		}
	}
}

// scale erases 1 to 64 drives at once, first throttled each, then as fast as it goes.
func scale(l *lab) error {
	most := l.form.drives[len(l.form.drives)-1]
	devices, err := l.loops(most, l.form.scaled)
	if err != nil {
		return err
	}
	free, err := l.station(devices...)
	if err != nil {
		return err
	}
	held, err := l.station(devices...)
	if err != nil {
		return err
	}
	if _, err := l.throttled(held, diskRate, devices...); err != nil {
		return err
	}
	var all []contender
	for _, n := range l.form.drives {
		all = append(all, free.erasingMany(fmt.Sprintf("free %d", n), devices[:n]), held.erasingMany(fmt.Sprintf("throttled %d", n), devices[:n]))
	}
	return l.contest("scale", l.form.few, all...)
}

func (s *station) erasingMany(name string, devices []device) contender {
	return contender{name, func() (map[string]float64, error) {
		t, err := s.erase("random", "full", devices...)
		return t.all.figures("erase"), err
	}}
}
