package wipe

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

// badReader fails where a read touches the bad sector, and says that it brought bytes it did not where it lies.
type badReader struct {
	content  []byte
	bad, lie int64 // offset of a sector; -1: none
}

func (r *badReader) ReadAt(p []byte, off int64) (int, error) {
	if r.bad >= off && r.bad < off+int64(len(p)) {
		return 0, errors.New("medium error")
	}
	if r.lie >= off && r.lie < off+int64(len(p)) {
		return len(p), nil
	}
	return copy(p, r.content[off:]), nil
}

// TestRead: everything that can be read is shown once, as it is; the rest is on record.
func TestRead(t *testing.T) {
	const sector, size = 512, 5 << 20
	content := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
	for _, bad := range []int64{-1, 0, 3 * sector, size - sector} {
		rd := &badReader{content: content, bad: bad, lie: -1}
		shown := make([]byte, size)
		var mu sync.Mutex
		var times Ranges
		p := &Progress{}
		run := Run{Extents: []Range{{0, size}}, Sector: sector, Progress: p}
		err := run.Read(context.Background(), rd, func(off int64, part []byte) {
			mu.Lock()
			defer mu.Unlock()
			copy(shown[off:], part)
			if times.Contains(Range{off, int64(len(part))}) {
				t.Errorf("%d bytes at %d are shown twice", len(part), off)
			}
			times.Add(Range{off, int64(len(part))})
		})
		want := slices.Clone(content)
		unread := int64(0)
		if bad >= 0 {
			clear(want[bad : bad+sector])
			unread = sector
		}
		if err != nil || !bytes.Equal(shown, want) || p.Good() != size-unread || p.Done() != size {
			t.Errorf("bad sector at %d: %v, %d good, %d done, shown as it is: %v", bad, err, p.Good(), p.Done(), bytes.Equal(shown, want))
		}
		if got := p.Bad(); got.Bytes() != unread {
			t.Errorf("bad sector at %d: %d bytes on record", bad, got.Bytes())
		}
	}
}

// TestReadShowsNothingOld: a read that only says that it brought something shows no bytes of another place.
func TestReadShowsNothingOld(t *testing.T) {
	const sector, size = 512, 64 << 10
	rd := &badReader{content: bytes.Repeat([]byte("OLD!"), size/4), bad: -1, lie: size - sector}
	run := Run{Extents: []Range{{0, size}}, Sector: sector, Block: sector, Depth: 1, Progress: &Progress{}}
	err := run.Read(context.Background(), rd, func(off int64, part []byte) {
		if off == size-sector && bytes.Contains(part, []byte("OLD!")) {
			t.Error("bytes of another place are shown")
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestReadRefuses what would read nothing.
func TestReadRefuses(t *testing.T) {
	show := func(int64, []byte) { t.Error("something is shown") }
	for _, run := range []Run{
		{Sector: 512, Progress: &Progress{}},
		{Sector: 512, Extents: []Range{{0, 512}}},
		{Sector: 512, Extents: []Range{{0, 100}}, Progress: &Progress{}},
	} {
		if err := run.Read(context.Background(), &badReader{bad: -1, lie: -1}, show); err == nil {
			t.Errorf("%+v: no error", run)
		}
	}
}
