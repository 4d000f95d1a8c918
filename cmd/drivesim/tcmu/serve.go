package tcmu

import (
	"fmt"
	"io"
	"sync"
	"time"

	"wiped/cmd/drivesim/target"
)

// server passes commands from a ring to a drive, and each answer back when there is one. A command that takes its time holds up
// no other.
type server struct {
	device target.Device
	bell   io.ReadWriter // 4 bytes come when there is something in the ring, 4 bytes go when there is an answer

	mu      sync.Mutex
	ring    ring
	pending map[uint16]*pending
	away    bool // it is unplugged, or about to be
	broken  error
}

// pending is a command without an answer.
type pending struct {
	entry entry
	done  bool
}

func newServer(device target.Device, memory []byte, bell io.ReadWriter) *server {
	s := &server{device: device, bell: bell, ring: ring{memory: memory}, pending: map[uint16]*pending{}}
	s.ring.read = *s.ring.word(mailboxTail)
	return s
}

// run serves until the bell breaks.
func (s *server) run() error {
	four := make([]byte, 4)
	for {
		for {
			e, ok, err := s.take()
			if err != nil {
				return fmt.Errorf("serve ring: %w", err)
			}
			if !ok {
				break
			}
			s.begin(e)
		}
		if _, err := s.bell.Read(four); err != nil {
			return fmt.Errorf("wait for commands: %w", err)
		}
	}
}

func (s *server) take() (entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return entry{}, false, s.broken
	}
	return s.ring.next()
}

// begin gives a command to the drive.
func (s *server) begin(e entry) {
	if e.cdb == nil {
		s.lose(e.lost...)
		return
	}
	c := target.Command{CDB: e.cdb}
	for _, v := range e.vectors {
		c.Room += len(v)
	}
	if target.HasOut(e.cdb) {
		c.Out = make([]byte, 0, c.Room)
		for _, v := range e.vectors {
			c.Out = append(c.Out, v...)
		}
	}
	p := &pending{entry: e}
	s.mu.Lock()
	s.pending[e.id] = p
	away := s.away
	s.mu.Unlock()
	if away {
		s.settle(p, target.Check(target.NoSuchUnit.Fixed()))
		return
	}
	s.settle(p, s.device.Do(c))
}

// plugged says whether the drive is there. Where it is not, commands end at once, whatever the drive would do with them.
func (s *server) plugged(in bool) {
	s.mu.Lock()
	s.away = !in
	s.mu.Unlock()
	if !in {
		s.loseAll()
	}
}

// settle answers, or comes back when there may be an answer.
func (s *server) settle(p *pending, o target.Outcome) {
	switch {
	case o.Never:
	case o.Then != nil:
		time.AfterFunc(o.Wait, func() {
			if !s.over(p) {
				s.settle(p, o.Then())
			}
		})
	default:
		s.finish(p, o.Reply)
	}
}

func (s *server) over(p *pending) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.done
}

func (s *server) finish(p *pending, reply target.Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer(p, reply)
}

// answer wants the lock.
func (s *server) answer(p *pending, reply target.Reply) {
	if p.done {
		return
	}
	p.done = true
	delete(s.pending, p.entry.id)
	if err := s.ring.complete(p.entry, reply); err != nil {
		s.broken = err
		return
	}
	if _, err := s.bell.Write(make([]byte, 4)); err != nil {
		s.broken = fmt.Errorf("tell of an answer: %w", err)
	}
}

// lose ends commands as a drive does that was reset. What they began may go on in the drive.
func (s *server) lose(ids ...uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if p := s.pending[id]; p != nil {
			s.answer(p, target.Reply{Status: target.TaskAborted})
		}
	}
}

// loseAll ends all commands that are without an answer.
func (s *server) loseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pending {
		s.answer(p, target.Reply{Status: target.TaskAborted})
	}
}
