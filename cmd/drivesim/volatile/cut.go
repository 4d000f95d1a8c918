package volatile

import (
	"fmt"
	"io"
)

// Down is closed when the power goes.
func (m *Machine) Down() <-chan struct{} { return m.down }

// CutAfter cuts the power when so many more writes and flushes have been done.
func (m *Machine) CutAfter(operations int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = max(operations, 1)
}

// Tap has f called before every write and flush, while nothing else happens to any drive; nil: nobody is. f may call Copy, and no other
// method.
func (m *Machine) Tap(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tap = f
}

// count is called before each write and flush, and switches the machine off where the time has come. The caller holds mu.
func (m *Machine) count() {
	if m.tap != nil {
		m.tap()
	}
	if m.after == 0 {
		return
	}
	if m.after--; m.after == 0 {
		m.cut()
	}
}

// Cut takes the power away from all drives at once, if it is there. What their caches hold is lost but for what chance has the drives
// write in their last moment.
func (m *Machine) Cut() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cut()
}

func (m *Machine) cut() error {
	if m.off {
		return nil
	}
	m.off = true
	close(m.down)
	for n, d := range m.drives {
		if err := d.lose(); err != nil {
			return fmt.Errorf("cut the power of drive %d: %w", n, err)
		}
	}
	return nil
}

// Copy copies to the writers, one for each drive in the order in which they were plugged in, what their media would hold if the power
// were cut now. Only what Tap was given may call it.
func (m *Machine) Copy(to ...io.Writer) error {
	if len(to) != len(m.drives) {
		return fmt.Errorf("copy %d drives to %d writers", len(m.drives), len(to))
	}
	for n, d := range m.drives {
		if err := d.copyAsIfCut(to[n]); err != nil {
			return fmt.Errorf("copy drive %d: %w", n, err)
		}
	}
	return nil
}

// copyAsIfCut does to a copy of the drive what a cut does to the drive.
func (d *Drive) copyAsIfCut(to io.Writer) error {
	content := make([]byte, d.size)
	if _, err := d.medium.ReadAt(content, 0); err != nil {
		return err
	}
	copied := &Drive{machine: d.machine, medium: memory(content), size: d.size, held: map[int64][]*write{}}
	for _, w := range d.writes {
		again := &write{at: w.at, data: w.data, left: append([]bool{}, w.left...), n: w.n}
		copied.writes = append(copied.writes, again)
		for i, left := range again.left {
			if sector := w.at + int64(i); left {
				copied.held[sector] = append(copied.held[sector], again)
			}
		}
	}
	if err := copied.lose(); err != nil {
		return err
	}
	_, err := to.Write(content)
	return err
}

// memory is a medium in memory.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error)  { return copy(p, m[off:]), nil }
func (m memory) WriteAt(p []byte, off int64) (int, error) { return copy(m[off:], p), nil }

// lose ends the life of a cache: nothing of it reaches the medium, or all, or what was written first, or some writes, or some sectors.
// Drives do any of it.
func (d *Drive) lose() error {
	random, counts := d.machine.random, &d.machine.Counts
	cached := int64(len(d.held))
	until := random.IntN(len(d.writes) + 1)
	way := random.IntN(5)
	keep := func(n int) bool {
		return [...]bool{false, true, n < until, random.IntN(2) == 0, true}[way]
	}
	for n, w := range d.writes {
		if !keep(n) {
			continue
		}
		var chosen func() bool
		if way == 4 || random.IntN(4) == 0 && way != 1 { // in part
			odds := 1 + random.IntN(8)
			chosen = func() bool { return random.IntN(9) < odds }
		}
		before := w.n
		if err := d.settle(w, chosen); err != nil {
			return err
		}
		if w.n > 0 && w.n < before {
			counts.Torn++
		}
	}
	counts.Lost += int64(len(d.held))
	counts.Kept += cached - int64(len(d.held))
	d.writes, d.held, d.cached = nil, map[int64][]*write{}, 0
	return nil
}
