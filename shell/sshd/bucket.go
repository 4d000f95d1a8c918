package sshd

import "time"

// bucket allows burst events at once and one more for each time that passes after that.
type bucket struct {
	burst int
	every time.Duration
	used  int
	last  time.Time
}

// take tells whether one more event is allowed now, and counts it if so.
func (b *bucket) take(now time.Time) bool {
	if back := int(now.Sub(b.last) / b.every); back > 0 {
		b.used = max(0, b.used-back)
		b.last = b.last.Add(time.Duration(back) * b.every)
		if b.used == 0 {
			b.last = now
		}
	}
	if b.used >= b.burst {
		return false
	}
	b.used++
	return true
}
