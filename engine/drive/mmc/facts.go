package mmc

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"wiped/engine/drive"
)

// number reads a number that the kernel writes in either base; anything else is 0.
func (c card) number(attr string) uint64 {
	n, err := strconv.ParseUint(c.text(attr), 0, 64)
	if err != nil {
		return 0
	}
	return n
}

// shown are the attributes of a card that are worth showing, in their order; say turns one into words, or "" if it says nothing.
var shown = []struct {
	name, attr string
	say        func(string) string
}{
	{"manufacturer ID", "manfid", plain}, // no list of them is published
	{"OEM ID", "oemid", plain},
	{"made", "date", plain},
	{"revision", "prv", plain},
	{"hardware revision", "hwrev", plain},
	{"standard", "rev", standard},
	{"CID", "cid", register},
	{"CSD", "csd", register},
	{"write protection", "csd", protection},
	{"RPMB size", "raw_rpmb_size_mult", rpmb},
	{"life used, type A", "life_time", func(s string) string { return life(s, 0) }},
	{"life used, type B", "life_time", func(s string) string { return life(s, 1) }},
	{"reserve of spare blocks", "pre_eol_info", reserve},
}

func (c card) facts() (facts []drive.Fact) {
	for _, f := range shown {
		if value := c.text(f.attr); value != "" {
			if said := f.say(value); said != "" {
				facts = append(facts, drive.Fact{Name: f.name, Value: said, Source: "sysfs device/" + f.attr})
			}
		}
	}
	return append(facts, erase(c.kind())...)
}

func plain(s string) string { return s }

// erase says why no card is ever told to erase itself.
func erase(kind string) []drive.Fact {
	switch kind {
	case "eMMC":
		return []drive.Fact{{Name: "own erase", Source: "IEEE 2883-2022",
			Value: "not used: Erase with Sanitize is no more than clear, as overwriting is, and cannot be verified as well"}}
	case "SD":
		return []drive.Fact{{Name: "own erase", Source: "SD physical layer specification",
			Value: "not used: its Erase promises nothing of what it leaves, and there is no Sanitize"}}
	}
	return nil
}

// register accepts the 16 bytes of a card's register, as the kernel writes them.
func register(s string) string {
	if _, ok := bytes16(s); !ok {
		return ""
	}
	return s
}

func bytes16(s string) (b [16]byte, ok bool) {
	n, err := hex.Decode(b[:min(len(s)/2, 16)], []byte(s[:min(len(s)/2*2, 32)]))
	return b, err == nil && n == 16 && len(s) == 32
}

// protection reads PERM_WRITE_PROTECT and TMP_WRITE_PROTECT, bits 13 and 12 of the CSD of eMMC (JESD84-B51) and SD cards alike.
// They need not be in the kernel's ro: a card that has them set may fail only when it is written.
func protection(csd string) string {
	b, ok := bytes16(csd)
	switch {
	case !ok:
		return ""
	case b[14]&0x20 != 0:
		return "for good: the card refuses to be written"
	case b[14]&0x10 != 0:
		return "switched on: the card refuses to be written until that is taken back"
	}
	return "none"
}

// standard tells the version of the eMMC standard by EXT_CSD_REV (JESD84-B51, EXT_CSD byte 192).
func standard(rev string) string {
	n, err := strconv.ParseUint(rev, 0, 8)
	version, ok := map[uint64]string{2: "4.2", 3: "4.3", 5: "4.41", 6: "4.5", 7: "5.0", 8: "5.1"}[n]
	if err != nil || !ok {
		return ""
	}
	return "eMMC " + version
}

// rpmb tells the size of the replay protected memory block, counted in 128 KiB (JESD84-B51, EXT_CSD byte 168).
func rpmb(multiple string) string {
	n, err := strconv.ParseUint(multiple, 0, 8)
	if err != nil || n == 0 {
		return ""
	}
	return fmt.Sprintf("%d KiB", n*128)
}

// percent is the upper bound of the part of a card's life that is used, in percent: of its single-level (0) or multi-level (1)
// cells (DEVICE_LIFE_TIME_EST_TYP_A and _B, JESD84-B51, EXT_CSD bytes 268 and 269), which come in steps of ten. 110 is past its life.
func percent(lifeTime string, which int) (used int64, ok bool) {
	words := strings.Fields(lifeTime)
	if len(words) != 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(words[which], 0, 8)
	if err != nil || n == 0 || n > 11 { // 0: not defined
		return 0, false
	}
	return int64(n) * 10, true
}

func life(lifeTime string, which int) string {
	switch used, ok := percent(lifeTime, which); {
	case !ok:
		return ""
	case used > 100:
		return "more than the 100 % that were estimated"
	default:
		return fmt.Sprintf("%d to %d %%", used-10, used)
	}
}

// reserves are the values of PRE_EOL_INFO (JESD84-B51, EXT_CSD byte 267).
var reserves = map[uint64]string{1: "normal", 2: "warning: 80 % of it are used", 3: "urgent: 90 % of it are used"}

func reserve(preEOL string) string { return reserves[stage(preEOL)] }

// stage is PRE_EOL_INFO as a number; older kernels leave out the 0x. 0 is unknown.
func stage(preEOL string) uint64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(preEOL, "0x"), 16, 8)
	if err != nil || n > 3 {
		return 0
	}
	return n
}
