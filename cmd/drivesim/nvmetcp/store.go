package nvmetcp

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// store is the media of one namespace. Offsets and lengths are bytes within its size.
type store interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	wipe(p pattern, from, to int64) error
}

const standardChunk = 64 << 10

// memory is a store that holds what was written, and of the rest only its pattern.
type memory struct {
	size   int64
	chunk  int64 // bytes that are held together
	layers []layer
	chunks map[int64][]byte // by offset/chunk
}

// layer is a range that holds a pattern where no chunk covers it. The last one counts.
type layer struct {
	pattern
	from, to int64
}

func newMemory(size int64, p pattern) *memory {
	return &memory{size: size, chunk: standardChunk, layers: []layer{{p, 0, size}}, chunks: map[int64][]byte{}}
}

func (m *memory) Close() error { return nil }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	m.each(off, off+int64(len(p)), func(at, from, to int64) {
		part := p[from-off : to-off]
		if c := m.chunks[at]; c != nil {
			copy(part, c[from-at*m.chunk:])
			return
		}
		m.draw(part, from)
	})
	return len(p), nil
}

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	m.each(off, off+int64(len(p)), func(at, from, to int64) {
		copy(m.own(at)[from-at*m.chunk:], p[from-off:to-off])
	})
	return len(p), nil
}

// own makes a chunk one that is held.
func (m *memory) own(at int64) []byte {
	c := m.chunks[at]
	if c == nil {
		c = make([]byte, m.chunk)
		m.draw(c[:min(m.chunk, m.size-at*m.chunk)], at*m.chunk)
		m.chunks[at] = c
	}
	return c
}

func (m *memory) draw(p []byte, off int64) {
	end := off + int64(len(p))
	for _, l := range m.layers {
		if from, to := max(off, l.from), min(end, l.to); from < to {
			l.fill(p[from-off:to-off], from)
		}
	}
}

// wipe writes small ranges, and remembers large ones, so that a huge drive can be wiped.
func (m *memory) wipe(p pattern, from, to int64) error {
	if to-from < 16*m.chunk && to-from < m.size {
		m.each(from, to, func(at, from, to int64) {
			p.fill(m.own(at)[from-at*m.chunk:to-at*m.chunk], from)
		})
		return nil
	}
	for at, c := range m.chunks {
		switch begin, end := max(from, at*m.chunk), min(to, (at+1)*m.chunk); {
		case begin >= end:
		case end-begin == m.chunk || end == m.size && begin == at*m.chunk:
			delete(m.chunks, at)
		default:
			p.fill(c[begin-at*m.chunk:end-at*m.chunk], begin)
		}
	}
	m.layers = slices.DeleteFunc(m.layers, func(l layer) bool { return from <= l.from && l.to <= to })
	m.layers = append(m.layers, layer{p, from, to})
	return nil
}

// each cuts a range at the borders of chunks.
func (m *memory) each(from, to int64, do func(at, from, to int64)) {
	for from < to {
		at := from / m.chunk
		end := min(to, (at+1)*m.chunk)
		do(at, from, end)
		from = end
	}
}

// file is a store that outlives the process.
type file struct{ *os.File }

// newFile opens a store, and fills it if it had not the size that is asked for.
func newFile(name string, size int64, p pattern) (file, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return file{}, fmt.Errorf("open the store: %w", err)
	}
	st := file{f}
	if info, err := f.Stat(); err == nil && info.Size() == size {
		return st, nil
	}
	if err := f.Truncate(size); err != nil {
		f.Close()
		return file{}, fmt.Errorf("size the store: %w", err)
	}
	if err := st.wipe(p, 0, size); err != nil {
		f.Close()
		return file{}, err
	}
	return st, nil
}

func (f file) wipe(p pattern, from, to int64) error {
	b := make([]byte, min(1<<20, to-from))
	for from < to {
		part := b[:min(int64(len(b)), to-from)]
		p.fill(part, from)
		if _, err := f.WriteAt(part, from); err != nil {
			return fmt.Errorf("wipe the store: %w", err)
		}
		from += int64(len(part))
	}
	return nil
}
