package sshd

import (
	"math/rand/v2"
	"sync"
)

// admission counts connections against the limits.
type admission struct {
	limits   Limits
	sources  *sources
	mu       sync.Mutex
	starting int            // not logged in
	open     int            // logged in
	keys     map[string]int // logged in, by fingerprint
}

// enter admits a new connection that has not logged in; else it returns why not.
func (a *admission) enter(c *conn) (refusal string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.starting+a.open >= a.limits.Connections {
		return "too many connections"
	}
	if a.drop(rand.IntN(100)) {
		return "too many connections that have not logged in"
	}
	a.sources.with(c.source, func(e *source) {
		if e.startups >= a.limits.StartupsPerSource {
			refusal = "too many connections of this source that have not logged in"
			return
		}
		e.startups++
	})
	if refusal == "" {
		a.starting++
	}
	return refusal
}

// drop is OpenSSH's random early drop, with dice from 0 to 99.
func (a *admission) drop(dice int) bool {
	l := a.limits
	switch {
	case a.starting < l.Startups:
		return false
	case a.starting >= l.StartupsFull:
		return true
	}
	chance := l.StartupsDrop + (100-l.StartupsDrop)*(a.starting-l.Startups)/(l.StartupsFull-l.Startups)
	return dice < chance
}

// login moves a connection to those that have logged in with key, unless that key has too many.
func (a *admission) login(c *conn, key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys[key] >= a.limits.ConnectionsPerKey {
		return false
	}
	if a.keys == nil {
		a.keys = map[string]int{}
	}
	a.keys[key]++
	a.open++
	a.starting--
	a.sources.with(c.source, func(e *source) { e.startups--; e.failures = 0 })
	return true
}

// leave takes out a connection that entered; key is the one it logged in with, or empty. failed says that it tried to
// log in and could not, other than a port scan or a health check.
func (a *admission) leave(c *conn, key string, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if key == "" {
		a.starting--
		a.sources.with(c.source, func(e *source) {
			e.startups--
			if failed {
				e.failures++
			}
		})
		return
	}
	a.open--
	if a.keys[key]--; a.keys[key] == 0 {
		delete(a.keys, key)
	}
}
