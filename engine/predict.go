package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// A prediction reads this much of each drive, for no longer than this.
const (
	probeBytes = 64 << 20
	probeTime  = time.Second
	probeBlock = 1 << 20
)

// Predict estimates how long an item takes from the speed at which the drive can be read now; ok is false where that
// cannot be measured. It changes nothing.
func Predict(item Item) (d time.Duration, ok bool) {
	r, err := item.drive.Reader()
	if err != nil {
		return 0, false
	}
	defer r.Close()
	buf, err := unix.Mmap(-1, 0, probeBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return 0, false
	}
	defer func() { _ = unix.Munmap(buf) }()
	start, done := time.Now(), int64(0)
	for done < min(probeBytes, item.Drive.Size) && time.Since(start) < probeTime {
		n, err := r.ReadAt(buf[:min(probeBlock, item.Drive.Size-done)], done)
		if err != nil {
			return 0, false
		}
		done += int64(n)
	}
	if took := time.Since(start); done > 0 && took > 0 {
		return time.Duration(float64(item.TotalBytes()) / float64(done) * float64(took)), true
	}
	return 0, false
}
