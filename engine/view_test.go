package engine

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"wiped/engine/journal"
)

// TestPercent: 100.0% only when all is done, never more than is done, never off by more than a tenth.
func TestPercent(t *testing.T) {
	check := func(done, total int64) {
		t.Helper()
		text := Percent(journal.Event{DoneBytes: done, TotalBytes: total})
		value, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		if err != nil || value < 0 || value > 100 {
			t.Fatalf("Percent(%d of %d) = %s", done, total, text)
		}
		if (text == "100.0%") != (done == total) {
			t.Errorf("Percent(%d of %d) = %s", done, total, text)
		}
		if exact := float64(done) / float64(total) * 100; value > exact+0.001 || value < exact-0.101 {
			t.Errorf("Percent(%d of %d) = %s; it is %.3f%%", done, total, text, exact)
		}
	}
	for _, total := range []int64{1, 3, 512, 999, 1000, 1001, 1024, 1536, 1999, 2000, 4096, 100_999, 1 << 20, 20e12, 36 * 30e12} {
		for _, done := range []int64{0, 1, total / 3, total / 2, total - total/1000, total - 1, total} {
			if done <= total && done >= 0 {
				check(done, total)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		total := random.Int64N(1<<random.IntN(52)+1) + 1
		check(random.Int64N(total+1), total)
	}
	if got := Percent(journal.Event{}); got != "0.0%" {
		t.Errorf("Percent of nothing = %s", got)
	}
}
