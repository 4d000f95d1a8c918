package privsep

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// lull gives memory back to the system when a crowd has come or gone: Go keeps what was in use once, and the stacks of goroutines that
// exchanged keys once, for much longer than anybody needs it. It waits until nothing stirs, for it takes some milliseconds.
type lull struct {
	stirs   atomic.Int64 // since memory was given back last
	last    atomic.Int64 // when something stirred, in nanoseconds
	given   atomic.Int64 // when memory was given back
	awaited atomic.Bool  // a timer will look
}

const (
	lullTime = time.Second
	crowd    = 64 // stirs that are worth it at once; fewer wait until lullPause is over
	// lullPause is the least time between two times when few come: somebody who asks every two seconds is no reason.
	lullPause = time.Minute
	shrinks   = 3 // collections, each of which halves a stack of which less than a quarter is in use
)

// stir says that somebody came, asked or went.
func (l *lull) stir() {
	l.stirs.Add(1)
	l.last.Store(time.Now().UnixNano())
	if !l.awaited.Load() && !l.awaited.Swap(true) {
		time.AfterFunc(lullTime, l.look)
	}
}

func (l *lull) look() {
	now := time.Now()
	if wait := l.wait(now); wait > 0 {
		time.AfterFunc(wait, l.look)
		return
	}
	l.stirs.Store(0)
	l.given.Store(now.UnixNano())
	l.awaited.Store(false)
	for range shrinks - 1 {
		runtime.GC()
	}
	debug.FreeOSMemory()
}

// wait is how long it is too early.
func (l *lull) wait(now time.Time) time.Duration {
	quiet := lullTime - now.Sub(time.Unix(0, l.last.Load()))
	if l.stirs.Load() >= crowd {
		return quiet
	}
	return max(quiet, lullPause-now.Sub(time.Unix(0, l.given.Load())))
}
