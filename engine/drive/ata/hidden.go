package ata

import (
	"fmt"
	"strings"

	"wiped/engine/drive"
)

// The kinds of areas that reads and writes do not reach: Host Protected Area, Accessible Max Address (which took its
// place in ACS-3), Device Configuration Overlay.
const hpa, ama, dco = "HPA", "AMA", "DCO"

// maxAddress tells which feature set, if any, can make the drive look smaller than it is. The kernel's libata takes HPA
// for absent too where words 83 and 87 do not vouch for its bits.
func (id *identify) maxAddress() string {
	switch {
	case id.enabled(86, 15) && id.says(119) && id.bit(119, 8):
		return ama
	case id.supports(82, 10) && id.enabled(85, 10):
		return hpa
	}
	return ""
}

func (id *identify) overlay() bool { return id.supports(83, 11) }

// readNativeMax asks for the highest address that there would be without the area.
func readNativeMax(kind string, wide bool) taskfile {
	switch {
	case kind == ama:
		return taskfile{name: "GET NATIVE MAX ADDRESS EXT", command: 0x78, device: lbaMode, extended: true}
	case wide:
		return taskfile{name: "READ NATIVE MAX ADDRESS EXT", command: 0x27, device: lbaMode, extended: true}
	}
	return taskfile{name: "READ NATIVE MAX ADDRESS", command: 0xf8, device: lbaMode}
}

// nativeMax is that address.
func (p port) nativeMax(kind string, wide bool) (uint64, error) {
	t := readNativeMax(kind, wide)
	a, err := p.do(t, question)
	switch {
	case err != nil:
		return 0, err
	case a.outcome() != accepted:
		return 0, fmt.Errorf("%s: %v", t.name, a)
	case !a.known, t.extended && !a.lbaKnown:
		return 0, fmt.Errorf("%s: the registers were lost on the way", t.name)
	case !t.extended: // LBA(27:24) is in the device register
		return a.lba&0xffffff | uint64(a.device&0x0f)<<24, nil
	}
	return a.lba, nil
}

func identifyOverlay() taskfile {
	return taskfile{name: "DEVICE CONFIGURATION IDENTIFY", command: 0xb1, feature: 0xc2, count: 1, reads: true}
}

// parseOverlay reads the highest address that the factory gave, from bytes 6..13, out of a block that ends in A5h and
// a checksum.
func parseOverlay(b []byte) (uint64, error) {
	if len(b) != block || b[510] != signature || !summed(b) {
		return 0, fmt.Errorf("what came back is not to be trusted")
	}
	var lba uint64
	for at := 13; at >= 6; at-- {
		lba = lba<<8 | uint64(b[at])
	}
	if lba == 0 || lba >= 1<<48 {
		return 0, fmt.Errorf("%d as the highest address cannot be", lba)
	}
	return lba, nil
}

func (p port) overlayMax() (uint64, error) {
	t := identifyOverlay()
	a, err := p.do(t, question)
	if err == nil && a.outcome() == aborted {
		return 0, fmt.Errorf("%s: the drive refused (%v): its configuration may be frozen until it is switched off", t.name, a)
	}
	if err == nil && a.outcome() != accepted {
		err = fmt.Errorf("%s: %v", t.name, a)
	}
	if err != nil {
		return 0, err
	}
	lba, err := parseOverlay(a.data)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", t.name, err)
	}
	return lba, nil
}

// hidden finds the areas that reads and writes do not reach. What the drive does not announce is not there; what it
// announces and does not answer for is in why.
func (p port) hidden(id *identify) (areas []drive.Hidden, why string) {
	logical, _ := id.sectorSize()
	reached, _ := id.sectors()
	kind := id.maxAddress()
	switch {
	case logical == 0 || reached == 0:
		return nil, "the drive does not say its size"
	case kind == "" && !id.overlay():
		return nil, ""
	}
	var whys []string
	look := func(kind string, max uint64, err error) {
		switch size := max + 1; {
		case err != nil:
			whys = append(whys, kind+": "+err.Error())
		case size < reached:
			whys = append(whys, fmt.Sprintf("%s: %d sectors would be less than the %d that are there", kind, size, reached))
		case size > reached:
			areas = append(areas, drive.Hidden{Kind: kind, Bytes: int64((size - reached) * logical)})
			reached = size
		}
	}
	if kind != "" {
		max, err := p.nativeMax(kind, id.wide())
		look(kind, max, err)
	}
	if id.overlay() {
		max, err := p.overlayMax()
		look(dco, max, err)
	}
	return areas, drive.Clean(strings.Join(whys, "; "))
}

// unreached holds the bytes that the drive says reads and writes reach against those that the system has for it. A bridge that
// counts in 32 bits cuts a drive at 2 TiB, and a kernel that has not looked since SET MAX ADDRESS knows the old size. That
// there are less bytes than the system sees cannot be of one and the same drive. 0 is unknown.
func unreached(bytes, seen int64) (areas []drive.Hidden, another string) {
	switch {
	case bytes <= 0 || seen <= 0 || bytes == seen:
		return nil, ""
	case bytes < seen:
		return nil, fmt.Sprintf("it says that it has %d bytes, and the system sees %d: it is not, or not only, this drive", bytes, seen)
	}
	return []drive.Hidden{{Kind: "area that the system does not reach", Bytes: bytes - seen, Why: fmt.Sprintf("the system sees only %d bytes of the drive", seen),
		Next: "attach it without the bridge, or unplug it and plug it in again"}}, ""
}

// size is how many bytes reads and writes reach; 0: the drive does not say.
func (id *identify) size() int64 {
	sectors, _ := id.sectors()
	logical, _ := id.sectorSize()
	return int64(sectors * logical)
}
