package block

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/handle"
)

func (d *device) Info() drive.Info { return d.info }

func (d *device) Reader() (drive.Reader, error) { return handle.Open(d.path(), d.info.LogicalSector) }

// Claim takes the kernel's exclusive claim (O_EXCL without O_CREAT, block/bdev.c) on every path to the drive, reading
// only: a drive that is mounted, swap, or part of md, LVM, dm, ZFS or bcache cannot be claimed, nor can anybody begin to
// use it so while the claim is held.
func (d *device) Claim() (drive.Claim, error) {
	c := &claim{id: d.info.ID, sector: d.info.LogicalSector, set: d.set, node: d.node()}
	for _, path := range append([]*device{d}, d.others...) {
		fd, err := unix.Open(path.path(), unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EBUSY) {
			err = drive.ErrHeld
		}
		if err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("claim %s: %w", path.path(), err)
		}
		c.files = append(c.files, os.NewFile(uintptr(fd), path.path()))
	}
	if err := c.Check(); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("claim %s: %w", d.path(), err)
	}
	return c, nil
}

type claim struct {
	files  []*os.File // the first is the one that is written
	id     drive.ID
	sector int
	set    func(drive.Node) drive.CommandSet // nil: nobody speaks its language
	node   drive.Node
}

// Check asks the claimed device itself, over every path.
func (c *claim) Check() error {
	for n, f := range c.files {
		if err := c.check(int(f.Fd()), n == 0); err != nil {
			return err
		}
	}
	return nil
}

// check holds one path against the drive that was confirmed. A drive that was unplugged has no size any more. The disk
// sequence number that was confirmed is that of the first path.
func (c *claim) check(fd int, first bool) error {
	size, err := size(fd)
	if err != nil || size == 0 && c.id.Size > 0 {
		return drive.ErrGone
	}
	if size != c.id.Size {
		return fmt.Errorf("%w: it had %d bytes and has %d", drive.ErrChanged, c.id.Size, size)
	}
	if seq, err := diskseq(fd); first && err == nil && c.id.DiskSeq != 0 && seq != c.id.DiskSeq {
		return fmt.Errorf("%w: its disk sequence number was %d and is %d", drive.ErrChanged, c.id.DiskSeq, seq)
	}
	return nil
}

func (c *claim) Writer() (drive.Writer, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	f, err := c.reopen(c.files[0], unix.O_RDWR)
	if err != nil || !c.node.Info.Zoned {
		return f, err
	}
	z, err := newZoned(f, int(f.Fd()), c.id.Size)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return z, nil
}

func (c *claim) Reader() (drive.Reader, error) { return c.read(c.files[0]) }

// Others and Over are for drives with several paths.
func (c *claim) Others() int { return len(c.files) - 1 }

// Over opens the drive for reading over another path.
func (c *claim) Over(n int) (drive.Reader, error) { return c.read(c.files[n+1]) }

// read drops what the kernel's cache holds of the drive by one path, then opens it anew.
func (c *claim) read(path *os.File) (drive.Reader, error) {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, path.Fd(), unix.BLKFLSBUF, 0)
	if errno != 0 && errno != unix.EACCES { // EACCES: not root; direct reads pass the cache all the same
		return nil, fmt.Errorf("drop the cache of %s: %w", path.Name(), errno)
	}
	return c.reopen(path, unix.O_RDONLY)
}

// reopen goes through a claimed descriptor and checks that the device behind the new one is the claimed one.
func (c *claim) reopen(path *os.File, mode int) (*handle.File, error) {
	f, err := handle.Reopen(path, mode, c.sector, nil)
	if err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (c *claim) Close() error {
	var errs []error
	for _, f := range c.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
