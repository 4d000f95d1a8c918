package nvme

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"wiped/engine/drive"
)

// pageBytes is the length of every Identify data structure (NVMe 1.4 section 5.15).
const pageBytes = 4096

var (
	errShort = errors.New("it is cut short")
	errBlank = errors.New("there is nothing in it")
)

// check refuses data that are cut short, and those of a controller that said success and sent nothing.
func check(b []byte, length int) error {
	if len(b) < length {
		return errShort
	}
	b = b[:length]
	if bytes.Count(b, b[:1]) == length && (b[0] == 0 || b[0] == 0xff) {
		return errBlank
	}
	return nil
}

// controller is the Identify Controller data structure (CNS 01h), as far as it matters here.
type controller struct {
	vendor                  uint16 // PCI vendor, 0: none
	serial, model, firmware string // escaped
	cmic                    byte
	version                 uint32 // major << 16 | minor << 8 | tertiary, 0: before 1.2
	ctratt                  uint32
	oacs                    uint16
	unallocated             uint64 // bytes
	rpmbs                   uint32
	sanicap                 sanicap
	nn                      uint32
	fna                     byte
}

func parseController(b []byte) (controller, error) {
	if err := check(b, pageBytes); err != nil {
		return controller{}, err
	}
	le := binary.LittleEndian
	return controller{
		vendor: le.Uint16(b), serial: drive.Serial(text(b[4:24])), model: text(b[24:64]), firmware: text(b[64:72]), cmic: b[76], version: le.Uint32(b[80:]),
		ctratt: le.Uint32(b[96:]), oacs: le.Uint16(b[256:]), unallocated: wide(b[296:]), rpmbs: le.Uint32(b[312:]),
		sanicap: sanicap(le.Uint32(b[328:])), nn: le.Uint32(b[516:]), fna: b[524],
	}, nil
}

// text ends at a zero byte, as it does where the kernel shows it; nothing but FFh is unknown.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	if len(bytes.Trim(b, "\xff")) == 0 {
		return ""
	}
	return drive.Clean(string(b))
}

func (c controller) canFormat() bool          { return c.oacs&(1<<1) != 0 }
func (c controller) managesNamespaces() bool  { return c.oacs&(1<<3) != 0 }
func (c controller) severalControllers() bool { return c.cmic&(1<<1) != 0 }

// uniqueNSIDs tells whether a number means the same namespace at every controller of the subsystem; private namespaces need
// not have numbers of their own otherwise (NVMe 1.4 section 6.1: namespace management, ANA or NVM sets).
func (c controller) uniqueNSIDs() bool {
	return c.managesNamespaces() || c.cmic&(1<<3) != 0 || c.ctratt&(1<<2) != 0
}

// formatCrypto tells whether Format NVM has a cryptographic erase; formatReachesAll whether Format, or the erase that is a
// part of it, reaches every namespace of the subsystem.
func (c controller) formatCrypto() bool     { return c.fna&(1<<2) != 0 }
func (c controller) formatReachesAll() bool { return c.fna&0b11 != 0 }

// maxFormats is how many LBA formats a namespace can have.
const maxFormats = 64

type lbaFormat struct {
	metadata uint16 // bytes for each block
	shift    byte   // log2 of the block's bytes; 0: this format is not there
}

// namespace is the Identify Namespace data structure (CNS 00h), as far as it matters here.
type namespace struct {
	blocks, capacity, used uint64 // logical blocks
	features               byte   // NSFEAT
	formats                int    // how many of the formats there are
	flbas, dps             byte
	nmic, fpi, dlfeat      byte
	nsattr                 byte
	nguid                  [16]byte
	eui64                  [8]byte
	format                 [maxFormats]lbaFormat
}

func parseNamespace(b []byte) (namespace, error) {
	if err := check(b, pageBytes); err != nil {
		return namespace{}, err
	}
	le := binary.LittleEndian
	ns := namespace{
		blocks: le.Uint64(b), capacity: le.Uint64(b[8:]), used: le.Uint64(b[16:]), features: b[24],
		formats: min(1+int(b[25])+int(b[82]), maxFormats), // NLBAF counts from 0, NULBAF does not
		flbas:   b[26], dps: b[29], nmic: b[30], fpi: b[32], dlfeat: b[33], nsattr: b[99],
		nguid: [16]byte(b[104:]), eui64: [8]byte(b[120:]),
	}
	for i := range ns.format {
		at := b[128+4*i:]
		ns.format[i] = lbaFormat{metadata: le.Uint16(at), shift: at[2]}
	}
	return ns, nil
}

// inUse is the number of the format that the namespace has. Bits 6:5 of FLBAS belong to it only where there are more than 16.
func (ns namespace) inUse() int {
	n := int(ns.flbas & 0x0f)
	if ns.formats > 16 {
		n |= int(ns.flbas>>5&0b11) << 4
	}
	return n
}

// bytes is the size of the namespace's data. The error is for a format that cannot be.
func (ns namespace) bytes() (int64, error) {
	n := ns.inUse()
	if n >= ns.formats {
		return 0, fmt.Errorf("its format is number %d of %d", n, ns.formats)
	}
	shift := ns.format[n].shift
	if shift < 9 || shift > 31 {
		return 0, fmt.Errorf("its blocks have 2^%d bytes", shift)
	}
	if bits.Len64(ns.blocks)+int(shift) > 63 {
		return 0, fmt.Errorf("it has %d blocks of 2^%d bytes", ns.blocks, shift)
	}
	return int64(ns.blocks << shift), nil
}

func (ns namespace) shared() bool         { return ns.nmic&1 != 0 }
func (ns namespace) writeProtected() bool { return ns.nsattr&1 != 0 }

// formatting tells whether a Format NVM is under way, and how much of it is done, in percent.
func (ns namespace) formatting() (done int, ok bool) {
	left := int(ns.fpi & 0x7f)
	return max(0, 100-left), ns.fpi&0x80 != 0 && left > 0
}

// idsPerList is how many namespaces an answer names; where it is full, there may be more.
const idsPerList = pageBytes / 4

// parseList reads a namespace list (CNS 02h, 10h): numbers in ascending order, the rest zeros. No list is taken that breaks
// a rule: what it forgot would be erased without having been named.
func parseList(b []byte, after uint32) ([]uint32, error) {
	if len(b) < pageBytes {
		return nil, errShort
	}
	var ids []uint32
	ended := false
	for i := range idsPerList {
		id := binary.LittleEndian.Uint32(b[4*i:])
		switch {
		case id == 0:
			ended = true
		case ended:
			return nil, fmt.Errorf("namespace %d stands behind its end", id)
		case id <= after:
			return nil, fmt.Errorf("namespace %d stands behind namespace %d", id, after)
		case id >= 0xfffffffe: // FFFFFFFFh means all, FFFFFFFEh is reserved
			return nil, fmt.Errorf("%08xh is not a namespace", id)
		default:
			ids, after = append(ids, id), id
		}
	}
	return ids, nil
}
