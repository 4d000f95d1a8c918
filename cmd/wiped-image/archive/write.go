package archive

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/cavaliergopher/cpio"
	"github.com/klauspost/compress/zstd"
)

// Write makes the archive. Names are in order, so a folder comes before what is in it; inode numbers count up from 1; all
// times are the one given.
func (t Tree) Write(w io.Writer, when time.Time) error {
	// One thread, one stream: the outcome must not depend on how many processors there are.
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	c := cpio.NewWriter(z)
	for i, name := range slices.Sorted(maps.Keys(t)) {
		if err := t[name].write(c, name, int64(i+1), when); err != nil {
			return fmt.Errorf("write archive: %s: %w", name, err)
		}
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

// window is how far back the compression looks: the kernel takes up to 128 MiB, and needs as much memory while it unpacks.
const window = 16 << 20

// Pad returns the zero bytes that a second archive needs before it: the kernel looks for one at multiples of four.
func Pad(size int) []byte { return make([]byte, (4-size%4)%4) }

// Pack is the archive in memory.
func (t Tree) Pack(when time.Time) ([]byte, error) {
	var b bytes.Buffer
	err := t.Write(&b, when)
	return b.Bytes(), err
}

func (e Entry) write(c *cpio.Writer, name string, inode int64, when time.Time) error {
	data, err := e.contents()
	if err != nil {
		return err
	}
	header := &cpio.Header{Name: name, Mode: e.kind() | cpio.FileMode(e.Mode.Perm()), Inode: inode, Links: 1, ModTime: when, Size: int64(len(data))}
	if err := c.WriteHeader(header); err != nil {
		return err
	}
	_, err = c.Write(data)
	return err
}

func (e Entry) contents() ([]byte, error) {
	switch {
	case e.Mode.IsDir():
		return nil, nil
	case e.Mode&fs.ModeSymlink != 0:
		return []byte(e.Link), nil
	case e.Data != nil:
		return e.Data, nil
	}
	return os.ReadFile(e.File)
}

func (e Entry) kind() cpio.FileMode {
	switch {
	case e.Mode.IsDir():
		return cpio.TypeDir
	case e.Mode&fs.ModeSymlink != 0:
		return cpio.TypeSymlink
	}
	return cpio.TypeReg
}
