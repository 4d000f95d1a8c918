package privsep

import (
	"context"
	"log/slog"
	"time"
)

// What a child may cause to be written. One that was taken over writes as much as it can.
const (
	// A visit, a login and a command, logs some 500 bytes: the burst is a crowd of 30,000 of them, the rest 250 a second.
	logBurst, logPerSecond = 16 << 20, 128 << 10
	// Each login is an entry of the audit, and none may be missing: those beyond wait.
	loginBurst, loginsPerSecond = 10_000, 500
)

// awaitLogin returns when one more login may be written down.
func (m *Monitor) awaitLogin() {
	if m.logins.Allow() {
		return
	}
	m.logChild(slog.LevelWarn, "too many logins: they wait for each other")
	_ = m.logins.Wait(context.Background())
}

// logChild logs what the child says or causes, so much of it only; the lines left out are counted in the next that is not.
func (m *Monitor) logChild(level slog.Level, text string, attrs ...slog.Attr) {
	const around = 64 // time, level, name of the message
	size := around + len(text)
	for _, a := range attrs {
		size += len(a.Key) + len(a.Value.String())
	}
	if !m.said.AllowN(time.Now(), size) {
		m.unsaid.Add(1)
		return
	}
	if left := m.unsaid.Swap(0); left > 0 {
		attrs = append(attrs, slog.Int64("lines_left_out_before", left))
	}
	m.Log.LogAttrs(context.Background(), level, text, attrs...)
}
