package scsi

import (
	"encoding/hex"
	"strings"
)

// designator is an entry of the device identification page: SPC-6 section 7.7.6.
type designator struct {
	codeSet, association, kind byte
	value                      []byte
}

// parseDesignators reads the page as far as it goes; an entry that is cut short ends it.
func parseDesignators(page []byte) (list []designator) {
	for len(page) >= 4 && 4+int(page[3]) <= len(page) {
		n := 4 + int(page[3])
		list = append(list, designator{page[0] & 0x0f, page[1] >> 4 & 3, page[1] & 0x0f, page[4:n]})
		page = page[n:]
	}
	return list
}

// worldWide is the world-wide name of the logical unit, in the form that the kernel's wwid has elsewhere: 0x and the NAA in
// hex, or eui. and the EUI-64 in hex. Among several it is the one that the kernel takes. Empty: it has none.
func worldWide(page []byte) string {
	best, name := 0, ""
	for _, d := range parseDesignators(page) {
		if rank, text := d.worldWide(); rank > 0 && rank >= best {
			best, name = rank, text
		}
	}
	return name
}

// worldWide ranks a designator as the kernel does (designator_prio in scsi_lib.c). Rank 0 is for what is no name of the
// logical unit, or not one in the world: locally assigned numbers, and names put together from vendor and serial.
func (d designator) worldWide() (rank int, name string) {
	const logicalUnit, binary = 0, 1
	if d.association != logicalUnit || len(d.value) == 0 {
		return 0, ""
	}
	text := hex.EncodeToString(d.value)
	if strings.Trim(text, "0") == "" || strings.Trim(text, "f") == "" {
		return 0, ""
	}
	type form struct {
		kind, naa byte
		bytes     int
	}
	f := form{kind: d.kind, bytes: len(d.value)}
	if d.kind == 3 {
		f.naa = d.value[0] >> 4
	}
	switch {
	case d.kind == 8:
		return nameString(string(d.value))
	case d.codeSet != binary:
		return 0, ""
	}
	rank = map[form]int{{3, 6, 16}: 8, {2, 0, 16}: 7, {2, 0, 12}: 6, {3, 5, 8}: 5, {3, 2, 8}: 4, {2, 0, 8}: 3}[f]
	if d.kind == 3 {
		return rank, "0x" + text
	}
	return rank, "eui." + text
}

// nameString reads a SCSI name string (SPC-6 section 7.7.6.9) that holds an NAA or an EUI-64.
func nameString(value string) (rank int, name string) {
	kind, number, _ := strings.Cut(strings.TrimRight(value, "\x00"), ".")
	if b, err := hex.DecodeString(number); err != nil || len(b) < 8 || strings.Trim(number, "0") == "" {
		return 0, ""
	}
	switch kind {
	case "naa":
		return 9, "0x" + number
	case "eui":
		return 9, "eui." + number
	}
	return 0, ""
}
