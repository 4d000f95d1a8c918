package boot

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// status is what the console's block shows.
type status struct {
	name, version string
	port          int
	ready         bool // connections are accepted
	links         []linkStatus
	keys          int      // usable ones
	keysFrom      []string // how many of each source
	badKeys       string   // what is wrong with those that are there
	noStick       bool     // keys on a partition would not be taken
	drives        int
	fingerprints  []string
	clock, state  string
	problems      []string
}

type linkStatus struct {
	name, mac string
	addresses []netip.Prefix
	text      string // "DHCP: asking" ...
}

// howToGiveKeys is the next step of a station that nobody can log in to. Who has no role there is an operator.
const (
	howToPlugKeys = `Next: plug in a USB stick, FAT formatted, with the label ` + configLabel + ` and in a file authorized_keys on it the line
role="admin" ssh-ed25519 AAAA... you
with your public key;
or start again`
	howToMendKeys = `A stick with others would not be taken. Next: start again`
	howToGiveKeys = ` with the kernel argument wiped.key="role=\"admin\" ssh-ed25519 AAAA... you",
or with wiped.keys_url=URL wiped.keys_sha256=HASH, or with a second initrd that holds /etc/wiped/authorized_keys`
)

// lines makes the block. It says nothing that changes by itself, such as the time: every change is shown afresh.
func (s *status) lines() []string {
	out := []string{"", "==== " + s.name + ": " + s.version}
	out = append(out, s.access()...)
	for _, l := range s.links {
		out = append(out, fmt.Sprintf("  network %s (%s): %s", l.name, l.mac, l.text))
	}
	if len(s.links) == 0 {
		out = append(out, "  network: no wired network card found. Next: plug one in, or look whether the image has its driver")
	}
	for _, line := range s.fingerprints {
		out = append(out, "  "+line)
	}
	if len(s.keysFrom) > 0 {
		out = append(out, "  authorized keys: "+strings.Join(s.keysFrom, ", "))
	}
	out = append(out, s.driveLine(), "  clock: "+s.clock, "  state: "+s.state)
	for _, p := range s.problems {
		out = append(out, "  PROBLEM: "+p)
	}
	return append(out, "====")
}

func (s *status) driveLine() string {
	if s.drives == 0 {
		return "  drives: none. Next: attach one, it is seen while the station runs; or look whether the image has the driver of its controller"
	}
	return fmt.Sprintf("  drives: %d", s.drives)
}

// access is who can get in, and what to type for it.
func (s *status) access() []string {
	switch {
	case s.keys == 0:
		first, why, how := "  NOBODY CAN LOG IN: no authorized key", "", howToPlugKeys
		if s.badKeys != "" {
			why = " (" + s.badKeys + ")"
		}
		if s.noStick {
			how = howToMendKeys
		}
		var out []string
		for line := range strings.SplitSeq(first+why+". "+how+howToGiveKeys, "\n") {
			out = append(out, "  "+strings.TrimSpace(line))
		}
		return out
	case !s.ready:
		return []string{fmt.Sprintf("  starting; authorized keys: %d", s.keys)}
	}
	commands := s.commands()
	if len(commands) == 0 {
		return []string{"  no address yet: see network"}
	}
	return append([]string{fmt.Sprintf("  log in (authorized keys: %d) with", s.keys)}, commands...)
}

// commands are the command lines that reach this station, those for link-local addresses last: they need to be told the
// client's own interface.
func (s *status) commands() (out []string) {
	var local []string
	for _, l := range s.links {
		for _, p := range l.addresses {
			if p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				local = append(local, s.command(p.Addr().String()+"%INTERFACE")+"   (INTERFACE: the one of your machine)")
				continue
			}
			out = append(out, s.command(p.Addr().String()))
		}
	}
	slices.Sort(local)
	return append(out, local...)
}

func (s *status) command(address string) string {
	port := ""
	if s.port != 22 {
		port = fmt.Sprintf("-p %d ", s.port)
	}
	return "    ssh " + port + "admin@" + address
}
