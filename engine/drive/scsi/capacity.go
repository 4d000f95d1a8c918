package scsi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"wiped/engine/drive"
)

// largestSector in bytes is far above any that exists; a larger one is no answer but garbage.
const largestSector = 1 << 16

// capacity is what a drive is formatted to.
type capacity struct {
	blocks       uint64
	sector       int  // bytes of user data in a logical block
	long         bool // READ CAPACITY (16) said so; the rest is known only then
	physical     int  // bytes; 0: not said
	protection   int  // type 1 to 3 of the protection information, above that unknown; 0: none
	exponent     byte // of the number of protection intervals in a block
	conventional bool // of a zoned drive: blocks counts its conventional zones only (RC_BASIS of ZBC-2)
}

// capacity asks READ CAPACITY (16) first where the drive must have it or may need it: older ones have hung at it.
func (u unit) capacity(i inquiry) (capacity, error) {
	first, second := u.capacity16, u.capacity10
	if !i.modern() && !i.protect {
		first, second = second, first
	}
	c, err := first()
	if err == nil {
		return c, nil
	}
	if other, again := second(); again == nil {
		return other, nil
	}
	return c, err
}

func (u unit) capacity10() (capacity, error) {
	b, err := u.ask(8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	if err != nil {
		return capacity{}, err
	}
	return parseCapacity10(b)
}

func (u unit) capacity16() (capacity, error) {
	b, err := u.ask(32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0)
	if err != nil {
		return capacity{}, err
	}
	return parseCapacity16(b)
}

// errSize is the error of an answer that no drive can mean.
var errSize = errors.New("no drive is of such a size")

// parseCapacity10 reads SBC-4 section 5.20.2. It is an error too if the drive is too large for the answer.
func parseCapacity10(b []byte) (capacity, error) {
	if len(b) < 8 {
		return capacity{}, errSize
	}
	last := binary.BigEndian.Uint32(b)
	c := capacity{blocks: uint64(last) + 1, sector: sectorOf(binary.BigEndian.Uint32(b[4:]))}
	if last == math.MaxUint32 || !c.possible() {
		return capacity{}, errSize
	}
	return c, nil
}

// parseCapacity16 reads SBC-4 section 5.21.2, as far as it goes.
func parseCapacity16(b []byte) (capacity, error) {
	if len(b) < 12 {
		return capacity{}, errSize
	}
	c := capacity{blocks: binary.BigEndian.Uint64(b) + 1, sector: sectorOf(binary.BigEndian.Uint32(b[8:])), long: true}
	if !c.possible() {
		return capacity{}, errSize
	}
	if len(b) >= 14 {
		if b[12]&1 != 0 {
			c.protection, c.exponent = 1+int(b[12]>>1&7), b[13]>>4
		}
		c.conventional = b[12]>>4&3 == 0
		c.physical = c.sector << (b[13] & 0x0f)
	}
	return c, nil
}

func sectorOf(n uint32) int {
	if n > largestSector {
		return 0
	}
	return int(n)
}

func (c capacity) possible() bool {
	return c.sector > 0 && c.blocks > 0 && c.blocks <= math.MaxInt64/uint64(c.sector)
}

// size is in bytes; 0 where only the conventional zones were counted. READ CAPACITY (10) does not tell, so that it does not count
// of a zoned drive.
func (c capacity) size(zoned bool) int64 {
	if zoned && (c.conventional || !c.long) {
		return 0
	}
	return int64(c.blocks * uint64(c.sector))
}

// facts are what is worth showing of a capacity; zoned tells whether the drive says that it has zones.
func (c capacity) facts(zoned bool) []drive.Fact {
	source := "READ CAPACITY (10)"
	if c.long {
		source = "READ CAPACITY (16)"
	}
	facts := []drive.Fact{
		{Name: "capacity", Value: fmt.Sprintf("%d bytes", c.blocks*uint64(c.sector)), Source: source},
		{Name: "sector", Value: fmt.Sprintf("%d bytes", c.sector), Source: source},
	}
	if !usable(c.sector) {
		facts[1].Value += ", which Linux can neither read nor write; format it to 512"
	}
	if c.physical != 0 {
		facts = append(facts, drive.Fact{Name: "physical sector", Value: fmt.Sprintf("%d bytes", c.physical), Source: source})
	}
	switch {
	case c.protection > 3:
		facts = append(facts, drive.Fact{Name: "protection", Value: "of an unknown type", Source: source})
	case c.protection > 0:
		kind := fmt.Sprintf("type %d, %d intervals a sector", c.protection, 1<<c.exponent)
		facts = append(facts, drive.Fact{Name: "protection", Value: kind, Source: source})
	}
	if zoned && c.conventional {
		facts = append(facts, drive.Fact{Name: "capacity counts", Value: "the conventional zones only", Source: source})
	}
	return facts
}

// usable are the sectors, in bytes, that the kernel's sd driver takes.
func usable(sector int) bool {
	return sector == 512 || sector == 1024 || sector == 2048 || sector == 4096
}
