package journal

import "bytes"

const (
	// sectorSize is what a disk writes whole or not at all, in bytes: 512, or a multiple of it.
	sectorSize = 512
	// longestBatch is more than what is written together can be, in bytes.
	longestBatch = 256 << 10
)

// tornLines is the length of those last lines in tail that were torn while they were written. tail is what the file holds before
// end, which is the end of a line.
//
// The sectors of what is written together reach the disk in any order. Where one did not, while a later one and the file's new length
// did, stand zeros, and never in what was acknowledged before. Zeros of another length or place than a missing sector has were put
// there by something else, and stay, for Verify to find.
func tornLines(tail []byte, end int64, joined func(line []byte) bool) (torn int) {
	for rest := tail; len(rest) > 0; {
		start := bytes.LastIndexByte(rest[:len(rest)-1], '\n') + 1
		if start == 0 && len(tail) < int(end) {
			break // it begins before the tail
		}
		line := rest[start:]
		switch {
		case misses(line, end-int64(len(tail)-start)):
			torn = len(tail) - start
		case joined == nil || !joined(line[:len(line)-1]):
			return torn // it was the first: what is before it was acknowledged
		}
		rest = rest[:start]
	}
	return torn
}

// misses tells whether sectors are missing from a line that begins at byte at of the file.
func misses(line []byte, at int64) bool {
	for n := 0; n < len(line); {
		from := bytes.IndexByte(line[n:], 0)
		if from < 0 {
			return false
		}
		from += n
		for n = from; line[n] == 0; n++ { // a line ends in a line end
		}
		if (from == 0 || (at+int64(from))%sectorSize == 0) && (at+int64(n))%sectorSize == 0 {
			return true
		}
	}
	return false
}
