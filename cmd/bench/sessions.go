package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// clients is how many log in at once, again and again.
const clients = 8

// logins counts complete visits: connect, log in, one command, leave. Once by the ssh program, as scripts come, and once by
// connections of this process, which cost the clients next to nothing.
func logins(l *lab) error {
	wiped, bare, prompt, err := l.servers()
	if err != nil {
		return err
	}
	visits := func(name string, s *station, visit func(addr string) error) contender {
		return contender{name, func() (map[string]float64, error) { return l.visits(s, visit) }}
	}
	program := func(addr string) error { return l.program(addr, "bench", "hello") }
	return l.contest("logins", l.form.rounds,
		visits("wiped", wiped, l.visit), visits("gliderlabs", bare, l.visit),
		visits("wiped by ssh", wiped, program), visits("gliderlabs by ssh", bare, program),
		visits("prompt gliderlabs by ssh", prompt, program))
}

// visits are those of clients that come at once; what one costs the server in processor time is noted too.
func (l *lab) visits(s *station, visit func(addr string) error) (map[string]float64, error) {
	var done atomic.Int64
	errs := make([]error, clients)
	began, cpu := time.Now(), s.cpu()
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for time.Since(began) < l.form.logins && errs[i] == nil {
				if errs[i] = visit(s.addr); errs[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	all.Wait()
	visits := float64(done.Load())
	return map[string]float64{"rate": visits / time.Since(began).Seconds(), "processor": (s.cpu() - cpu).Seconds() / visits}, errors.Join(errs...)
}

func (l *lab) visit(addr string) error {
	c, err := l.key.dial(addr, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = ask(c, "hello")
	return err
}

// idleSessions is what the memory of the server grows by for each terminal that is open and does nothing.
func idleSessions(l *lab) error {
	return l.contest("idle", l.form.few, contender{"wiped", l.idle})
}

func (l *lab) idle() (map[string]float64, error) {
	const warm = 10 // sessions that show the server all the code it needs
	s, err := l.station()
	if err != nil {
		return nil, err
	}
	defer s.end()
	var before int64
	for n := range warm + l.form.idle {
		if n == warm {
			if before, err = s.settled(); err != nil {
				return nil, err
			}
		}
		c, err := l.key.dial(s.addr, nil)
		if err == nil {
			defer c.Close()
			err = terminal(c)
		}
		if err != nil {
			return nil, fmt.Errorf("open terminal %d: %w", n, err)
		}
	}
	after, err := s.settled()
	return alone("resident", float64(after-before)/float64(l.form.idle)), err
}

// settled is what the server holds in memory when nothing has happened for a while.
func (s *station) settled() (int64, error) {
	time.Sleep(2 * time.Second)
	return s.status("VmRSS")
}
