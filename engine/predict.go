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

// Predict estimates how long an item takes, and says from what: the drive's own estimate of what it does to itself, and
// for all that is written and read the speed at which the drive can be read now. d is 0 where that cannot be known. It
// changes nothing.
func Predict(item Item) (d time.Duration, basis string) {
	ability, _ := item.Answers.Ability(item.Method.Action)
	bytes := item.TotalBytes()
	if item.Method.Action != "" {
		if ability.Takes == 0 {
			return 0, "the drive gives no estimate"
		}
		for _, one := range every([]Item{item}) {
			bytes -= one.Drive.Size
		}
	}
	speed := readSpeed(item)
	switch {
	case bytes > 0 && speed == 0:
		return 0, "the drive could not be read"
	case item.Method.Action == "":
		return time.Duration(float64(bytes) / speed * float64(time.Second)), "from the speed at which it reads now; alone on its bus"
	case bytes > 0:
		d = time.Duration(float64(bytes) / speed * float64(time.Second))
	}
	return d + ability.Takes, "as the drive estimates its own erase, and from the speed at which it reads now"
}

// readSpeed measures how fast a drive can be read now, in bytes a second; 0 if it cannot.
func readSpeed(item Item) float64 {
	r, err := item.drive.Reader()
	if err != nil {
		return 0
	}
	defer r.Close()
	buf, err := unix.Mmap(-1, 0, probeBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Munmap(buf) }()
	start, done := time.Now(), int64(0)
	for done < min(probeBytes, item.Drive.Size) && time.Since(start) < probeTime {
		n, err := r.ReadAt(buf[:min(probeBlock, item.Drive.Size-done)], done)
		if err != nil {
			return 0
		}
		done += int64(n)
	}
	if took := time.Since(start); done > 0 && took > 0 {
		return float64(done) / took.Seconds()
	}
	return 0
}
