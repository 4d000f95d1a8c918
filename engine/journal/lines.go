package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// lines is a file that only grows, by whole lines, each on disk before append returns.
type lines struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

// openLines opens or creates path. What is torn at its end was never acknowledged (the machine stopped while it was written); it is
// cut off, and torn is its length in bytes. joined tells of a line whether it was written together with the one before it.
func openLines(path string, joined func(line []byte) bool) (l *lines, torn int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, 0, err
	}
	l = &lines{file: f}
	if torn, err = l.trim(joined); err != nil {
		_ = f.Close()
		return nil, 0, fmt.Errorf("repair %s: %w", path, err)
	}
	return l, torn, nil
}

// syncDir makes the names in a directory durable: a new file whose name is lost is lost.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// trim sets size to the end of the last line that is not torn and cuts off what follows.
func (l *lines) trim(joined func(line []byte) bool) (torn int64, err error) {
	info, err := l.file.Stat()
	if err != nil {
		return 0, err
	}
	l.size = info.Size()
	if l.size, err = lastLineEnd(l.file, info.Size()); err != nil {
		return 0, err
	}
	tail := make([]byte, min(l.size, longestBatch))
	if _, err := l.file.ReadAt(tail, l.size-int64(len(tail))); err != nil {
		return 0, err
	}
	l.size -= int64(tornLines(tail, l.size, joined))
	if l.size == info.Size() {
		return 0, nil
	}
	return info.Size() - l.size, l.file.Truncate(l.size)
}

func lastLineEnd(f *os.File, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		part := buf[:min(int64(len(buf)), end)]
		if _, err := f.ReadAt(part, end-int64(len(part))); err != nil {
			return 0, err
		}
		for i := len(part) - 1; i >= 0; i-- {
			if part[i] == '\n' {
				return end - int64(len(part)) + int64(i) + 1, nil
			}
		}
		end -= int64(len(part))
	}
	return 0, nil
}

// append writes one line and its end. If the disk cannot take it, nothing of it stays.
func (l *lines) append(line []byte) error {
	whole := append(append(make([]byte, 0, len(line)+1), line...), '\n')
	_, err := l.file.WriteAt(whole, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		_ = l.file.Truncate(l.size)
		return err
	}
	l.size += int64(len(whole))
	return nil
}
