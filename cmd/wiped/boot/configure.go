package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// configure takes the configuration, again and again until there is a key with which somebody can log in.
func (m *Machine) configure() error {
	var fetched string
	for round := 0; ; round++ {
		sources, settings := m.gather()
		m.begin(settings)
		m.openStateOnce()
		m.putHostKeys(sources)
		if settings.keysURL != "" && fetched == "" {
			fetched = m.fetch(settings)
		}
		if m.putKeys(sources, settings, fetched) {
			m.name = m.decideName(settings)
			m.step("the station is %s; authorized keys: %d", m.name, m.keys)
			go m.watchForLate()
			return nil
		}
		if m.ctx.Err() != nil {
			return fmt.Errorf("wait for an authorized key: %w", m.ctx.Err())
		}
		m.events.await(5 * time.Second)
	}
}

// gather reads all sources. The kernel's arguments are not among them: they are always there.
func (m *Machine) gather() (sources []given, s Settings) {
	initrd, wrong := readGiven("the initrd's "+initrdDir, initrdDir)
	sources = []given{initrd}
	early, _ := merge(sources, m.args)
	if !early.noConfig {
		m.modules.loadFor("fs-vfat")
		from, err := configPartition(m.look())
		m.problem("partition", err)
		if from != "" {
			config, errs := readGiven(from, configDir)
			sources, wrong = []given{config, initrd}, append(wrong, errs...)
		}
	}
	s, errs := merge(sources, m.args)
	m.problem("settings", errors.Join(append(wrong, errs...)...))
	return sources, s
}

// begin starts network and clock. Settings of them that come with a later round count, as long as nobody could log in.
func (m *Machine) begin(s Settings) {
	m.mu.Lock()
	before := m.network
	m.settings = s
	if before == nil {
		m.network = newNetwork(s, m.clock.poke)
	}
	n := m.network
	m.mu.Unlock()
	if before != nil {
		n.reset(s)
		return
	}
	go n.run(m.ctx, func(err error) { m.problem("network", err) })
	go m.clock.run(m.ctx, func() []string { return timeServers(m.Settings().ntp, n.addressings()) })
}

// openStateOnce mounts the state when the settings are what they will be: with a partition named, or with no more
// configuration to come.
func (m *Machine) openStateOnce() {
	wanted := m.Settings().state
	if mounted(StateDir) && (m.Persistent() || wanted == "") {
		return
	}
	if mounted(StateDir) && m.stateTried == wanted {
		return
	}
	if mounted(StateDir) && !m.restarted() { // memory of an earlier round, in which nothing was done yet
		_ = unix.Unmount(StateDir, unix.MNT_DETACH)
	}
	persistent, err := m.openState(wanted)
	m.problem("state", err)
	m.mu.Lock()
	m.persistent, m.stateTried = persistent, wanted
	m.mu.Unlock()
}
