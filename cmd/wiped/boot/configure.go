package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// configure takes the configuration, again and again until there is a key with which somebody can log in.
func (m *Machine) configure() error {
	for {
		m.gather()
		s := m.Settings()
		m.begin(s)
		if s.state != "" { // it may hold keys
			m.openState(s.state)
		}
		if m.tryKeys() {
			return m.settle(s)
		}
		m.show()
		if m.events.await(m.ctx, 5*time.Second); m.ctx.Err() != nil {
			return fmt.Errorf("wait for an authorized key: %w", m.ctx.Err())
		}
	}
}

// settle makes final what was configured: from here on it does not change.
func (m *Machine) settle(s Settings) error {
	m.openState(s.state)
	m.mu.Lock()
	sources := m.sources
	m.mu.Unlock()
	put, wrong := putHostKeys(filepath.Join(StateDir, "hostkeys"), sources)
	m.problem("host keys", errors.Join(wrong...))
	m.mu.Lock()
	m.given = put
	m.mu.Unlock()
	if err := m.writeKeys(filepath.Join(StateDir, "authorized_keys")); err != nil {
		return err
	}
	name := m.decideName(s)
	m.mu.Lock()
	m.name = name
	m.mu.Unlock()
	m.step("the station's name is %s", name)
	return nil
}

// gather reads all sources. The kernel's arguments are always there.
func (m *Machine) gather() {
	initrd, wrong := readGiven("the initrd's "+initrdDir, initrdDir)
	sources := []given{initrd}
	if early, _ := merge(sources, m.args); !early.noConfig {
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
	m.mu.Lock()
	m.settings, m.sources = s, sources
	m.mu.Unlock()
}

// begin starts network and clock. Settings of theirs that come with a later round count, for nobody can log in yet.
func (m *Machine) begin(s Settings) {
	if m.network != nil {
		m.network.reset(m.ctx, s)
	} else {
		n := newNetwork(s, m.clock.poke)
		m.mu.Lock()
		m.network = n
		m.mu.Unlock()
		go n.run(m.ctx, func(err error) { m.problem("network", err) })
		go m.clock.run(m.ctx, func() []string { return timeServers(m.Settings().ntp, n.addressings()) })
	}
	if s.keysURL != "" && !m.fetching {
		m.fetching = true
		go m.fetch(s.keysURL, s.keysSum)
	}
}

// fetch gets keys from the network until it has them. They count from the next login on, whenever they come.
func (m *Machine) fetch(url, sum string) {
	m.awaitNetwork() // so that the first failure is one
	for pause := time.Second; m.ctx.Err() == nil; pause = min(2*pause, time.Minute) {
		text, err := fetchKeys(m.ctx, url, sum)
		m.problem("keys_url", err)
		if err == nil {
			m.mu.Lock()
			m.fetched = text
			late := m.keys > 0
			m.mu.Unlock()
			m.step("keys were fetched from %s", url)
			m.events.ring()
			if late {
				m.problem("keys_url", m.writeKeys(filepath.Join(StateDir, "authorized_keys")))
			}
			return
		}
		sleep(m.ctx, pause)
	}
}

// tryKeys tells whether somebody could log in with all keys that are known by now.
func (m *Machine) tryKeys() bool {
	try := filepath.Join(filepath.Dir(configDir), "authorized_keys")
	err := os.MkdirAll(filepath.Dir(try), 0o700)
	if err == nil {
		err = m.writeKeys(try)
	}
	n := 0
	if err == nil {
		n, err = m.options.Usable(try)
	}
	text := ""
	if m.anyKeys() {
		text = strings.ReplaceAll(oneLine(err), try, "the keys given")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys, m.badKeys = n, text
	return n > 0
}

func (m *Machine) anyKeys() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := joinKeys("", m.sources, m.settings, m.fetched)
	return text != keysMark
}

func (m *Machine) writeKeys(path string) error {
	own, err := os.ReadFile(filepath.Join(StateDir, "authorized_keys"))
	if err != nil {
		own = nil
	}
	m.mu.Lock()
	text := joinKeys(string(own), m.sources, m.settings, m.fetched)
	m.mu.Unlock()
	if err := replaceFile(path, text); err != nil {
		return fmt.Errorf("write authorized keys: %w", err)
	}
	return nil
}

// nameWait is how long a name from DHCP is waited for, cableWait how long a card may take to find that it has a cable.
const (
	nameWait  = 10 * time.Second
	cableWait = 4 * time.Second
)

// decideName gives the machine its name, once in a boot: certificates bear it.
func (m *Machine) decideName(s Settings) string {
	if now, err := os.Hostname(); err == nil && now != "" && now != "(none)" && now != "localhost" {
		return now
	}
	name := s.Hostname
	if name == "" {
		m.awaitNetwork()
		name = chooseName(m.network.addressings(), m.network.status())
	}
	m.problem("name", unix.Sethostname([]byte(name)))
	return name
}

func (m *Machine) awaitNetwork() {
	begun := time.Now()
	for ; time.Since(begun) < nameWait && m.ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if len(m.network.addressings()) > 0 || (time.Since(begun) > cableWait && !m.network.waiting()) {
			return
		}
	}
}

// chooseName takes DHCP's name, else makes one of the first card's address.
func chooseName(from []addressing, links []linkStatus) string {
	for _, a := range from {
		if a.hostname != "" {
			return a.hostname
		}
	}
	if len(links) > 0 {
		digits := strings.ReplaceAll(links[0].mac, ":", "")
		return "wiped-" + digits[max(0, len(digits)-6):]
	}
	return "wiped"
}

// late tells about a configuration partition that turns up when it cannot be taken any more: a running station lets in
// nobody new because of a drive that is plugged in.
func (m *Machine) late(e uevent) {
	m.mu.Lock()
	running, none := m.state != noState && m.keys > 0, m.settings.noConfig
	m.mu.Unlock()
	if !running || none || e.action != "add" || e.subsystem != "block" {
		return
	}
	go func() {
		for _, v := range labelled(m.looks.volumes([]string{e.device}, readVolume), configLabel) {
			m.problem("partition", fmt.Errorf("%s has the label %s but came too late, so it is not used. Next: reboot with it plugged in", v.device(), configLabel))
		}
	}()
}
