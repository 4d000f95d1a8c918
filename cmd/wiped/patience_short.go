//go:build impatient

package main

import (
	"time"

	"wiped/engine"
)

func init() { tune = lessPatience }

// lessPatience is for the fault suite's own build: what takes minutes and hours with real drives takes seconds with simulated ones.
func lessPatience(c engine.Config) engine.Config {
	c.Patience = 15 * time.Second
	c.Limits = engine.Limits{Silence: 15 * time.Second, FlushSilence: 15 * time.Second, CachedSilence: 15 * time.Second, HaltSilence: 5 * time.Second,
		Failing: 20 * time.Second, DeadRow: 4 << 20, FastWindow: 2 * time.Second, SlowWindow: 6 * time.Second, SlowRest: 20 * time.Second, SlowShare: 0.05}
	c.Software += " (impatient: for tests only)"
	return c
}
