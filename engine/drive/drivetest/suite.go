package drivetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// Subject is a drive to be held against the suite, freshly made for each test, of 1 MiB or more and free to be written.
type Subject struct {
	Source  drive.Source
	Another drive.Source                 // another look at the same drive, as another program would have; nil: Source
	Shrink  func() error                 // makes the drive smaller; nil: cannot be done
	Beneath func(off int64, text []byte) // changes the medium below all caches; nil: cannot be done
}

// Run holds a kind of drive against what package drive promises.
func Run(t *testing.T, fresh func(t *testing.T) Subject) {
	for name, test := range map[string]func(*testing.T, Subject){
		"Identity":        identity,
		"ClaimExclusive":  claimExclusive,
		"ClaimReadOnly":   claimReadOnly,
		"ReadsWhatWasPut": readsWhatWasPut,
		"WholeDrive":      wholeDrive,
		"ReadPastTheEnd":  readPastTheEnd,
		"ReaderIsFresh":   readerIsFresh,
		"ReaderNoWriter":  readerNoWriter,
		"ShrinkNoticed":   shrinkNoticed,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func find(t *testing.T, s drive.Source) drive.Drive {
	t.Helper()
	all, err := s.Find()
	if err != nil || len(all) != 1 {
		t.Fatalf("Find = %d drives, %v; want one", len(all), err)
	}
	return all[0]
}

func (s Subject) another() drive.Source {
	if s.Another != nil {
		return s.Another
	}
	return s.Source
}

func claimed(t *testing.T, s Subject) (drive.Drive, drive.Claim) {
	t.Helper()
	d := find(t, s.Source)
	c, err := d.Claim()
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return d, c
}

// memory is page-aligned, as a Run's is.
func memory(t *testing.T, n int) []byte {
	t.Helper()
	m, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(m) })
	return m
}

func fill(buf []byte, off int64) {
	for i := range buf {
		at := off + int64(i)
		buf[i] = byte(at) ^ byte(at>>8) ^ byte(at>>16) ^ 0x5A
	}
}

// put writes what fill makes at off, and flushes.
func put(t *testing.T, c drive.Claim, off int64, n int) {
	t.Helper()
	w, err := c.Writer()
	if err != nil {
		t.Fatalf("Writer: %v", err)
	}
	defer w.Close()
	buf := memory(t, n)
	fill(buf, off)
	if got, err := w.WriteAt(buf, off); got != n || err != nil {
		t.Fatalf("WriteAt(%d bytes, %d) = %d, %v", n, off, got, err)
	}
	if err := w.Flush(); err != nil {
		t.Fatalf("Flush: %v", err)
	}
}

func get(t *testing.T, r drive.Reader, off int64, n int) []byte {
	t.Helper()
	buf := memory(t, n)
	if got, err := r.ReadAt(buf, off); got != n || err != nil {
		t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", n, off, got, err)
	}
	return buf
}

func identity(t *testing.T, s Subject) {
	a, b := find(t, s.Source).Info(), find(t, s.another()).Info()
	if err := a.ID.Same(b.ID); err != nil {
		t.Errorf("two looks at one drive: %v", err)
	}
	if a.Name == "" || a.Path == "" || a.Serial == "" || a.SerialSource == "" || a.Transport == "" || len(a.ID.Keys) == 0 {
		t.Errorf("Info = %+v; something is not said", a)
	}
	if a.Problem != "" || len(a.Uses) > 0 || a.ReadOnly {
		t.Errorf("Info = %+v; want a drive that is free", a)
	}
	if a.ID.Serial != a.Serial || a.ID.WWN != a.WWN || a.ID.Size != a.Size {
		t.Errorf("ID = %+v; it is not that of the Info %+v", a.ID, a)
	}
	if a.Size < 1<<20 || a.LogicalSector < 512 || a.Size%int64(a.LogicalSector) != 0 {
		t.Errorf("size %d, sector %d", a.Size, a.LogicalSector)
	}
	if fmt.Sprint(a.Paths) == "[]" || a.Paths[0] != a.Path {
		t.Errorf("Paths = %v; want %s first", a.Paths, a.Path)
	}
	for _, text := range []string{a.Name, a.Path, a.Serial, a.Model, a.Vendor, a.Firmware, a.WWN} {
		if drive.Clean(text) != text {
			t.Errorf("%q is not clean", text)
		}
	}
}

