// Package drivetest has a drive kept in memory that fails on demand, and the suite that every kind of drive must pass.
// It knows what a drive promises (package drive), and nothing of those who use one.
package drivetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"wiped/engine/drive"
)

// Sector is the logical sector of a Fake in bytes.
const Sector = 512

// Fake is a drive in memory, and the source that finds it. Like a real one it has a cache: what was written is seen by
// every reader, but survives a power cut for certain only after a flush.
type Fake struct {
	mu      sync.Mutex
	info    drive.Info
	seen    []byte         // what readers get
	medium  []byte         // what a power cut leaves
	dirty   map[int64]bool // sectors in which the two may differ
	faults  []Fault
	struck  []int // how often each fault struck
	claimed bool
	gone    bool
	written int64 // bytes that writers were told are written
	flushes int
	hold    chan struct{} // not nil: all I/O waits until it is closed
	reached chan struct{} // closed when I/O waits
	unhang  chan struct{} // closed when what hangs comes back
	hanging int           // I/Os that hung

	answers   drive.Answers
	lie       Lie
	looks     int // how many more looks at its status an erase under way takes
	commands  []drive.Action
	others    []*Fake
	holdErase chan struct{}
	holdOpen  chan struct{}
	paths     []*Fake
	password  string // that it is locked with, as long as its answers say that it is

	holdUnhide, holdSpeak chan struct{}
}

// New makes a drive of size bytes full of old, which must not be empty.
func New(name string, size int64, old []byte, faults ...Fault) *Fake {
	content := bytes.Repeat(old, int(size)/len(old)+1)[:size]
	serial := "FAKE-" + name
	return &Fake{
		info: drive.Info{
			Name: name, Path: "/fake/" + name, Paths: []string{"/fake/" + name}, Model: "fake drive", Serial: serial, SerialSource: "the test",
			Size: size, LogicalSector: Sector, Transport: "memory",
			ID: drive.ID{Serial: serial, Size: size, Keys: []string{"fake " + name}},
		},
		seen: content, medium: bytes.Clone(content), dirty: map[int64]bool{}, faults: faults, struck: make([]int, len(faults)),
		unhang: make(chan struct{}),
	}
}

// Name is what Find calls the drive.
func (f *Fake) Name() string { return f.info.Name }

// Set changes what Find shows of the drive.
func (f *Fake) Set(change func(*drive.Info)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.info)
}

// Find shows the drive, unless it is gone.
func (f *Fake) Find() ([]drive.Drive, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return nil, nil
	}
	return []drive.Drive{&look{f, f.info}}, nil
}

// Medium is a copy of what a power cut now would leave at the least: an independent look at the drive, which knows of
// the room that it only says it has.
func (f *Fake) Medium() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	content := bytes.Clone(f.medium)
	for at := int64(0); at < int64(len(content)); at += Sector {
		copy(content[at:at+Sector], f.medium[f.place(at):])
	}
	return content
}

// Struck tells how often the faults struck in all.
func (f *Fake) Struck() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, times := range f.struck {
		if f.faults[i].Kind != held {
			n += times
		}
	}
	return n
}

// StruckEach tells how often each fault struck, in the order of New.
func (f *Fake) StruckEach() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.struck)
}

// Written is how many bytes writers were told are written.
func (f *Fake) Written() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written
}

// Put changes the drive behind everybody's back.
func (f *Fake) Put(off int64, text []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	copy(f.seen[off:], text)
	copy(f.medium[off:], text)
}

// ClearFaults mends the drive.
func (f *Fake) ClearFaults() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.struck = nil, nil
}

// Pull unplugs the drive; PlugIn puts it back.
func (f *Fake) Pull() { f.setGone(true) }

// PlugIn undoes Pull.
func (f *Fake) PlugIn() { f.setGone(false) }

func (f *Fake) setGone(gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = gone
}

// HoldAfter makes all I/O wait once so many more bytes are written; the channel is closed when it does.
func (f *Fake) HoldAfter(bytes int64) (reached <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold, f.reached = make(chan struct{}), make(chan struct{})
	f.faults = append(f.faults, Fault{Kind: held, After: f.written + bytes})
	f.struck = append(f.struck, 0)
	return f.reached
}

// Hanging is how many I/Os hung.
func (f *Fake) Hanging() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hanging
}

// Release lets go on what HoldAfter made wait, and what hangs. Nothing hangs any more.
func (f *Fake) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := slices.IndexFunc(f.faults, func(x Fault) bool { return x.Kind == held }); at >= 0 {
		f.faults, f.struck = slices.Delete(f.faults, at, at+1), slices.Delete(f.struck, at, at+1)
	}
	if f.hold != nil {
		close(f.hold)
		f.hold = nil
	}
	select {
	case <-f.unhang:
	default:
		close(f.unhang)
	}
}

// PowerCut is the drive after the power failed: of what was not flushed, each sector is there or not, as random says.
// The new drive has no faults. The old one is gone, for whoever still holds it.
func (f *Fake) PowerCut(random *rand.Rand) *Fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := New(f.info.Name, f.info.Size, []byte{0})
	after.info = f.info
	copy(after.medium, f.medium)
	for sector := range f.dirty {
		if random.IntN(2) == 0 {
			copy(after.medium[sector:sector+Sector], f.seen[sector:])
		}
	}
	copy(after.seen, after.medium)
	f.gone = true
	return after
}

type look struct {
	fake *Fake
	info drive.Info
}

func (l *look) Info() drive.Info { return l.info }

func (l *look) Reader() (drive.Reader, error) { return &handle{fake: l.fake}, nil }

func (l *look) Claim() (drive.Claim, error) {
	f := l.fake
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.gone:
		return nil, fmt.Errorf("claim %s: %w", l.info.Name, drive.ErrGone)
	case f.claimed:
		return nil, fmt.Errorf("claim %s: %w", l.info.Name, drive.ErrHeld)
	}
	c := &claim{f, l.info.ID}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("claim %s: %w", l.info.Name, err)
	}
	f.claimed = true
	return c, nil
}

type claim struct {
	fake *Fake
	id   drive.ID
}

// Path makes another drive, or the same, look like a further path to this one.
func (f *Fake) Path(to *Fake) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paths = append(f.paths, to)
}

func (c *claim) Others() int {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	return len(c.fake.paths)
}

func (c *claim) Over(n int) (drive.Reader, error) {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	return &handle{fake: c.fake.paths[n]}, nil
}

func (c *claim) Check() error {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	return c.check()
}

func (c *claim) check() error {
	if c.fake.gone {
		return drive.ErrGone
	}
	return c.id.Same(c.fake.info.ID)
}

func (c *claim) Writer() (drive.Writer, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &handle{fake: c.fake, write: true}, nil
}

func (c *claim) Reader() (drive.Reader, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &handle{fake: c.fake}, nil
}

func (c *claim) Close() error {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	c.fake.claimed = false
	return nil
}
