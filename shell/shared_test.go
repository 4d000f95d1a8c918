package shell

import (
	"fmt"
	"testing"

	"wiped/engine"
	"wiped/engine/journal"
)

// A line is that of its own job and number, whatever was asked for before; jobs that share a place take turns in it.
func TestSharedLine(t *testing.T) {
	var made int
	write := func(u engine.Update) string {
		made++
		return fmt.Sprint(u.Job, " ", u.Seq, " ", u.DoneBytes)
	}
	var s shared
	for n, test := range []struct {
		job, seq uint64
		done     int64
		want     string
		made     int
	}{
		{1, 5, 10, "1 5 10", 1},
		{1, 5, 10, "1 5 10", 1},
		{1, 6, 20, "1 6 20", 2},
		{1, 5, 10, "1 5 10", 3},
		{1 + uint64(len(s)), 5, 30, "65 5 30", 4},
		{1, 5, 10, "1 5 10", 5},
		{2, 5, 40, "2 5 40", 6},
		{1, 5, 10, "1 5 10", 6},
		{3, 0, 1, "3 0 1", 7},
		{3, 0, 2, "3 0 2", 8},
	} {
		u := engine.Update{Event: journal.Event{Job: test.job, Seq: test.seq, DoneBytes: test.done}}
		if got := s.line(u, write); got != test.want || made != test.made {
			t.Errorf("%d: line(%d, %d) = %q after %d made; want %q after %d", n, test.job, test.seq, got, made, test.want, test.made)
		}
	}
}
