package boot

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Settings are what the station was told; they do not change once Start has returned.
func (m *Machine) Settings() Settings {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.settings
}

// Misconfigured says what could not be understood in what the station was told; empty: nothing.
func (m *Machine) Misconfigured() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return cmp.Or(m.problems["settings"], m.problems["arguments"], m.problems["partition"])
}

// Persistent tells whether the state outlives the power-off.
func (m *Machine) Persistent() bool { return m.stateKind() == onPartition && !m.statePulled() }

// statePulled tells whether the drive with the state is gone.
func (m *Machine) statePulled() bool {
	if m.stateKind() != onPartition {
		return false
	}
	_, err := os.Stat(filepath.Join(blockDir, filepath.Base(stateMount().source)))
	return errors.Is(err, fs.ErrNotExist)
}

// Synchronised tells whether an NTP server has set the clock since the start.
func (m *Machine) Synchronised() bool { return m.clock.synchronised() }

// Clock says in words how far the clock can be trusted.
func (m *Machine) Clock() string { return m.clock.text(time.Now()) }

// KeyOrigin says in words where a host key or the certificate key comes from, by its file name.
func (m *Machine) KeyOrigin(file string) string {
	m.mu.Lock()
	given := slices.Contains(m.given, filepath.Base(file))
	m.mu.Unlock()
	switch {
	case given:
		return "given at boot"
	case m.stateKind() == onPartition:
		return "kept on the state partition"
	}
	return "made at this boot, gone at power-off"
}

// Ready tells the console that connections are accepted, and by what the station is recognised: a line for each key.
func (m *Machine) Ready(fingerprints []string) {
	m.mu.Lock()
	m.ready, m.prints = true, fingerprints
	m.mu.Unlock()
	m.show()
}

// show makes the status block appear.
func (m *Machine) show() {
	m.mu.Lock()
	m.visible = true
	m.mu.Unlock()
}

// stateText says what becomes of the state.
func stateText(kind stateKind, device string, pulled bool) string {
	switch kind {
	case onPartition:
		if pulled {
			return "on " + device + ", which is GONE: nothing is kept"
		}
		return "on " + device + ", kept"
	case inMemory:
		return "in memory, gone at power-off. Fetch certificates and the signer line before that"
	}
	return "none yet"
}

// redraw shows the status block whenever it has changed and has been steady for a moment.
func (m *Machine) redraw() {
	var last []string
	for m.ctx.Err() == nil {
		sleep(m.ctx, time.Second)
		m.mu.Lock()
		visible := m.visible
		m.mu.Unlock()
		if !visible {
			continue
		}
		s := m.status()
		m.problem("state pulled", pulledProblem(m.statePulled()))
		now := s.lines()
		if slices.Equal(now, last) {
			m.Console.show(now)
		}
		last = now
	}
}

func (m *Machine) status() status {
	s := status{port: m.options.Port, version: m.options.Version, clock: m.Clock(), problems: m.Problems()}
	m.mu.Lock()
	s.name, s.ready, s.fingerprints, s.keys, s.keysFrom, s.badKeys = m.name, m.ready, m.prints, m.keys, m.keysFrom, m.badKeys
	n, kind := m.network, m.state
	s.noStick = m.settings.noConfig || slices.ContainsFunc(doubt(append(m.sources[:len(m.sources):len(m.sources)], given{partition: true}), m.args),
		func(g given) bool { return g.nobody })
	m.mu.Unlock()
	s.state, s.drives = stateText(kind, stateMount().source, m.statePulled()), len(driveNames(blockDir))
	if n != nil {
		s.links = n.status()
		if err := n.wrongCard(); err != nil {
			s.problems = append(s.problems, err.Error())
		}
	}
	return s
}

func pulledProblem(pulled bool) error {
	if !pulled {
		return nil
	}
	return errors.New("THE STATE PARTITION IS GONE: nothing can be recorded, so nothing is begun, and certificates may be lost. " +
		"Next: fetch what can still be fetched, switch the machine off by its button, and start it with the partition plugged in")
}
