package privsep

import (
	"testing"
	"time"
)

// TestLull: memory is given back a second after the last of a crowd, and after few at most once a minute.
func TestLull(t *testing.T) {
	now := time.Now()
	before := func(d time.Duration) int64 { return now.Add(-d).UnixNano() }
	for _, test := range []struct {
		what        string
		stirs       int64
		last, given time.Duration // so long ago
		want        time.Duration
	}{
		{"few, the first ever", 1, lullTime, 1000 * time.Hour, 0},
		{"few, and something stirs", 1, 300 * time.Millisecond, 1000 * time.Hour, 700 * time.Millisecond},
		{"few, soon after the last time", crowd - 1, 10 * time.Second, 15 * time.Second, 45 * time.Second},
		{"few, and the minute is over", 1, 10 * time.Second, lullPause, 0},
		{"a crowd, soon after the last time", crowd, lullTime, 2 * time.Second, 0},
		{"a crowd, and something stirs", 10 * crowd, 0, 1000 * time.Hour, lullTime},
	} {
		l := &lull{}
		l.stirs.Store(test.stirs)
		l.last.Store(before(test.last))
		l.given.Store(before(test.given))
		if got := max(0, l.wait(now)); got != test.want {
			t.Errorf("%s: waits %v, want %v", test.what, got, test.want)
		}
	}
}
