package wipe

import (
	"bytes"
	"testing"
)

// memory is a drive as fast as memory: 256 MiB, more than any cache here, written and read by copying.
type memory []byte

func (m memory) WriteAt(p []byte, off int64) (int, error) { return copy(m[off:], p), nil }
func (m memory) ReadAt(p []byte, off int64) (int, error)  { return copy(p, m[off:]), nil }

// nothing takes what it is given: what is left is our own cost.
type nothing struct{}

func (nothing) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

var benched = []string{"zeros", "ones", "0x924924", "random"}

const benchSize = 256 << 20

func bench(b *testing.B, run func(Run) error) {
	for _, name := range benched {
		b.Run(name, func(b *testing.B) {
			r := Run{Pattern: patterns[name], Extents: []Range{{0, benchSize}}, Sector: sector}
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				r.Progress = new(Progress)
				if err := run(r); err != nil || r.Progress.Good() != benchSize {
					b.Fatal(err, r.Progress.First())
				}
			}
		})
	}
}

func BenchmarkWriteToNothing(b *testing.B) {
	bench(b, func(r Run) error { return r.Write(b.Context(), nothing{}) })
}

func BenchmarkWriteToMemory(b *testing.B) {
	m := make(memory, benchSize)
	bench(b, func(r Run) error { return r.Write(b.Context(), m) })
}

func BenchmarkVerifyFromMemory(b *testing.B) {
	m := make(memory, benchSize)
	for _, name := range benched {
		patterns[name].Fill(m, 0)
		only := benched
		benched = []string{name}
		bench(b, func(r Run) error { return r.Verify(b.Context(), m) })
		benched = only
	}
}

// BenchmarkCopy is the yardstick: what a single thread can do to such a memory at all.
func BenchmarkCopy(b *testing.B) {
	m, from := make(memory, benchSize), bytes.Repeat([]byte{1}, 1<<20)
	b.SetBytes(benchSize)
	for b.Loop() {
		for off := 0; off < benchSize; off += len(from) {
			copy(m[off:], from)
		}
	}
}

// BenchmarkStreamFill is one worker's making of random blocks: see stream.fill about its allocation.
func BenchmarkStreamFill(b *testing.B) {
	s := newStream(counting(KeyBytes), make([]byte, DefaultBlock))
	b.SetBytes(DefaultBlock)
	b.ReportAllocs()
	off := int64(0)
	for b.Loop() {
		s.block(off, DefaultBlock)
		off += DefaultBlock
	}
}
