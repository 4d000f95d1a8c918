package scsi

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// said is one thing that a page says, before it is known where it stood.
type said struct{ name, value string }

// pages are the pages that are asked for what they say of the medium, if the drive lists them.
var pages = []struct {
	code byte
	read func(page []byte) []said
}{
	{0xb0, limits}, {0xb1, characteristics}, {0xb2, provisioning}, {0xb4, sectorSizes}, {0xb6, zones},
}

// at is a byte of a page by its place in the standard's table, which counts the header; 0 if the page ends before it.
func at(page []byte, place int) byte {
	if place-4 >= len(page) {
		return 0
	}
	return page[place-4]
}

// word is a 32-bit number of a page; 0 if the page ends before it does.
func word(page []byte, place int) uint32 {
	if place > len(page) {
		return 0
	}
	return binary.BigEndian.Uint32(page[place-4:])
}

// limits reads page B0h, block limits: SBC-4 section 6.6.4.
func limits(page []byte) (all []said) {
	if n := word(page, 8); n != 0 {
		all = append(all, said{"longest transfer", fmt.Sprintf("%d sectors", n)})
	}
	return all
}

// untilWritten is what reading does after a sanitize on drives whose sectors cannot be verified then.
const untilWritten = "fails until it is written"

// characteristics reads page B1h, block device characteristics: SBC-4 section 6.6.2.
func characteristics(page []byte) (all []said) {
	if turns := rotational(page); turns != nil && *turns {
		all = append(all, said{"rotation", fmt.Sprintf("%d rpm", rpm(page))})
	} else if turns != nil {
		all = append(all, said{"rotation", "none: solid state"})
	}
	forms := map[byte]string{1: "5.25 inch", 2: "3.5 inch", 3: "2.5 inch", 4: "1.8 inch", 5: "less than 1.8 inch"}
	if form := forms[at(page, 7)&0x0f]; form != "" {
		all = append(all, said{"form factor", form})
	}
	after := map[byte]string{1: "gives anything, without an error", 2: untilWritten, 3: untilWritten}
	if reading := after[at(page, 7)>>6]; reading != "" { // WABEREQ
		all = append(all, said{"reading after sanitize-block", reading})
	}
	if reading := after[at(page, 7)>>4&3]; reading != "" { // WACEREQ
		all = append(all, said{"reading after sanitize-crypto", reading})
	}
	if zoned := map[byte]string{1: "host-aware", 2: "device-managed"}[at(page, 8)>>4&3]; zoned != "" {
		all = append(all, said{"zoned", zoned})
	}
	return all
}

func rpm(page []byte) int { return int(at(page, 4))<<8 | int(at(page, 5)) }

// rotational tells by page B1h whether the medium turns; nil: it does not say.
func rotational(page []byte) *bool {
	turns := rpm(page) > 0x400 && rpm(page) < 0xffff
	if !turns && rpm(page) != 1 {
		return nil
	}
	return &turns
}

// provisioning reads page B2h, logical block provisioning: SBC-4 section 6.6.7.
func provisioning(page []byte) (all []said) {
	if kind := map[byte]string{1: "resource provisioned", 2: "thin"}[at(page, 6)&7]; kind != "" {
		all = append(all, said{"provisioning", kind})
	}
	var ways []string
	for _, way := range []struct {
		bit  byte
		name string
	}{{0x80, "UNMAP"}, {0x40, "WRITE SAME (16)"}, {0x20, "WRITE SAME (10)"}} {
		if at(page, 5)&way.bit != 0 {
			ways = append(ways, way.name)
		}
	}
	if len(ways) > 0 {
		all = append(all, said{"unmaps by", strings.Join(ways, ", ")})
	}
	return all
}

// sectorSizes reads page B4h, supported block lengths and protection types: SBC-4 section 6.6.10.
func sectorSizes(page []byte) []said {
	var sizes []string
	for ; len(page) >= 8 && len(sizes) < 16; page = page[8:] {
		if n := binary.BigEndian.Uint32(page); n > 0 && n <= largestSector {
			sizes = append(sizes, fmt.Sprint(n))
		}
	}
	if len(sizes) == 0 {
		return nil
	}
	return []said{{"can be formatted to sectors of", strings.Join(sizes, ", ") + " bytes"}}
}

// zones reads page B6h, zoned block device characteristics: ZBC-2 section 6.5.2.
func zones(page []byte) (all []said) {
	if zoned := map[byte]string{1: "host-aware", 2: "domains and realms"}[at(page, 4)>>4]; zoned != "" {
		all = append(all, said{"zoned", zoned})
	}
	if n := word(page, 16); n != 0 && n != 0xffffffff {
		all = append(all, said{"zones open at once", fmt.Sprintf("at most %d", n)})
	}
	return all
}
