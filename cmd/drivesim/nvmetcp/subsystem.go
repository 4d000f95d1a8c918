package nvmetcp

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Subsystem is an NVM subsystem: its namespaces, what it is doing to itself, and the hosts' controllers in it.
type Subsystem struct {
	config Config
	clock  Clock
	server server

	mu          sync.Mutex // guards what follows
	admin       map[byte]adminCommand
	namespaces  []*namespace // ascending by number, detached ones too
	controllers map[uint16]*controller
	lastID      uint16
	sanitize    sanitizeState
	jobs        []*job
	power       power
	silent      bool // hang: nothing is answered any more
	vanished    bool
	errors      errorLog
	counters    counters
	disarm      func() bool
	late        []func() // what is to be done when the lock is given back
}

// power is whether the subsystem has any.
type power struct {
	dark  bool
	until time.Time
	cut   bool // it was lost once, as its line asked for
}

// counters are what the SMART log counts.
type counters struct {
	read, written                  uint64 // blocks of 512 bytes
	reads, writes                  uint64 // commands
	cycles, unsafe, media, entries uint64
}

// serial numbers of the subsystems of this process, which keep their names apart.
var made atomic.Uint32

// New makes a drive as its line says. Without a clock it lives by the wall clock.
func New(c Config, clock Clock) (*Subsystem, error) {
	if clock == nil {
		clock = wallClock{}
	}
	if c.NQN == "" {
		c.NQN = fmt.Sprintf("nqn.2025-01.invalid.drivesim:%d:%d", clock.Now().UnixNano(), made.Add(1))
	}
	s := &Subsystem{config: c, clock: clock, controllers: map[uint16]*controller{}, admin: adminCommands()}
	s.server.conns = map[*conn]bool{}
	s.counters.cycles = 1
	s.sanitize = newSanitizeState(c)
	for _, n := range c.Namespaces {
		ns, err := newNamespace(c, n)
		if err != nil {
			s.closeStores()
			return nil, err
		}
		s.namespaces = append(s.namespaces, ns)
	}
	return s, nil
}

// NQN is the name that a host connects to.
func (s *Subsystem) NQN() string { return s.config.NQN }

// Close ends Serve, if it runs, and closes the stores of the namespaces.
func (s *Subsystem) Close() error {
	s.server.close()
	s.server.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disarm != nil {
		s.disarm()
	}
	s.vanished = true
	return s.closeStores()
}

func (s *Subsystem) closeStores() error {
	var first error
	for _, n := range s.namespaces {
		if err := n.store.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// execute does one command. The caller sends the reply, and then calls every function of late, holding no lock.
func (s *Subsystem) execute(q *queue, r request) (answer reply, late []func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	answer = s.dispatch(q, r)
	if !answer.pending && answer.status != success {
		s.recordError(q, r, answer.status)
	}
	s.settle()
	late, s.late = s.late, nil
	return answer, late
}

func (s *Subsystem) dispatch(q *queue, r request) reply {
	switch {
	case s.silent || s.power.dark || s.vanished:
		return reply{pending: true}
	case r.opcode() == opFabrics:
		return s.fabrics(q, r)
	case q.controller == nil || !q.controller.ready():
		return fail(sequenceError)
	case q.id == 0:
		return s.adminCommand(q, r)
	}
	return s.ioCommand(r)
}

// tick does what is due; the clock calls it.
func (s *Subsystem) tick() {
	s.mu.Lock()
	s.settle()
	late := s.late
	s.late = nil
	s.mu.Unlock()
	for _, f := range late {
		f()
	}
}

func (s *Subsystem) afterwards(f func()) { s.late = append(s.late, f) }

func (s *Subsystem) isSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent
}

func (s *Subsystem) isDark() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.power.dark || s.vanished
}

func (s *Subsystem) hasVanished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.vanished
}

// namespace finds a namespace; nil if there is none of that number.
func (s *Subsystem) namespace(id uint32) *namespace {
	at := slices.IndexFunc(s.namespaces, func(n *namespace) bool { return n.ID == id })
	if at < 0 {
		return nil
	}
	return s.namespaces[at]
}

// attached finds a namespace that hosts can use; nil if there is none of that number.
func (s *Subsystem) attached(id uint32) *namespace {
	if n := s.namespace(id); n != nil && !n.Detached {
		return n
	}
	return nil
}
