package boot

import (
	"context"
	"sync"
	"time"

	"wiped/engine/drive/uevent"
)

// events is the news about devices.
type events struct {
	mu   sync.Mutex
	last time.Time     // of any news of a device
	bell chan struct{} // holds one value when there is a reason to look at the configuration again
}

func newEvents() *events { return &events{last: time.Now(), bell: make(chan struct{}, 1)} }

func (ev *events) note(e uevent.Event) {
	if e.Subsystem != "module" { // loading one is no news of a device, and is what waits for this news
		ev.mu.Lock()
		ev.last = time.Now()
		ev.mu.Unlock()
	}
	if e.Lost || (e.Subsystem == "block" && e.Action != "remove") {
		ev.ring()
	}
}

func (ev *events) ring() {
	select {
	case ev.bell <- struct{}{}:
	default:
	}
}

func (ev *events) latest() time.Time {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	return ev.last
}

func (ev *events) quiet() time.Duration { return time.Since(ev.latest()) }

// await waits for the bell, but no longer than most.
func (ev *events) await(ctx context.Context, most time.Duration) {
	select {
	case <-ctx.Done():
	case <-ev.bell:
	case <-time.After(most):
	}
}

// settle waits until there has been no news for as long as calm says then, but no longer than most, and tells whether it
// became quiet.
func (ev *events) settle(calm func() time.Duration, most time.Duration) bool {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if quiet := ev.quiet(); quiet >= calm() {
			return true
		}
	}
	return false
}
