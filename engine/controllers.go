package engine

import (
	"context"
	"sync"
)

// controllers lets one drive of a controller at a time be told to erase itself: a command to one of them that the system
// gives up waiting for can reset the controller under another one.
type controllers struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the controller is free
}

// enter waits until no other drive of a controller erases itself, or ctx ends, and returns what lets the next one go on.
// A drive without one that it shares waits for nobody.
func (c *controllers) enter(ctx context.Context, controller string) (leave func()) {
	if controller == "" {
		return func() {}
	}
	for {
		c.mu.Lock()
		wait := c.busy[controller]
		if wait == nil {
			mine := make(chan struct{})
			if c.busy == nil {
				c.busy = map[string]chan struct{}{}
			}
			c.busy[controller] = mine
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				delete(c.busy, controller)
				close(mine)
			}
		}
		c.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return func() {}
		}
	}
}
