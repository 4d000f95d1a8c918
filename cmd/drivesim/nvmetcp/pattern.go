package nvmetcp

import (
	"fmt"
	"math/rand/v2"
)

// pattern is what media hold that nobody wrote to since. It fills any part of them alike, at whatever offset one begins.
type pattern interface{ fill(p []byte, off int64) }

// wordPattern is four bytes again and again, the lowest first.
type wordPattern uint32

func (w wordPattern) fill(p []byte, off int64) {
	words(p, off, func(int64) uint64 { return uint64(w) | uint64(w)<<32 })
}

// noise looks random and depends on its key alone.
type noise uint64

func rekey() noise { return noise(rand.Uint64()) }

func (n noise) fill(p []byte, off int64) {
	words(p, off, func(at int64) uint64 { return mix(uint64(n) + uint64(at)) })
}

// words fills p, which lies at an offset, with words of eight bytes, the lowest first, by their number.
func words(p []byte, off int64, word func(at int64) uint64) {
	for len(p) > 0 {
		w, skip := word(off/8), off%8
		if skip == 0 && len(p) >= 8 {
			le.PutUint64(p, w)
			p, off = p[8:], off+8
			continue
		}
		p[0] = byte(w >> (8 * skip))
		p, off = p[1:], off+1
	}
}

// mix is the finaliser of SplitMix64, a bijection that leaves no pattern.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// record is how long a written record is, bytes.
const record = 64

// records is a text with a number, so that no two sectors are alike: a drive that was in use.
type records string

func (t records) fill(p []byte, off int64) {
	for i := 0; i < len(p); {
		at := off + int64(i)
		r := fmt.Sprintf("%-47.47s%016X\n", string(t), at/record)
		i += copy(p[i:], r[at%record:])
	}
}
