package block

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// blkgetdiskseq is BLKGETDISKSEQ of linux/fs.h: _IOR(0x12, 128, __u64).
const blkgetdiskseq = 0x80081280

// size asks the device for its size in bytes.
func size(fd int) (int64, error) {
	n, err := get64(fd, unix.BLKGETSIZE64)
	return int64(n), err
}

// diskseq asks the kernel for the sequence number that tells a drive from another that came under its name.
func diskseq(fd int) (uint64, error) { return get64(fd, blkgetdiskseq) }

func get64(fd int, request uintptr) (n uint64, err error) {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&n)))
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}
