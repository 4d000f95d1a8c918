package boot

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// errNoLabel is a volume that is of no kind we read, or that has no label.
var errNoLabel = errors.New("no label")

// volumeLabel returns the kind of file system ("vfat", "ext4") and its label.
func volumeLabel(r io.ReaderAt) (kind, label string, err error) {
	if label, err = fatLabel(r); err == nil {
		return "vfat", label, nil
	}
	if label, err = extLabel(r); err == nil {
		return "ext4", label, nil
	}
	return "", "", errNoLabel
}

// extLabel reads the label of an ext2, ext3 or ext4 file system.
func extLabel(r io.ReaderAt) (string, error) {
	super := make([]byte, 1024)
	if _, err := r.ReadAt(super, 1024); err != nil {
		return "", err
	}
	if binary.LittleEndian.Uint16(super[56:]) != 0xef53 {
		return "", errNoLabel
	}
	label, _, _ := strings.Cut(string(super[120:136]), "\x00")
	return notBlank(label)
}

// fat is what a FAT boot sector says of where the root directory is.
type fat struct {
	label     string // as in the boot sector
	root      int64  // where the root directory begins, in bytes
	rootBytes int    // how much of it to look through
}

// fatLabel reads the label of a FAT file system. The entry in the root directory counts, because Windows changes only
// that one; mkfs.vfat writes both.
func fatLabel(r io.ReaderAt) (string, error) {
	sector := make([]byte, 512)
	if _, err := r.ReadAt(sector, 0); err != nil {
		return "", err
	}
	f, err := parseFAT(sector)
	if err != nil {
		return "", err
	}
	directory := make([]byte, f.rootBytes)
	n, _ := r.ReadAt(directory, f.root)
	if label := rootLabel(directory[:n]); label != "" {
		return notBlank(label)
	}
	return notBlank(f.label)
}

// maxRoot is how much of a root directory is looked through: the label is among its first entries.
const maxRoot = 64 << 10

// parseFAT checks a boot sector harder than the kernel does, because a disk's first sector may be anything.
func parseFAT(b []byte) (f fat, err error) {
	le := binary.LittleEndian
	sector, cluster, reserved := int64(le.Uint16(b[11:])), int64(b[13]), int64(le.Uint16(b[14:]))
	fats, entries, size := int64(b[16]), int64(le.Uint16(b[17:])), int64(le.Uint16(b[22:]))
	jump := b[0] == 0xeb || b[0] == 0xe9
	if b[510] != 0x55 || b[511] != 0xaa || !jump || fats < 1 || fats > 2 || reserved == 0 || !powerOfTwo(sector) || sector < 512 ||
		sector > 4096 || !powerOfTwo(cluster) || b[21] < 0xf0 {
		return fat{}, errNoLabel
	}
	if size != 0 { // FAT12 and FAT16: the root directory has its place
		f = fat{root: (reserved + fats*size) * sector, rootBytes: int(min(entries*32, maxRoot)), label: bootLabel(b, 38)}
		return f, nil
	}
	size, first := int64(le.Uint32(b[36:])), int64(le.Uint32(b[44:]))
	if size == 0 || first < 2 {
		return fat{}, errNoLabel
	}
	f = fat{root: (reserved + fats*size + (first-2)*cluster) * sector, rootBytes: int(min(cluster*sector, maxRoot)), label: bootLabel(b, 66)}
	return f, nil
}

func powerOfTwo(n int64) bool { return n > 0 && n&(n-1) == 0 }

func bootLabel(b []byte, signature int) string {
	label := strings.TrimRight(string(b[signature+5:signature+16]), " \x00")
	if b[signature] != 0x29 || label == "NO NAME" {
		return ""
	}
	return label
}

// rootLabel finds the volume's entry in a root directory.
func rootLabel(directory []byte) string {
	for ; len(directory) >= 32 && directory[0] != 0; directory = directory[32:] {
		attributes := directory[11]
		if directory[0] != 0xe5 && attributes&0x3f != 0x0f && attributes&0x08 != 0 { // 0x0f: a part of a long name
			return strings.TrimRight(string(directory[:11]), " \x00")
		}
	}
	return ""
}

func notBlank(label string) (string, error) {
	if label == "" {
		return "", errNoLabel
	}
	return label, nil
}
