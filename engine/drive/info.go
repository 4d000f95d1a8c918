package drive

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Info is what is known of a drive at one look. Empty and zero mean unknown. All text is escaped: no control characters.
type Info struct {
	Name           string // sdb, a.img: unique among the drives shown
	Path           string // /dev/sdb, or the file
	Paths          []string
	Vendor         string
	Model          string
	Firmware       string
	Serial         string // the drive's own; made by this station if it begins with "~"
	SerialSource   string // where the serial came from
	WWN            string // WWN, EUI-64 or NGUID
	Size           int64  // bytes
	NoSize         string // why it has no size, "formatting, 43 % done"; empty: it has one, or nobody knows
	Reformat       bool   // a new format would give it one
	LogicalSector  int    // bytes
	PhysicalSector int    // bytes
	OptimalIO      int    // bytes of which requests are best multiples, such as the stripe of an array; 0: not said
	Transport      string // sata, sas, usb, nvme, virtio, mmc, loop, file ...
	Rotational     *bool
	Controller     string // not empty: drives of one such share a controller, which may hear nothing while it formats one of them
	Zoned          bool   // host-managed zones: it takes writes in order only
	Layer          string // not empty: erasing reaches only this layer, "image file", "loop device on FILE", "virtual disk"
	ReadOnly       bool
	Problem        string // why it cannot be used at all: "permission denied", "the file is gone"
	Uses           []Use  // why it must not be erased now
	Partitions     []string
	ID             ID
	Facts          []Fact // everything else worth showing, with its source
}

// Use is one thing that uses a drive or a part of it.
type Use struct {
	What string // "mounted on /mnt", "swap", "member of md0", "open in process 77 (dd)"
	Hint string // what to do about it: "umount /mnt"
}

// Fact is one thing known of a drive and where it came from.
type Fact struct{ Name, Value, Source string }

// ID is what must stay the same for a drive to be the drive that was confirmed.
type ID struct {
	Serial, WWN string
	Size        int64
	DiskSeq     uint64   // the kernel's disk sequence number: comparable within Boot only
	Boot        string   // the kernel's boot id
	Device      uint64   // image: st_dev of the file
	Inode       uint64   // image: st_ino of the file
	Keys        []string // names of the thing itself; drives that share one are the same bytes
}

// Same compares a drive confirmed earlier with one seen now; the error wraps ErrChanged and says what differs.
func (id ID) Same(now ID) error {
	for _, part := range []struct {
		what      string
		then, now any
	}{
		{"serial", id.Serial, now.Serial},
		{"WWN", id.WWN, now.WWN},
		{"size", id.Size, now.Size},
		{"device", id.Device, now.Device},
		{"inode", id.Inode, now.Inode},
	} {
		if part.then != part.now {
			return fmt.Errorf("%w: its %s was %v and is %v", ErrChanged, part.what, part.then, part.now)
		}
	}
	if id.Boot == now.Boot && id.DiskSeq != now.DiskSeq {
		return fmt.Errorf("%w: its disk sequence number was %d and is %d: it was unplugged and plugged in again", ErrChanged, id.DiskSeq, now.DiskSeq)
	}
	return nil
}

// OwnSerial tells whether the serial is the drive's own, not one that this station made for it or that names nothing.
func (i Info) OwnSerial() bool { return Serial(i.Serial) != "" }

// Serial is a serial that a drive gave, after Clean; empty if it is none: memory that nobody wrote (FFh, zeros, blanks), a number
// of nothing but zeros or of all ones in hex, which many drives have, or what would pass for one that a station made.
func Serial(clean string) string {
	number, hex := strings.CutPrefix(strings.ToLower(clean), "0x")
	bare := strings.Trim(strings.ReplaceAll(number, `\xff`, ""), " 0")
	if bare == "" || hex && strings.Trim(bare, "f") == "" || strings.HasPrefix(clean, "~") {
		return ""
	}
	return clean
}

// Clean makes text that a drive says of itself harmless: padding gone, anything not printable escaped.
func Clean(s string) string {
	var b strings.Builder
	for s = strings.Trim(s, " \t\r\n\x00"); len(s) > 0; {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\\':
			b.WriteString(`\\`)
		case !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
