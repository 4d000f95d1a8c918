package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive/uevent"
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
	dir := filepath.Join(StateDir, "hostkeys")
	put, wrong := putHostKeys(dir, sources)
	put, unusable := tryHostKeys(dir, put, m.options.Load)
	m.problem("host keys", errors.Join(append(wrong, unusable...)...))
	m.mu.Lock()
	m.given = put
	m.mu.Unlock()
	if err := m.writeKeys(); err != nil {
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
			config.partition = true
			sources, wrong = []given{config, initrd}, append(wrong, errs...)
		}
	}
	judged := doubt(sources, m.args)
	m.problem("partition keys", refusedKeys(sources, judged))
	sources = judged
	s, errs := merge(sources, m.args)
	m.problem("settings", errors.Join(append(wrong, errs...)...))
	m.mu.Lock()
	m.settings, m.sources = s, sources
	m.mu.Unlock()
}

// refusedKeys says that a partition has keys that are not used: they may be the operator's own, or somebody else's drive.
func refusedKeys(before, after []given) error {
	for i, g := range before {
		if after[i].nobody && (g.letsIn() || len(g.hostKeys) > 0) {
			return fmt.Errorf("the keys on %s are not used, because the kernel's arguments or an initrd say who may log in. "+
				"Next: give all keys there, or none; or wiped.config=none if that drive is not yours", g.from)
		}
	}
	return nil
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
				m.tryKeys()
				m.problem("keys_url", m.writeKeys())
			}
			return
		}
		sleep(m.ctx, pause)
	}
}

// KeysFile holds the authorized keys of all sources. It is in memory, so that a state partition keeps none that are given no
// longer, and people get in although one was pulled.
const KeysFile = "/run/wiped/authorized_keys"

// tryKeys tells whether somebody could log in with all keys that are known by now.
func (m *Machine) tryKeys() bool {
	parts := m.parts()
	n, err := m.usable(joinKeys(parts))
	var from []string
	for _, p := range parts {
		if each, _ := m.usable(p.text); each > 0 {
			from = append(from, fmt.Sprintf("%d from %s", each, p.from))
		}
	}
	why := ""
	if len(parts) > 0 {
		why = oneLine(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys, m.badKeys, m.keysFrom = n, why, from
	return n > 0
}

// usable counts the lines that would let somebody in.
func (m *Machine) usable(text string) (int, error) {
	try := KeysFile + ".try"
	err := os.MkdirAll(filepath.Dir(try), 0o700)
	if err == nil {
		err = replaceFile(try, text)
	}
	if err != nil {
		return 0, err
	}
	defer os.Remove(try)
	n, err := m.options.Usable(try)
	if err != nil {
		err = errors.New(strings.ReplaceAll(err.Error(), try, "the keys given"))
	}
	return n, err
}

// parts are the keys of all sources that are known by now.
func (m *Machine) parts() []part {
	own, err := readText(filepath.Join(StateDir, "authorized_keys"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	m.problem("own keys", err)
	m.mu.Lock()
	defer m.mu.Unlock()
	return keyParts(own, m.sources, m.args, m.settings.keysURL, m.fetched)
}

func (m *Machine) writeKeys() error {
	if err := replaceFile(KeysFile, joinKeys(m.parts())); err != nil {
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

// chooseName takes DHCP's name, else makes one of the lowest of the cards' addresses: which card the kernel finds first may
// differ from boot to boot.
func chooseName(from []addressing, links []linkStatus) string {
	for _, a := range from {
		if a.hostname != "" {
			return a.hostname
		}
	}
	if len(links) > 0 {
		first := slices.MinFunc(links, func(a, b linkStatus) int { return strings.Compare(a.mac, b.mac) })
		digits := strings.ReplaceAll(first.mac, ":", "")
		return "wiped-" + digits[max(0, len(digits)-6):]
	}
	return "wiped"
}

// late tells about a configuration partition that turns up when it cannot be taken any more: a running station lets in
// nobody new because of a drive that is plugged in.
func (m *Machine) late(e uevent.Event) {
	m.mu.Lock()
	running, none := m.state != noState && m.keys > 0, m.settings.noConfig
	m.mu.Unlock()
	if !running || none || e.Action != "add" || e.Subsystem != "block" {
		return
	}
	go func() {
		for _, v := range labelled(m.looks.volumes([]string{e.DevName}, readVolume), configLabel) {
			m.problem("partition", fmt.Errorf("%s has the label %s but came too late, so it is not used. Next: reboot with it plugged in", v.device(), configLabel))
		}
	}()
}
