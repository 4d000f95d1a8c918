package engine

import (
	"testing"
	"time"
)

// TestDue: time or work, whichever comes first, but not on and on where work is done in no time.
func TestDue(t *testing.T) {
	c := &Config{CheckpointEvery: 5 * time.Second, CheckpointBytes: 8 << 30}
	for _, test := range []struct {
		since time.Duration
		bytes int64
		want  bool
	}{
		{0, 0, false},
		{4999 * time.Millisecond, 8<<30 - 1, false},
		{5 * time.Second, 0, true},
		{2 * time.Second, 8 << 30, true},
		{time.Second, 8 << 30, true},
		{900 * time.Millisecond, 16 << 30, false},
	} {
		if got := c.due(test.since, test.bytes); got != test.want {
			t.Errorf("due(%v, %d) = %v; want %v", test.since, test.bytes, got, test.want)
		}
	}
}
