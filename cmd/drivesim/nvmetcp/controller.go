package nvmetcp

const (
	queueEntries = 128 // of every queue: CAP.MQES is one less
	ioQueues     = 4   // the most that a controller has
	eventLimit   = 4   // asynchronous event requests at once: AERL is one less
)

// queue is one queue of a controller, and the connection that it is.
type queue struct {
	drop       func() // ends the connection; needs no lock
	controller *controller
	id         uint16
	entries    uint32
}

// controller is what a host made by connecting an admin queue.
type controller struct {
	id        uint16
	host      string // the host's NQN
	config    uint32 // CC
	down      bool   // shutdown is complete
	features  map[byte]uint32
	queues    map[uint16]*queue // I/O queues that are connected
	events    []func(reply)     // asynchronous event requests that wait
	unfetched bool              // the end of a sanitize was told, and log 81h not read since
	untold    bool              // it ended and nobody was waiting
}

func (c *controller) ready() bool { return c.config&1 != 0 && !c.down }

// status is CSTS: ready, and shutdown complete (3.1.6).
func (c *controller) status() uint32 {
	var v uint32
	if c.config&1 != 0 {
		v |= 1
	}
	if c.down {
		v |= 2 << 2
	}
	return v
}

// configure is a write to CC (3.1.5).
func (c *controller) configure(v uint32) {
	if c.config&1 != 0 && v&1 == 0 { // controller reset
		c.down = false
		c.events = nil
	}
	c.config = v
	if v>>14&3 != 0 { // SHN
		c.down = true
	}
}

// Sanitize Operation Completed: type 6, information 1, log page 81h (5.2).
const sanitizeCompleted = 0x810106

// tell answers an asynchronous event request with the end of a sanitize. The answers are sent by what it returns.
func (c *controller) tell() (send func()) {
	if len(c.events) == 0 {
		c.untold = true
		return func() {}
	}
	answer := c.events[0]
	c.events = c.events[1:]
	c.untold, c.unfetched = false, true
	return func() { answer(reply{result: sanitizeCompleted}) }
}

// leave forgets the queue of a connection that has ended; with an admin queue goes its controller.
func (s *Subsystem) leave(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := q.controller
	switch {
	case c == nil:
	case q.id != 0:
		if c.queues[q.id] == q {
			delete(c.queues, q.id)
		}
	case s.controllers[c.id] == c:
		delete(s.controllers, c.id)
		for _, other := range c.queues {
			other.drop()
		}
	}
}
