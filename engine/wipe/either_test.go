package wipe

import (
	"bytes"
	"context"
	"testing"
)

// TestHoldsEither: one pass goes on over another, sector by sector, and nothing else may be there.
func TestHoldsEither(t *testing.T) {
	zeros, key := Pattern{Bytes: Hex{0}}, Pattern{Key: bytes.Repeat(Hex{7}, KeyBytes)}
	const sector, size = 512, 3<<20 + 512
	disk := make([]byte, size)
	for at := int64(0); at < size; at += 3 * sector {
		key.Fill(disk[at:at+sector], at)
	}
	whole := []Range{{0, size}}
	check := func(what string, areas []Range, want bool) {
		t.Helper()
		got, err := HoldsEither(context.Background(), bytes.NewReader(disk), areas, sector, zeros, key)
		if err != nil || got != want {
			t.Errorf("HoldsEither of %s = %v, %v; want %v", what, got, err, want)
		}
	}
	check("a mix", whole, true)
	for _, at := range []int{0, 511, 2 << 20, size - 1} {
		disk[at] ^= 1
		check("a mix with one flipped bit", whole, false)
		disk[at] ^= 1
	}
	disk[1<<20] ^= 1
	check("areas beside the flipped bit", []Range{{0, 1 << 20}, {1<<20 + 512, 1 << 20}}, true)
	if _, err := HoldsEither(context.Background(), bytes.NewReader(disk[:1<<20]), whole, sector, zeros, key); err == nil {
		t.Error("HoldsEither of a drive that ends early = nil error; want one")
	}
}
