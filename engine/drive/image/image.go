// Package image presents regular files as drives: no media, but the whole path of a job without root or hardware.
// It knows files, and nothing of block devices.
package image

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
	"wiped/engine/drive/internal/handle"
	"wiped/engine/drive/internal/inuse"
)

// Sector is the logical sector of an image in bytes.
const Sector = 512

// Layer is what stands on certificates for the thing that was erased.
const Layer = "image file"

// Source is the images that were named when the server started.
type Source struct{ paths []string }

// New checks the files named. Two with one base name are an error, since the base name is the drive's name; so is
// anything but a regular file.
func New(paths []string) (*Source, error) {
	names := map[string]string{}
	s := &Source{}
	for _, given := range paths {
		path, err := filepath.Abs(given)
		if err != nil {
			return nil, fmt.Errorf("find image %s: %w", given, err)
		}
		name := filepath.Base(path)
		if other, ok := names[name]; ok {
			return nil, fmt.Errorf("two images have the name %s (%s and %s): rename one, the name is what operators type", name, other, path)
		}
		if drive.Clean(name) != name {
			return nil, fmt.Errorf("the image name %q has characters that cannot be typed: rename the file", name)
		}
		if _, err := look(path); err != nil {
			return nil, fmt.Errorf("image %s: %w", drive.Clean(given), err)
		}
		names[name] = path
		s.paths = append(s.paths, path)
	}
	return s, nil
}

// Find looks at each file. One that is gone or no longer readable is listed with its problem.
func (s *Source) Find() ([]drive.Drive, error) {
	if len(s.paths) == 0 {
		return nil, nil
	}
	used, err := inuse.Look()
	if err != nil {
		return nil, err
	}
	var found []drive.Drive
	for _, path := range s.paths {
		found = append(found, &image{path, inspect(path, used)})
	}
	return found, nil
}

func look(path string) (*unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file: check the path, or make it with truncate -s SIZE FILE")
	case err != nil:
		return nil, err
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, errors.New("it is not a regular file: use --drives for block devices")
	}
	return &st, nil
}

func inspect(path string, used *inuse.Snapshot) drive.Info {
	info := drive.Info{
		Name: filepath.Base(path), Path: drive.Clean(path), Paths: []string{drive.Clean(path)}, Model: "image file", Layer: Layer,
		LogicalSector: Sector, Transport: "file", SerialSource: "made by this station from device and inode of the file",
	}
	st, err := look(path)
	if err != nil {
		info.Problem = "the file is gone"
		return info
	}
	info.Size = st.Size
	info.Serial = serial(st.Dev, st.Ino)
	info.ID = drive.ID{Serial: info.Serial, Size: st.Size, Device: st.Dev, Inode: st.Ino,
		Keys: []string{fmt.Sprintf("file %d:%d", st.Dev, st.Ino)}}
	info.ReadOnly = errors.Is(unix.Access(path, unix.W_OK), unix.EROFS)
	if !info.ReadOnly && unix.Access(path, unix.R_OK|unix.W_OK) != nil {
		info.Problem = "permission denied: the server may not read and write the file"
	}
	info.Uses = used.File(inuse.File{Device: st.Dev, Inode: st.Ino})
	return info
}

// serial is stable as long as the file is the same file, whatever it holds and however often the server starts.
func serial(dev, ino uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "image %d:%d", dev, ino))
	return fmt.Sprintf("~img-%x", sum[:5])
}

type image struct {
	path string
	info drive.Info
}

func (i *image) Info() drive.Info { return i.info }

func (i *image) Reader() (drive.Reader, error) { return handle.Open(i.path, Sector) }

// Ask answers nothing: a file has no firmware.
func (i *image) Ask() drive.Answers { return drive.Answers{} }

// Claim locks the file with flock, which every other wiped respects.
func (i *image) Claim() (drive.Claim, error) {
	f, err := os.Open(i.path)
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", i.path, err)
	}
	c := &claim{file: f, path: i.path, id: i.info.ID}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = drive.ErrHeld
	}
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("claim %s: %w", i.path, err)
	}
	return c, nil
}

type claim struct {
	file *os.File
	path string
	id   drive.ID
}

// Check holds the locked file against what was confirmed, and against what stands under its path now: an image that
// was deleted or replaced is gone, even though its old content could still be written.
func (c *claim) Check() error {
	if err := c.held(); err != nil {
		return err
	}
	at, err := inuse.Of(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the file was deleted", drive.ErrGone)
	}
	if err != nil {
		return fmt.Errorf("look at the file: %w", err)
	}
	if at != (inuse.File{Device: c.id.Device, Inode: c.id.Inode}) {
		return fmt.Errorf("%w: another file stands under its name", drive.ErrGone)
	}
	return nil
}

// held is the part of Check that is cheap enough for every write: a file that shrank would grow again under our writes.
func (c *claim) held() error {
	var st unix.Stat_t
	if err := unix.Fstat(int(c.file.Fd()), &st); err != nil {
		return fmt.Errorf("look at the file: %w", err)
	}
	if st.Size != c.id.Size {
		return fmt.Errorf("%w: the file had %d bytes and has %d", drive.ErrChanged, c.id.Size, st.Size)
	}
	if st.Dev != c.id.Device || st.Ino != c.id.Inode {
		return fmt.Errorf("%w: it is another file", drive.ErrChanged)
	}
	return nil
}

func (c *claim) Writer() (drive.Writer, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	f, err := handle.Reopen(c.file, unix.O_RDWR, Sector, c.held)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(f, c.id.Size)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return w, nil
}

func (c *claim) Reader() (drive.Reader, error) {
	return handle.Reopen(c.file, unix.O_RDONLY, Sector, nil)
}

// Rescan has nothing to do: a file's size is looked at each time.
func (c *claim) Rescan() error { return nil }

// Firmware is what a file has not.
func (c *claim) Firmware() (drive.Firmware, error) { return nil, drive.ErrUnsupported }

func (c *claim) Close() error { return c.file.Close() }
