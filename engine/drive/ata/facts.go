package ata

import (
	"fmt"
	"math/bits"
	"strings"

	"wiped/engine/drive"
)

// facts are what IDENTIFY DEVICE says besides identity and abilities; what it does not say is left out.
func (id *identify) facts() (facts []drive.Fact) {
	sectors, source := id.sectors()
	size := ""
	if sectors > 0 {
		size = fmt.Sprint(sectors)
	}
	for _, f := range []drive.Fact{
		{Name: "ATA standard", Value: id.standard(), Source: "IDENTIFY word 80"},
		{Name: "rotation", Value: id.rotation(), Source: "IDENTIFY word 217"},
		{Name: "SATA speed", Value: id.speed(), Source: "IDENTIFY words 76..77"},
		{Name: "sectors", Value: size, Source: source},
		{Name: "sector size", Value: id.sectorWords(), Source: "IDENTIFY words 106, 117..118"},
		{Name: "zones", Value: []string{"", "host-aware", "managed by the drive", ""}[id.word(69)&3], Source: "IDENTIFY word 69"},
		{Name: "TRIM", Value: id.trim(), Source: "IDENTIFY words 69, 169"},
		{Name: "encrypts all user data", Value: yes(id.bit(69, 4)), Source: "IDENTIFY word 69"},
		{Name: "trusted computing", Value: yes(id.says(48) && id.bit(48, 0)), Source: "IDENTIFY word 48"},
		{Name: "security", Value: id.security().String(), Source: "IDENTIFY word 128"},
		{Name: "sanitize", Value: id.sanitizeWords(), Source: "IDENTIFY word 59"},
	} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

// standard is the newest one that the drive keeps: its number is the highest bit.
func (id *identify) standard() string {
	names := map[int]string{7: "ATA/ATAPI-7", 8: "ATA8-ACS", 9: "ACS-2", 10: "ACS-3", 11: "ACS-4", 12: "ACS-5"}
	return names[bits.Len16(id.word(80))-1]
}

func (id *identify) rotation() string {
	switch turns := id.rotational(); {
	case turns == nil:
		return ""
	case *turns:
		return fmt.Sprintf("%d rpm", id.word(217))
	}
	return "none, solid state"
}

// rotational tells whether the medium turns; nil: the drive does not say.
func (id *identify) rotational() *bool {
	rpm := id.word(217)
	turns := rpm > 0x0400 && rpm < 0xffff
	if !turns && rpm != 1 {
		return nil
	}
	return &turns
}

// speed is the fastest of word 76 (bits 3:1), and the one in use by word 77 (bits 3:1, coded).
func (id *identify) speed() string {
	names := []string{"", "1.5 Gb/s", "3.0 Gb/s", "6.0 Gb/s"}
	top := names[bits.Len16(id.word(76)>>1&7)]
	now := ""
	if code := int(id.word(77) >> 1 & 7); code < len(names) {
		now = names[code]
	}
	if top == "" || now == "" {
		return top
	}
	return top + ", now " + now
}

func (id *identify) sectorWords() string {
	logical, physical := id.sectorSize()
	if logical == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes, %d on the medium", logical, physical)
}

func (id *identify) trim() string {
	switch {
	case !id.bit(169, 0):
		return ""
	case id.bit(69, 14) && id.bit(69, 5):
		return "trimmed sectors read as zeros"
	case id.bit(69, 14):
		return "trimmed sectors read the same every time"
	}
	return "yes"
}

func (id *identify) sanitizeWords() string {
	if !id.bit(59, 12) {
		return ""
	}
	var can []string
	for _, s := range sanitizes {
		if id.bit(59, s.bit) {
			can = append(can, s.word)
		}
	}
	return strings.Join(can, ", ")
}
