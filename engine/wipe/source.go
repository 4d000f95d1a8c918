package wipe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// source makes the bytes that a pattern has at any place of the drive, for one worker.
type source interface {
	// block returns the n bytes at off in memory that is aligned for direct I/O. They are good until the next call
	// and must not be written to. n is at most the size the source was made for.
	block(off int64, n int) []byte
	// seek says where the next part begins that same is asked about.
	seek(off int64)
	// same tells whether part, which is not empty, is what the pattern has there, and goes on to what follows it. It is
	// no longer than the size the source was made for.
	same(part []byte) bool
	// repeats tells whether a place of the drive may hold the same as another one.
	repeats() bool
	// strange returns a byte that the pattern has nowhere, if there is one.
	strange() (b byte, ok bool)
}

// fixed serves every block of a repeated pattern out of one buffer, which all workers share: nothing is copied or
// computed for a block. The buffer is longer than a block, so that each phase of the pattern begins at some page in it.
type fixed struct {
	data   []byte
	starts []int // by the phase of the pattern: where in data such a block begins
	at     int64 // see seek
}

// fixedSize returns how many bytes of buffer newFixed needs.
func fixedSize(period, block int) int {
	slack := max((phases(period)-1)*alignment, period-1)
	return block + slack
}

// phases counts the places of the pattern at which a page can begin.
func phases(period int) int { return period / gcd(period, alignment) }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func newFixed(pattern, data []byte) *fixed {
	for n := copy(data, pattern); n < len(data); n *= 2 {
		copy(data[n:], data[:n])
	}
	starts := make([]int, len(pattern))
	for phase := range starts {
		starts[phase] = phase // unaligned: only for phases that no offset which is good for direct I/O can have
	}
	for page := range phases(len(pattern)) {
		starts[page*alignment%len(pattern)] = page * alignment
	}
	return &fixed{data: data, starts: starts}
}

// share returns a source over the same buffer, for another worker.
func (f *fixed) share() source { return &fixed{data: f.data, starts: f.starts} }

func (f *fixed) block(off int64, n int) []byte {
	start := f.starts[off%int64(len(f.starts))]
	return f.data[start : start+n]
}

func (f *fixed) seek(off int64) { f.at = off }

func (f *fixed) same(part []byte) bool {
	want := f.block(f.at, len(part))
	f.at += int64(len(part))
	return bytes.Equal(want, part)
}

func (f *fixed) repeats() bool { return true }

func (f *fixed) strange() (b byte, ok bool) {
	for v := range 256 {
		if b = byte(v); bytes.IndexByte(f.data[:len(f.starts)], b) < 0 {
			return b, true
		}
	}
	return 0, false
}

// piece is how many bytes of a block are made or compared at a time: so few stay in the first-level cache.
const piece = 16 << 10

// zeros is what the cipher turns into its key stream, a piece of a block at a time. It is never written to. That is a
// tenth faster than to clear each block and encrypt it in place.
var zeros [piece]byte

// stream makes the blocks of a keyed pattern, each in its own worker's buffer.
type stream struct {
	cipher cipher.Block
	iv     [aes.BlockSize]byte // in here, not on the stack: it would escape from there at each block
	buf    []byte              // for blocks that are no longer
	long   []byte              // for longer ones, which not every drive is asked for
	next   cipher.Stream       // see seek
}

func newStream(key, buf []byte) *stream {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key's length was checked by Validate
	}
	return &stream{cipher: block, buf: buf}
}

func (s *stream) block(off int64, n int) []byte {
	buf := s.room(n)
	s.fill(buf, off)
	return buf
}

// room is memory for n bytes.
func (s *stream) room(n int) []byte {
	if n > len(s.buf) {
		return s.long[:n]
	}
	return s.buf[:n]
}

// fill sets buf to the key stream at byte off.
func (s *stream) fill(buf []byte, off int64) {
	s.seek(off)
	for len(buf) > 0 {
		n := min(len(buf), len(zeros))
		s.next.XORKeyStream(buf, zeros[:n])
		buf = buf[n:]
	}
}

// seek begins the key stream at byte off.
//
// crypto/cipher can neither seek nor reset a CTR stream, so that each block costs one allocation of about 500 bytes. At
// 8 GiB/s and 1 MiB a block that is 4 MB of garbage a second, below what can be measured (BenchmarkStreamFill shows it).
func (s *stream) seek(off int64) {
	binary.BigEndian.PutUint64(s.iv[8:], uint64(off)/aes.BlockSize)
	s.next = cipher.NewCTR(s.cipher, s.iv[:])
	if inside := off % aes.BlockSize; inside != 0 {
		s.next.XORKeyStream(make([]byte, inside), make([]byte, inside))
	}
}

// same decrypts part, which leaves nothing but zeros of a key stream. So the processor waits for what was read while it
// encrypts, and not after it: that is a fifth faster than to make the key stream first and then compare it.
func (s *stream) same(part []byte) bool {
	rest := s.room(len(part))
	s.next.XORKeyStream(rest, part)
	last := len(rest) - 1
	return rest[0] == 0 && bytes.Equal(rest[1:], rest[:last]) // the first is zero, and each is as the one before
}

// repeats is false since a block cipher is a permutation: each 16 bytes of the stream are different.
func (s *stream) repeats() bool { return false }

func (s *stream) strange() (byte, bool) { return 0, false }
