package engine

import (
	"slices"
	"sync"
)

// turns lets so many jobs work at once, in the order in which they asked.
type turns struct {
	limit int // 0: no limit

	mu      sync.Mutex
	working int
	waiting []turn
}

// turn is a job's place in the queue; it is closed when the job may work.
type turn chan struct{}

// ask takes a place. It never waits.
func (t *turns) ask() turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := make(turn)
	t.waiting = append(t.waiting, mine)
	t.admit()
	return mine
}

// leave gives a place back, whether its turn had come or not.
func (t *turns) leave(mine turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := slices.Index(t.waiting, mine); at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
		return
	}
	t.working--
	t.admit()
}

// admit lets the next ones work. The caller holds mu.
func (t *turns) admit() {
	for len(t.waiting) > 0 && (t.limit == 0 || t.working < t.limit) {
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
		t.working++
	}
}

// atWork is how many jobs work now.
func (t *turns) atWork() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.working
}
