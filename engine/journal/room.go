package journal

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrNoRoom says that what is free on the disk is kept for what matters more.
var ErrNoRoom = errors.New("no room")

// Purpose is what something is kept for. The journal, and the results of commands, take the last byte there is: what has been done must
// be on record. All else stops before.
type Purpose int64

// What stops earlier has the higher number: so many reserves are left free.
const (
	ForStop    Purpose = 0 // what only stops something
	ForCommand Purpose = 1 // what is about to change something
	ForNote    Purpose = 2 // logins, refusals, messages: as many as somebody likes to make
)

const (
	// reserve is how much of the disk a purpose leaves free, in bytes: the records of some hundred jobs with their ends.
	reserve = 16 << 20
	// reservePart is the part of a small disk that takes its place.
	reservePart = 8
)

// check tells whether a disk of total bytes with free ones has room for a purpose. A disk that tells no size has no limit.
func (p Purpose) check(free, total int64) error {
	kept := int64(p) * min(reserve, total/reservePart)
	if total == 0 || free > kept {
		return nil
	}
	return fmt.Errorf("%w: of the state directory's disk %.1f MB are free, and %.1f MB are kept for jobs", ErrNoRoom, float64(free)/1e6, float64(kept)/1e6)
}

// room tells whether the disk has room for a purpose. One that cannot be asked has: a write will tell.
func (l *lines) room(p Purpose) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(l.file.Fd()), &fs); err != nil {
		return nil
	}
	return p.check(int64(fs.Bavail)*fs.Frsize, int64(fs.Blocks)*fs.Frsize)
}

// Room is nil, or ErrNoRoom if an entry for this purpose is not to be appended now.
func (a *Audit) Room(p Purpose) error { return a.lines.room(p) }

// Room is nil, or ErrNoRoom if no message is to be saved now.
func (m *Messages) Room() error { return m.lines.room(ForNote) }
