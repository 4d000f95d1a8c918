package sshd

import (
	"net/netip"
	"slices"
	"sync"
)

// admission counts connections against the limits.
type admission struct {
	limits  Limits
	sources *sources
	mu      sync.Mutex
	waiting []*conn        // not logged in, the oldest first
	open    int            // logged in
	keys    map[string]int // logged in, by fingerprint
}

// enter admits a new connection that has not logged in; else it returns why not. The caller closes the one that has to make
// room for it, if there is one.
func (a *admission) enter(c *conn) (refusal string, instead *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sources.with(c.source, func(e *source) {
		if e.startups >= a.limits.StartupsPerSource {
			refusal = "too many connections of this source that have not logged in"
			return
		}
		e.startups++
	})
	if refusal != "" {
		return refusal, nil
	}
	full := len(a.waiting) + a.open - a.limits.Connections
	if len(a.waiting) >= a.limits.Startups || full >= 0 && len(a.waiting) > 0 {
		instead = a.evict()
	} else if full >= 0 {
		a.sources.with(c.source, func(e *source) { e.startups-- })
		return "too many connections", nil
	}
	a.waiting = append(a.waiting, c)
	return "", instead
}

// evict takes out the oldest connection of the source that has most of those that have not logged in.
func (a *admission) evict() *conn {
	of, most := map[netip.Prefix]int{}, 0
	for _, c := range a.waiting {
		of[c.source]++
		most = max(most, of[c.source])
	}
	i := slices.IndexFunc(a.waiting, func(c *conn) bool { return of[c.source] == most })
	c := a.waiting[i]
	a.waiting = slices.Delete(a.waiting, i, i+1)
	return c
}

// stop takes c out of those that have not logged in; one that was evicted is out already.
func (a *admission) stop(c *conn) {
	if i := slices.Index(a.waiting, c); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
	}
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
	a.stop(c)
	a.sources.with(c.source, func(e *source) { e.startups--; e.failures = 0 })
	return true
}

// leave takes out a connection that entered; key is the one it logged in with, or empty. failed says that it tried to
// log in and could not, other than a port scan or a health check.
func (a *admission) leave(c *conn, key string, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if key == "" {
		a.stop(c)
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
