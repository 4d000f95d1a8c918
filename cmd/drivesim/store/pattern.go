package store

import "encoding/binary"

// Pattern is content that depends on the place alone.
type Pattern interface {
	// Fill makes the bytes that belong to the place off bytes from the start of the medium.
	Fill(b []byte, off int64)
}

// Repeat is Bytes over and over, begun anew at each block of Every bytes; Every 0 is one run over the whole medium.
type Repeat struct {
	Bytes []byte
	Every int64
}

// Zeros is what most drives leave after an erase.
var Zeros = Repeat{Bytes: []byte{0}}

// Text is a text over and over.
func Text(s string) Repeat { return Repeat{Bytes: []byte(s)} }

// Fill is Pattern.
func (r Repeat) Fill(b []byte, off int64) {
	if len(r.Bytes) == 0 {
		clear(b)
		return
	}
	period := r.Every
	if period <= 0 {
		period = int64(len(r.Bytes))
	}
	n := int(min(period, int64(len(b))))
	for i := range n {
		b[i] = r.Bytes[(off+int64(i))%period%int64(len(r.Bytes))]
	}
	for n < len(b) { // n is a multiple of the period: the rest repeats what is there
		n += copy(b[n:], b[:n])
	}
}

// Noise is what a drive returns that has lost the key: the same at each reading, and without any structure.
type Noise uint64

// Fill is Pattern.
func (n Noise) Fill(b []byte, off int64) {
	var word [8]byte
	for len(b) > 0 {
		binary.LittleEndian.PutUint64(word[:], mix(uint64(n)+uint64(off/8)*0x9e3779b97f4a7c15))
		done := copy(b, word[off%8:])
		b, off = b[done:], off+int64(done)
	}
}

// mix spreads every bit of x over all of the result (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
