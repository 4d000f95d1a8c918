package sshd

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What a source that fails to log in has to expect: from the eleventh failed connection on, each new one of it is held
// up a little before its handshake. It is never refused: keys cannot be guessed, and the operator who works behind the
// same address as a broken script must still get in. A login forgives all, and each minute forgives one.
const (
	freeFailures = 10
	delayStep    = 200 * time.Millisecond
	longestDelay = 2 * time.Second
	maxSources   = 4096
)

// sources counts what each source has going on and did wrong lately. Its size is bounded: a source that is not
// connected may be forgotten at any time.
type sources struct {
	mu    sync.Mutex
	known map[netip.Prefix]*source
}

type source struct {
	startups int           // connections that have not logged in
	failures int           // connections that ended without a login, less those forgiven
	since    time.Time     // when failures was last brought up to date
	lines    *rate.Limiter // log lines about it
}

// sourceOf is the IPv4 address or the IPv6 /64 network of an address; what has no IP address is all one source.
func sourceOf(addr net.Addr) netip.Prefix {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	ip = ip.Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits)
	return prefix
}

// with calls do with the entry of a source, under the lock.
func (s *sources) with(from netip.Prefix, do func(*source)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[netip.Prefix]*source{}
	}
	entry := s.known[from]
	if entry == nil {
		s.makeRoom()
		entry = &source{since: time.Now(), lines: rate.NewLimiter(rate.Every(10*time.Second), 10)}
		s.known[from] = entry
	}
	entry.forgive(time.Now())
	do(entry)
}

// makeRoom forgets any one source that is not connected, once the table is full.
func (s *sources) makeRoom() {
	if len(s.known) < maxSources {
		return
	}
	for from, entry := range s.known {
		if entry.startups == 0 {
			delete(s.known, from)
			return
		}
	}
}

func (e *source) forgive(now time.Time) {
	minutes := int(now.Sub(e.since) / time.Minute)
	if minutes <= 0 {
		return
	}
	e.failures = max(0, e.failures-minutes)
	e.since = e.since.Add(time.Duration(minutes) * time.Minute)
}

// delay is how long the next handshake of a source is held up.
func (s *sources) delay(from netip.Prefix) (wait time.Duration) {
	s.with(from, func(e *source) {
		wait = min(longestDelay, time.Duration(max(0, e.failures-freeFailures))*delayStep)
	})
	return wait
}
