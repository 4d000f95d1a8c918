package journal

import (
	"errors"
	"testing"
)

// TestRoom: commands stop after notes, both before the disk is full, and a small disk keeps a part of itself.
func TestRoom(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		free, total   int64
		note, command bool
	}{
		{100_000 * mib, 200_000 * mib, true, true},
		{33 * mib, 200_000 * mib, true, true},
		{32 * mib, 200_000 * mib, false, true},
		{17 * mib, 128 * mib, false, true},
		{16 * mib, 200_000 * mib, false, false},
		{0, 200_000 * mib, false, false},
		{mib, 2 * mib, true, true},
		{mib / 2, 2 * mib, false, true},
		{mib / 4, 2 * mib, false, false},
		{0, 2 * mib, false, false},
		{0, 0, true, true}, // ramfs
	} {
		for p, want := range map[Purpose]bool{ForNote: test.note, ForCommand: test.command} {
			if err := p.check(test.free, test.total); (err == nil) != want || err != nil && !errors.Is(err, ErrNoRoom) {
				t.Errorf("%d of %d bytes free, purpose %d: %v; want room: %v", test.free, test.total, p, err, want)
			}
		}
	}
}
