// Package store is the medium of a simulated drive: bytes in memory or in a file, which a test can look at past the drive.
// It knows nothing of sectors, commands or erasing.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Store is a medium of fixed size. It is not safe for concurrent use: the drive that owns it has a lock.
type Store struct {
	bytes []byte
	file  *os.File // nil: memory
}

// Memory makes a medium of size bytes, all zero.
func Memory(size int64) *Store { return &Store{bytes: make([]byte, size)} }

// File makes a medium of a file, which is created or brought to size bytes. What is in it stays; used tells whether anything was.
func File(path string, size int64) (s *Store, used bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("open medium: %w", err)
	}
	if s, used, err = mapFile(f, size); err != nil {
		f.Close()
		return nil, false, fmt.Errorf("map medium %s: %w", path, err)
	}
	return s, used, nil
}

func mapFile(f *os.File, size int64) (*Store, bool, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, false, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return &Store{bytes: b, file: f}, info.Size() > 0, err
}

// Size is in bytes.
func (s *Store) Size() int64 { return int64(len(s.bytes)) }

// ReadAt is io.ReaderAt.
func (s *Store) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > s.Size() {
		return 0, fmt.Errorf("read medium at %d: past its end", off)
	}
	n := copy(p, s.bytes[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt is io.WriterAt. A medium does not grow.
func (s *Store) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > s.Size() || int64(len(p)) > s.Size()-off {
		return 0, fmt.Errorf("write medium at %d: past its end", off)
	}
	return copy(s.bytes[off:], p), nil
}

// Fill lays a pattern over [from, to); what is past the end is left out.
func (s *Store) Fill(from, to int64, p Pattern) {
	if from, to = max(from, 0), min(to, s.Size()); from < to {
		p.Fill(s.bytes[from:to], from)
	}
}

// SHA256 is the sum of the whole medium, hidden areas too, in hex.
func (s *Store) SHA256() string {
	sum := sha256.Sum256(s.bytes)
	return hex.EncodeToString(sum[:])
}

// Bytes is a copy of the whole medium.
func (s *Store) Bytes() []byte { return append([]byte(nil), s.bytes...) }

// Close gives a file back. Memory it leaves.
func (s *Store) Close() error {
	if s.file == nil {
		return nil
	}
	if err := unix.Munmap(s.bytes); err != nil {
		return fmt.Errorf("unmap medium: %w", err)
	}
	s.bytes = nil
	return s.file.Close()
}
