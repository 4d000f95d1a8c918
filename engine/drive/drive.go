// Package drive says what a drive is and can do, and how one is found, claimed, written and read.
// It knows nothing of methods, jobs or records; the folders below it each know one kind of drive.
package drive

import (
	"errors"
	"io"
)

// Source finds the drives of one kind.
type Source interface {
	// Find looks afresh, at the drives and at what uses them; nothing of it is remembered from an earlier look.
	Find() ([]Drive, error)
}

// Drive is a drive as it was at one look.
type Drive interface {
	Info() Info
	// Claim takes the drive for one job, exclusively and without opening it for writing. It fails if anybody else
	// holds such a claim.
	Claim() (Claim, error)
	// Reader opens it for reading only, past every cache where that is possible.
	Reader() (Reader, error)
	// Ask asks the drive itself, in its own language, and changes nothing. It returns within 15 s, whatever the drive does;
	// what could not be learned is said in Answers.
	Ask() Answers
}

// Claim is a drive held for one job, from the moment it was confirmed to the end of the job.
type Claim interface {
	// Check tells whether the drive behind the claim is still there and unchanged: ErrGone or ErrChanged if not.
	Check() error
	// Writer opens the claimed drive, and no other that may have come under its name, for writing.
	Writer() (Writer, error)
	// Reader opens it through a fresh descriptor, past every cache where that is possible.
	Reader() (Reader, error)
	// Rescan has the system look again at how large the drive is.
	Rescan() error
	// Firmware gives orders to the drive itself; ErrUnsupported where nobody here speaks its language.
	Firmware() (Firmware, error)
	io.Closer
}

// Paths is a Claim of a drive that may be reached over several paths. That they lead to one drive is what names and size say:
// who writes over one of them had better see it over the others.
type Paths interface {
	// Others is how many paths there are besides the one that Writer and Reader take.
	Others() int
	// Over opens the drive for reading over one of them, 0 to Others()-1, past every cache where that is possible.
	Over(n int) (Reader, error)
}

// Writer writes to a claimed drive. Offsets, lengths and memory are multiples of the logical sector.
type Writer interface {
	io.WriterAt
	io.Closer
	// Flush returns when everything written is on the medium, as far as the drive tells the truth about it.
	Flush() error
	// Direct tells whether writes go past the page cache.
	Direct() bool
}

// Sequential is a Writer to a drive that takes writes in ascending order only, one at a time.
type Sequential interface {
	Writer
	// Rewind makes the drive forget what it holds from off on, and returns where writing has to begin: at off or below it.
	Rewind(off int64) (int64, error)
}

// Reader reads a drive.
type Reader interface {
	io.ReaderAt
	io.Closer
	// Direct tells whether reads come past the page cache.
	Direct() bool
}

// What happens to drives. A job that meets one of these cannot go on.
var (
	ErrGone    = errors.New("the drive is gone")
	ErrChanged = errors.New("the drive is not the one that was confirmed")
)

// ErrHeld says that another process holds the drive exclusively.
var ErrHeld = errors.New("another process holds it exclusively")
