package block

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"wiped/engine/drive/internal/handle"
)

// zoned writes a host-managed drive (ZBC, ZAC): a zone is reset, then written from its beginning on, in order.
type zoned struct {
	*handle.File
	fd    int
	zones []zone
}

// zone is one zone in bytes.
type zone struct {
	start, length, capacity int64
	sequential              bool // it must be written in order, from its write pointer on
	writable                bool // it is neither read-only nor offline
}

// Zones of linux/blkzoned.h.
const (
	zoneConventional = 1
	zoneReadOnly     = 0xd
	zoneOffline      = 0xf
	hasCapacity      = 1 // flag of a report whose zones tell their capacity

	reportHeader = 16
	zoneBytes    = 64
	reportZones  = 4096 // at once

	blkReportZone = 0xC0101282 // _IOWR(0x12, 130, struct blk_zone_report)
	blkResetZone  = 0x40101283 // _IOW(0x12, 131, struct blk_zone_range)
)

// newZoned asks for the zones of a drive of size bytes.
func newZoned(f *handle.File, fd int, size int64) (*zoned, error) {
	z := &zoned{File: f, fd: fd}
	for at := int64(0); at < size; {
		report := make([]byte, reportHeader+reportZones*zoneBytes)
		binary.NativeEndian.PutUint64(report, uint64(at/sysfsUnit))
		binary.NativeEndian.PutUint32(report[8:], reportZones)
		if err := z.ioctl(blkReportZone, report); err != nil {
			return nil, fmt.Errorf("ask for the zones: %w", err)
		}
		zones, err := parseZones(report)
		if err != nil || len(zones) == 0 || zones[0].start != at {
			return nil, fmt.Errorf("ask for the zones at byte %d: %w", at, errors.Join(err, errZones))
		}
		z.zones = append(z.zones, zones...)
		last := zones[len(zones)-1]
		at = last.start + last.length
	}
	return z, checkZones(z.zones, size)
}

var errZones = errors.New("its zones do not cover it")

// parseZones reads a report (linux/blkzoned.h, struct blk_zone_report): a header of 16 bytes, then 64 bytes for a zone, in
// units of 512 bytes.
func parseZones(report []byte) (zones []zone, err error) {
	if len(report) < reportHeader {
		return nil, errZones
	}
	count, flags := binary.NativeEndian.Uint32(report[8:]), binary.NativeEndian.Uint32(report[12:])
	if uint64(count) > uint64(len(report)-reportHeader)/zoneBytes {
		return nil, errZones
	}
	for b := report[reportHeader:]; count > 0; count-- {
		start, length, capacity := binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:]), binary.NativeEndian.Uint64(b[32:])
		if flags&hasCapacity == 0 {
			capacity = length
		}
		const most = 1 << 53 // units: no drive has more bytes than fit into 63 bits
		if length == 0 || capacity > length || start > most || length > most {
			return nil, errZones
		}
		zones = append(zones, zone{int64(start) * sysfsUnit, int64(length) * sysfsUnit, int64(capacity) * sysfsUnit,
			b[24] != zoneConventional, b[25] != zoneReadOnly && b[25] != zoneOffline})
		b = b[zoneBytes:]
	}
	return zones, nil
}

// checkZones refuses zones that leave a gap, or that cannot be filled: such areas could not be overwritten for certain.
func checkZones(zones []zone, size int64) error {
	at := int64(0)
	for _, z := range zones {
		if z.start != at {
			return errZones
		}
		if z.sequential && z.capacity < z.length && z.start+z.length <= size {
			return fmt.Errorf("its zone at byte %d holds less than its length, which this program cannot write", z.start)
		}
		at += z.length
	}
	if at < size {
		return errZones
	}
	return nil
}

// Rewind resets the zone of off and all that come after it, and returns where writing has to begin: off itself in a zone
// that takes writes anywhere, else the beginning of its zone. What that zone held of this pass is to be written again.
func (z *zoned) Rewind(off int64) (int64, error) {
	from := off
	for _, one := range z.zones {
		if one.start+one.length <= off || !one.sequential {
			continue
		}
		if one.start <= off {
			from = one.start
		}
		if !one.writable {
			continue // its writes fail, and are on record then
		}
		var area [16]byte
		binary.NativeEndian.PutUint64(area[:], uint64(one.start/sysfsUnit))
		binary.NativeEndian.PutUint64(area[8:], uint64(one.length/sysfsUnit))
		if err := z.ioctl(blkResetZone, area[:]); err != nil {
			return 0, fmt.Errorf("reset the zone at byte %d: %w", one.start, err)
		}
	}
	return from, nil
}

func (z *zoned) ioctl(request uintptr, arg []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(z.fd), request, uintptr(unsafe.Pointer(&arg[0])))
	runtime.KeepAlive(arg)
	if errno != 0 {
		return errno
	}
	return nil
}
