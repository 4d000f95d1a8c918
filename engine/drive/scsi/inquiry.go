package scsi

import (
	"encoding/binary"

	"wiped/engine/drive"
)

// Peripheral device types that decide anything here: SPC-6 section 6.7.2.
const (
	directAccess = 0x00
	hostManaged  = 0x14 // zoned
)

// inquiry is the standard INQUIRY data. Empty text is unknown.
type inquiry struct {
	kind                      byte // peripheral device type
	absent                    bool // the peripheral qualifier says that there is nothing behind this address
	version                   byte
	protect                   bool // it can keep protection information
	vendor, product, revision string
}

// inquiry asks for 36 bytes and not more: older bridges hang at any other number.
func (u unit) inquiry() (inquiry, error) {
	b, err := u.ask(36, 0x12, 0, 0, 0, 36, 0)
	if err != nil {
		return inquiry{}, err
	}
	return parseInquiry(b), nil
}

// parseInquiry reads SPC-6 section 6.7.2. What is not there is unknown; a type that is unknown is 1Fh, as in the standard.
func parseInquiry(b []byte) inquiry {
	if len(b) < 5 {
		return inquiry{kind: 0x1f}
	}
	b = b[:min(len(b), 5+int(b[4]))]
	i := inquiry{kind: b[0] & 0x1f, absent: b[0]>>5 != 0, version: b[2]}
	i.protect = len(b) > 5 && b[5]&1 != 0
	text := func(from, to int) string { return drive.Clean(string(b[min(from, len(b)):min(to, len(b))])) }
	i.vendor, i.product, i.revision = text(8, 16), text(16, 32), text(32, 36)
	return i
}

// modern tells whether the drive claims SPC-3 or later, of 2005.
func (i inquiry) modern() bool { return i.version >= 5 }

// versions are the claims that INQUIRY can make: SPC-6 table 151.
var versions = map[byte]string{0x03: "SPC", 0x04: "SPC-2", 0x05: "SPC-3", 0x06: "SPC-4", 0x07: "SPC-5", 0x0d: "SPC-6"}

// page asks for a vital product data page and gives what follows its header.
func (u unit) page(code byte) ([]byte, error) {
	b, err := u.ask(room, 0x12, 1, code, 0, room, 0)
	if err != nil {
		return nil, err
	}
	if want := pageLength(b, code); want > len(b) && len(b) == room { // identification pages of SAS drives can be longer
		if more, err := u.ask(want, 0x12, 1, code, byte(want>>8), byte(want), 0); err == nil {
			b = more
		}
	}
	return parsePage(b, code), nil
}

// longest is the longest page that is read: what identifies a drive stands at the beginning.
const longest = 4096

// pageLength is how long a page says it is, header and all; 0 if it is another page.
func pageLength(b []byte, code byte) int {
	if len(b) < 4 || b[1] != code {
		return 0
	}
	return min(4+int(binary.BigEndian.Uint16(b[2:])), longest)
}

// parsePage cuts a page to what it says it is and to what is there; nil if it is another page.
func parsePage(b []byte, code byte) []byte {
	n := pageLength(b, code)
	if n == 0 {
		return nil
	}
	return b[4:min(n, len(b))]
}

// parsePages reads which pages a drive has: SPC-6 section 7.7.16. The list begins with page 00h; a bridge that answers
// every INQUIRY with the standard data begins with something else.
func parsePages(page []byte) (has [256]bool) {
	if len(page) == 0 || page[0] != 0 {
		return has
	}
	for _, code := range page {
		has[code] = true
	}
	return has
}

// translation is the page that only what speaks for an ATA drive has: ATA Information, SAT-4 section 12.4.2.
const translation = 0x89

// translated tells whether it is an ATA drive, as far as it says.
func (u unit) translated() bool {
	list, err := u.page(0)
	return err == nil && parsePages(list)[translation]
}

// serialSource is how the kernel's copy of the page is called where drives are found.
const serialSource = "VPD page 80h"

func (u unit) serial() (string, error) {
	page, err := u.page(0x80)
	if err != nil {
		return "", err
	}
	return parseSerial(page), nil
}

// parseSerial reads the unit serial number.
func parseSerial(page []byte) string { return drive.Serial(drive.Clean(string(page))) }
