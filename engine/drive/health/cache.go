package health

import (
	"context"
	"sync"
	"time"

	"wiped/engine/drive"
)

// Key is a drive as it is now: the kernel counts DiskSeq up when another one comes under the same path. 0: it does not count.
type Key struct {
	Path    string
	DiskSeq uint64
}

// Limits of a Cache.
const (
	Age      = 10 * time.Minute // after which a drive is asked again
	together = 8                // drives asked at once: each costs a process
)

// Cache answers at once for many drives what asking would take long for. Its methods may be called from any goroutine. What
// it returns is shared, and not to be changed.
type Cache struct {
	ctx  context.Context
	read func(context.Context, string) (drive.Health, error)
	turn chan struct{}

	mu      sync.Mutex
	entries map[Key]*entry
}

type entry struct {
	known  bool
	health drive.Health
	at     time.Time     // of the answer
	asking chan struct{} // closed when the answer is there; nil: nobody asks
}

// NewCache makes an empty cache that asks until ctx ends.
func NewCache(ctx context.Context) *Cache {
	return &Cache{ctx: ctx, read: Read, turn: make(chan struct{}, together), entries: map[Key]*entry{}}
}

// Get returns the health of a drive. One that was not asked yet, or not lately, is asked in the background, by one process
// whoever else wants to know; Get waits for that no longer than patience, and then returns what was known last.
func (c *Cache) Get(key Key, patience time.Duration) drive.Health {
	c.mu.Lock()
	e := c.entry(key)
	fresh := e.known && time.Since(e.at) < Age
	if !fresh && e.asking == nil && c.ctx.Err() == nil {
		e.asking = make(chan struct{})
		go c.ask(key.Path, e)
	}
	asking := e.asking
	c.mu.Unlock()
	if !fresh && asking != nil {
		wait(asking, patience)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !e.known {
		return unknown("it is being asked")
	}
	return e.health
}

// Put keeps what was learned elsewhere, by a Read before or after an erase.
func (c *Cache) Put(key Key, h drive.Health) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entry(key).keep(h)
}

// entry finds or makes the entry of a drive, and forgets the drive that was under its path before. c.mu is held.
func (c *Cache) entry(key Key) *entry {
	if e := c.entries[key]; e != nil {
		return e
	}
	for old := range c.entries {
		if old.Path == key.Path {
			delete(c.entries, old)
		}
	}
	e := &entry{}
	c.entries[key] = e
	return e
}

func (e *entry) keep(h drive.Health) { e.known, e.health, e.at = true, h, time.Now() }

func (c *Cache) ask(path string, e *entry) {
	c.turn <- struct{}{}
	begun := time.Now()
	h, err := c.read(c.ctx, path)
	<-c.turn
	if err != nil {
		h = unknown(drive.Clean(err.Error()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.at.Before(begun) { // else Put knows better
		e.keep(h)
	}
	close(e.asking)
	e.asking = nil
}

func wait(done <-chan struct{}, most time.Duration) {
	if most <= 0 {
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
