// Package volatile is a block drive that holds what it was told to write in a cache until it is told to flush, and a machine whose power
// can be cut: what was not flushed is then on the medium, or not, or in part. It knows sectors, and nothing of what is in them.
package volatile

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

// Sector is the unit in bytes that is written whole or not at all, even as the power fails.
const Sector = 512

// ErrOff is every answer of a machine whose power was cut.
var ErrOff = errors.New("the power is off")

// Medium is what keeps its bytes without power.
type Medium interface {
	io.ReaderAt
	io.WriterAt
}

// Machine is the power supply of its drives: all lose it in the same instant.
type Machine struct {
	mu     sync.Mutex
	random *rand.Rand
	drives []*Drive
	off    bool
	down   chan struct{} // closed when the power goes
	tap    func()
	after  int64 // writes and flushes that are still done before it goes; 0: no end is set
	Counts Counts
}

// Counts are what happened to a machine's drives.
type Counts struct {
	Writes, Flushes, Forced int64 // Forced: writes that were to be on the medium before they were answered (FUA)
	Lost                    int64 // sectors whose newest content was acknowledged and is gone
	Kept                    int64 // sectors that were not flushed and are on the medium all the same
	Torn                    int64 // writes of which a part is on the medium
}

// NewMachine makes a machine without drives. All that chance decides follows from random.
func NewMachine(random *rand.Rand) *Machine {
	return &Machine{random: random, down: make(chan struct{})}
}

// Drive is a drive with a volatile write cache.
type Drive struct {
	machine *Machine
	medium  Medium
	size    int64
	room    int64 // bytes that the cache holds; more than that is written to the medium in any order
	cached  int64 // bytes of writes
	writes  []*write
	held    map[int64][]*write // sector -> the writes in the cache that hold it, the newest last
}

// write is one write in the cache: sectors of it are on the medium, or overwritten, where left is false.
type write struct {
	at   int64 // sector
	data []byte
	left []bool
	n    int // how many are left
}

// NewDrive plugs in a drive of size bytes, a multiple of Sector, whose cache holds room bytes.
func (m *Machine) NewDrive(medium Medium, size, room int64) (*Drive, error) {
	if size <= 0 || size%Sector != 0 {
		return nil, fmt.Errorf("make a drive of %d bytes: not whole sectors", size)
	}
	d := &Drive{machine: m, medium: medium, size: size, room: room, held: map[int64][]*write{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drives = append(m.drives, d)
	return d, nil
}

// Size is in bytes.
func (d *Drive) Size() int64 { return d.size }

func (d *Drive) check(length int, off int64) error {
	switch {
	case d.machine.off:
		return ErrOff
	case off < 0 || off%Sector != 0 || length%Sector != 0 || off > d.size-int64(length):
		return fmt.Errorf("%d bytes at %d: not whole sectors of this drive", length, off)
	}
	return nil
}

// ReadAt reads whole sectors, from the cache where it holds them.
func (d *Drive) ReadAt(p []byte, off int64) (int, error) {
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	if err := d.check(len(p), off); err != nil {
		return 0, err
	}
	if n, err := d.medium.ReadAt(p, off); err != nil {
		return n, err
	}
	for at := 0; at < len(p); at += Sector {
		sector := (off + int64(at)) / Sector
		if w := d.held[sector]; len(w) > 0 {
			copy(p[at:at+Sector], w[len(w)-1].sector(sector))
		}
	}
	return len(p), nil
}

// Write takes whole sectors into the cache, which keeps p. A forced one (FUA) is on the medium when it returns.
func (d *Drive) Write(p []byte, off int64, forced bool) error {
	m := d.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := d.check(len(p), off); err != nil {
		return err
	}
	if m.count(); m.off {
		return ErrOff
	}
	w := &write{at: off / Sector, data: p, left: make([]bool, len(p)/Sector), n: len(p) / Sector}
	for n := range w.left {
		w.left[n] = true
		d.held[w.at+int64(n)] = append(d.held[w.at+int64(n)], w)
	}
	d.writes = append(d.writes, w)
	d.cached += int64(len(p))
	m.Counts.Writes++
	if forced {
		m.Counts.Forced++
		return d.settle(w, nil)
	}
	return d.shrink()
}

// Flush writes all that the cache holds to the medium.
func (d *Drive) Flush() error {
	m := d.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := d.check(0, 0); err != nil {
		return err
	}
	if m.count(); m.off {
		return ErrOff
	}
	m.Counts.Flushes++
	return d.flush()
}

func (d *Drive) flush() error {
	for _, w := range d.writes {
		if err := d.settle(w, nil); err != nil {
			return err
		}
	}
	d.writes, d.cached = nil, 0
	return nil
}

// shrink makes room in the cache. Which write goes to the medium first is nobody's to know.
func (d *Drive) shrink() error {
	for d.cached > d.room {
		n := d.machine.random.IntN(len(d.writes))
		w := d.writes[n]
		if err := d.settle(w, nil); err != nil {
			return err
		}
		d.cached -= int64(len(w.data))
		d.writes = append(d.writes[:n], d.writes[n+1:]...)
	}
	return nil
}

// settle brings those sectors of a write to the medium that chosen says, nil: all that are left of it. What older writes hold of them is
// overwritten.
func (d *Drive) settle(w *write, chosen func() bool) error {
	from := -1 // where a run of chosen sectors begins
	for i := range len(w.left) + 1 {
		take := i < len(w.left) && w.left[i] && (chosen == nil || chosen())
		switch {
		case take && from < 0:
			from = i
		case !take && from >= 0:
			if _, err := d.medium.WriteAt(w.data[from*Sector:i*Sector], (w.at+int64(from))*Sector); err != nil {
				return err
			}
			from = -1
		}
		if take {
			d.overwritten(w.at+int64(i), w)
		}
	}
	return nil
}

// overwritten takes a sector of a write, and of all that are older, out of the cache.
func (d *Drive) overwritten(sector int64, by *write) {
	all := d.held[sector]
	for n, w := range all {
		w.left[sector-w.at] = false
		w.n--
		if w == by {
			if all = all[n+1:]; len(all) == 0 {
				delete(d.held, sector)
			} else {
				d.held[sector] = all
			}
			return
		}
	}
}

func (w *write) sector(sector int64) []byte { return w.data[(sector-w.at)*Sector:][:Sector] }
