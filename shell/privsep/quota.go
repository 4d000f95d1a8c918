package privsep

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// What a child may cause to be written. One that was taken over writes as much as it can.
const (
	// A visit, a login and a command, logs some 500 bytes: the burst is a crowd of 30,000 of them, the rest 250 a second.
	logBurst, logPerSecond = 16 << 20, 128 << 10
	// Each login is an entry of the audit, and none may be missing: those beyond wait.
	loginBurst, loginsPerSecond = 10_000, 500
)

// bucket allows so much at once, and so much more each second. The zero value is full.
type bucket struct {
	mu   sync.Mutex
	used float64
	last time.Time
}

// take tells whether n more is allowed now, and counts it if so.
func (b *bucket) take(now time.Time, n, burst, perSecond float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = max(0, b.used-now.Sub(b.last).Seconds()*perSecond)
	b.last = now
	if b.used+n > burst {
		return false
	}
	b.used += n
	return true
}

// awaitLogin returns when one more login may be written down.
func (m *Monitor) awaitLogin() {
	if m.logins.take(time.Now(), 1, loginBurst, loginsPerSecond) {
		return
	}
	m.logChild(slog.LevelWarn, "too many logins: they wait for each other")
	for !m.logins.take(time.Now(), 1, loginBurst, loginsPerSecond) {
		time.Sleep(time.Second / loginsPerSecond)
	}
}

// quota bounds what is logged.
type quota struct {
	bytes bucket
	mu    sync.Mutex
	left  int // lines left out since the last one
}

// allow counts a line, and tells whether it may be logged and how many were left out before it.
func (q *quota) allow(now time.Time, size int) (ok bool, left int) {
	ok = q.bytes.take(now, float64(size), logBurst, logPerSecond)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !ok {
		q.left++
		return false, 0
	}
	left, q.left = q.left, 0
	return true, left
}

// logChild logs what the child says or causes, so much of it only; the lines left out are counted in the next that is not.
func (m *Monitor) logChild(level slog.Level, text string, attrs ...slog.Attr) {
	const around = 64 // time, level, name of the message
	size := around + len(text)
	for _, a := range attrs {
		size += len(a.Key) + len(a.Value.String())
	}
	ok, left := m.said.allow(time.Now(), size)
	if !ok {
		return
	}
	if left > 0 {
		attrs = append(attrs, slog.Int("lines_left_out_before", left))
	}
	m.Log.LogAttrs(context.Background(), level, text, attrs...)
}
