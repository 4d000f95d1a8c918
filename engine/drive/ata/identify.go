package ata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"wiped/engine/drive"
)

// identify is what IDENTIFY DEVICE gives: 256 words, numbered as in ACS-3.
type identify [block / 2]uint16

// parseIdentify reads the block, whose last word is a checksum where its low byte is A5h.
func parseIdentify(b []byte) (id identify, err error) {
	if len(b) != block {
		return identify{}, fmt.Errorf("%d bytes, not %d", len(b), block)
	}
	if b[510] == signature && !summed(b) {
		return identify{}, errors.New("its checksum is wrong")
	}
	for n := range id {
		id[n] = binary.LittleEndian.Uint16(b[2*n:])
	}
	const packet, compactFlash = 0x8000, 0x848a
	switch {
	case blank(b):
		return identify{}, errors.New("it is empty")
	case id[0]&packet != 0 && id[0] != compactFlash:
		return identify{}, errors.New("it is not an ATA disk")
	}
	return id, nil
}

// blank is memory that nobody wrote: zeros, ones, or the blanks of an empty text.
func blank(b []byte) bool {
	return !slices.ContainsFunc(b, func(x byte) bool { return x != 0 && x != 0xff && x != ' ' })
}

const signature = 0xa5

// summed tells whether all bytes add up to 0.
func summed(b []byte) bool {
	var sum byte
	for _, x := range b {
		sum += x
	}
	return sum == 0
}

// identify asks twice: a first answer is lost or damaged now and then where there are bridges.
func (p port) identify() (identify, error) {
	ask := taskfile{name: "IDENTIFY DEVICE", command: 0xec, count: 1, reads: true}
	var why error
	for range 2 {
		a, err := p.do(ask, question)
		if err == nil && a.outcome() != accepted {
			err = fmt.Errorf("%s: %v", ask.name, a)
		}
		if err != nil {
			why = err
			continue
		}
		id, err := parseIdentify(a.data)
		if err == nil {
			return id, nil
		}
		why = fmt.Errorf("%s: what came back is not to be trusted: %w", ask.name, err)
	}
	return identify{}, why
}

// word is 0 where the drive says nothing.
func (id *identify) word(n int) uint16 {
	if id[n] == 0xffff {
		return 0
	}
	return id[n]
}

func (id *identify) bit(n, bit int) bool { return id.word(n)>>bit&1 != 0 }

// says tells whether a word is in use by its bits 15:14, which are 01b then.
func (id *identify) says(n int) bool { return id[n]>>14 == 1 }

// supports reads words 82 and 83, which bits 15:14 of word 83 vouch for; enabled reads words 85 to 87 likewise.
func (id *identify) supports(n, bit int) bool { return id.says(83) && id.bit(n, bit) }
func (id *identify) enabled(n, bit int) bool  { return id.says(87) && id.bit(n, bit) }

// text reads ASCII of which each word holds two characters, the first one in its upper half.
func (id *identify) text(from, to int) string {
	var b []byte
	for _, w := range id[from : to+1] {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	if blank(b) {
		return ""
	}
	return drive.Clean(string(b))
}

func (id *identify) identity() drive.Identity {
	return drive.Identity{Model: id.text(27, 46), Firmware: id.text(23, 26), Serial: drive.Serial(id.text(10, 19)), WWN: id.wwn()}
}

// wwn is words 108 to 111, in the form that is given to the kernel's name for it; empty if there is none.
func (id *identify) wwn() string {
	const supported = 8
	if !id.enabled(87, supported) && !(id.says(84) && id.bit(84, supported)) {
		return ""
	}
	var n uint64
	for _, w := range id[108:112] {
		n = n<<16 | uint64(w)
	}
	if n == 0 || n == math.MaxUint64 {
		return ""
	}
	return fmt.Sprintf("0x%016x", n)
}

// long reads a number from words, the lowest one first.
func (id *identify) long(from, to int) (n uint64) {
	for at := to; at >= from; at-- {
		n = n<<16 | uint64(id[at])
	}
	return n
}

// wide tells whether the drive knows 48-bit commands.
func (id *identify) wide() bool { return id.supports(83, 10) }

// sectors is how many sectors reads and writes reach, and the words that say so; 0: it does not say.
func (id *identify) sectors() (n uint64, source string) {
	if id.bit(69, 3) {
		n, source = id.long(230, 233), "IDENTIFY words 230..233"
	}
	if n == 0 && id.wide() {
		n, source = id.long(100, 103), "IDENTIFY words 100..103"
	}
	if n == 0 {
		n, source = id.long(60, 61), "IDENTIFY words 60..61"
	}
	if n > 1<<48 {
		return 0, ""
	}
	return n, source
}

// sectorSize is in bytes; 0: what the drive says of it cannot be.
func (id *identify) sectorSize() (logical, physical uint64) {
	const several, long = 13, 12
	logical = block
	if id.says(106) && id.bit(106, long) {
		logical = 2 * id.long(117, 118)
	}
	if logical < block || logical > 1<<14 {
		return 0, 0
	}
	physical = logical
	if id.says(106) && id.bit(106, several) {
		physical <<= id[106] & 0x0f
	}
	return logical, physical
}