func claimExclusive(t *testing.T, s Subject) {
	_, c := claimed(t, s)
	if err := c.Check(); err != nil {
		t.Errorf("Check of a fresh claim: %v", err)
	}
	for _, source := range []drive.Source{s.Source, s.another()} {
		if again, err := find(t, source).Claim(); !errors.Is(err, drive.ErrHeld) {
			t.Errorf("second Claim = %v, %v; want ErrHeld", again, err)
		}
	}
	w, err := c.Writer() // a claim lasts as long as it is not closed, whatever else is
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if _, err := find(t, s.another()).Claim(); !errors.Is(err, drive.ErrHeld) {
		t.Errorf("second Claim after a writer was closed: %v; want ErrHeld", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	c, err = find(t, s.another()).Claim()
	if err != nil {
		t.Fatalf("Claim after Close: %v", err)
	}
	_ = c.Close()
}

// claimReadOnly looks through /proc for descriptors on the drive that may write: guarantee 5.
func claimReadOnly(t *testing.T, s Subject) {
	d, c := claimed(t, s)
	if _, err := os.Stat(d.Info().Path); err != nil {
		return // it has no path that descriptors could be seen by
	}
	if n := writable(t, d.Info().Path); n != 0 {
		t.Errorf("a claim holds %d descriptors that may write", n)
	}
	if r, err := d.Reader(); err != nil || writable(t, d.Info().Path) != 0 {
		t.Errorf("Reader: %v, or it may write", err)
	} else {
		_ = r.Close()
	}
	if w, err := c.Writer(); err != nil || writable(t, d.Info().Path) != 1 {
		t.Errorf("Writer: %v, or no descriptor that may write: this test sees nothing", err)
	} else {
		_ = w.Close()
	}
}

func writable(t *testing.T, path string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err != nil || to != path {
			continue
		}
		text, err := os.ReadFile("/proc/self/fdinfo/" + fd.Name())
		if err != nil {
			continue
		}
		var flags int
		_, rest, _ := strings.Cut(string(text), "flags:")
		if _, err := fmt.Sscanf(rest, "%o", &flags); err != nil {
			t.Fatal(err)
		}
		if flags&unix.O_ACCMODE != unix.O_RDONLY {
			n++
		}
	}
	return n
}

func readsWhatWasPut(t *testing.T, s Subject) {
	d, c := claimed(t, s)
	sector := d.Info().LogicalSector
	r, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	before := bytes.Clone(get(t, r, 0, 64*sector))
	put(t, c, int64(7*sector), 9*sector)
	fill(before[7*sector:16*sector], int64(7*sector))
	if after := get(t, r, 0, 64*sector); !bytes.Equal(after, before) {
		t.Error("a reader opened before the write does not read what was written, and all else as it was")
	}
	fresh, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if after := get(t, fresh, 0, 64*sector); !bytes.Equal(after, before) {
		t.Error("a fresh reader does not read what was written, and all else as it was")
	}
}

// wholeDrive writes all of it, several I/Os at once, and reads it back a sector at a time where blocks meet.
func wholeDrive(t *testing.T, s Subject) {
	d, c := claimed(t, s)
	size, sector := d.Info().Size, int64(d.Info().LogicalSector)
	const block = 128 << 10
	w, err := c.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var all sync.WaitGroup
	for worker := range int64(4) {
		buf := memory(t, block)
		all.Go(func() {
			for off := worker * block; off < size; off += 4 * block {
				part := buf[:min(block, size-off)]
				fill(part, off)
				if n, err := w.WriteAt(part, off); err != nil || n != len(part) {
					t.Errorf("WriteAt(%d bytes, %d) = %d, %v", len(part), off, n, err)
				}
			}
		})
	}
	all.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := make([]byte, size)
	fill(want, 0)
	for off := int64(0); off < size; off += block {
		n := min(block, size-off)
		if !bytes.Equal(get(t, r, off, int(n)), want[off:off+n]) {
			t.Fatalf("block at %d is not what was written", off)
		}
	}
	for _, off := range []int64{0, block - sector, block, size - sector} {
		if !bytes.Equal(get(t, r, off, int(sector)), want[off:off+sector]) {
			t.Errorf("sector at %d is not what was written", off)
		}
	}
	if now := find(t, s.Source).Info().Size; now != size {
		t.Errorf("size was %d and is %d", size, now)
	}
}

func readPastTheEnd(t *testing.T, s Subject) {
	d, c := claimed(t, s)
	r, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sector := int64(d.Info().LogicalSector)
	if n, err := r.ReadAt(memory(t, int(2*sector)), d.Info().Size-sector); err == nil || n > int(sector) {
		t.Errorf("ReadAt over the end = %d, %v; want an error", n, err)
	}
	if n, err := r.ReadAt(memory(t, int(sector)), d.Info().Size); err == nil || n != 0 {
		t.Errorf("ReadAt past the end = %d, %v; want 0 and an error", n, err)
	}
}

// readerIsFresh changes the medium below the caches after they were filled.
func readerIsFresh(t *testing.T, s Subject) {
	if s.Beneath == nil {
		return // its medium cannot be changed below the caches
	}
	d, c := claimed(t, s)
	put(t, c, 0, 64<<10)
	r, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	_ = get(t, r, 0, 64<<10)
	_ = r.Close()
	if f, err := os.Open(d.Info().Path); err == nil { // a third party fills the page cache
		_, _ = f.ReadAt(make([]byte, 64<<10), 0)
		_ = f.Close()
	}
	s.Beneath(512, bytes.Repeat([]byte("NEW!"), 128))
	if r, err = c.Reader(); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := get(t, r, 0, 4096)[512:1024]; !bytes.Equal(got, bytes.Repeat([]byte("NEW!"), 128)) {
		t.Errorf("reads %q from a cache", got[:8])
	}
}

func readerNoWriter(t *testing.T, s Subject) {
	d, c := claimed(t, s)
	r, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, ok := r.(drive.Writer)
	if !ok {
		return
	}
	if n, err := w.WriteAt(memory(t, d.Info().LogicalSector), 0); err == nil || n != 0 {
		t.Errorf("a reader writes: %d, %v", n, err)
	}
}

func shrinkNoticed(t *testing.T, s Subject) {
	if s.Shrink == nil {
		t.Skip("its size cannot be changed")
	}
	_, c := claimed(t, s)
	if err := s.Shrink(); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); !errors.Is(err, drive.ErrChanged) && !errors.Is(err, drive.ErrGone) {
		t.Errorf("Check = %v; want ErrChanged or ErrGone", err)
	}
	if w, err := c.Writer(); err == nil {
		_ = w.Close()
		t.Error("a drive that changed is opened for writing")
	}
}
