package nvmetcp

import "strings"

const opFabrics = 0x7F

// Types of fabrics commands (NVMe over Fabrics 1.1, 3).
const (
	fabricsPropertySet = 0x00
	fabricsConnect     = 0x01
	fabricsPropertyGet = 0x04
	fabricsDisconnect  = 0x08
)

func (s *Subsystem) fabrics(q *queue, r request) reply {
	switch kind := r.sqe[4]; {
	case kind == fabricsConnect && q.controller == nil:
		return s.connect(q, r)
	case q.controller == nil:
		return fail(sequenceError)
	case kind == fabricsPropertyGet && q.id == 0:
		return propertyGet(q.controller, r)
	case kind == fabricsPropertySet && q.id == 0:
		return propertySet(q.controller, r)
	case kind == fabricsDisconnect && q.id != 0:
		s.afterwards(q.drop)
		return reply{}
	}
	return fail(invalidField)
}

// Offsets in the data of Connect, bytes.
const (
	connectDataLen   = 1024
	connectCntlid    = 16
	connectSubsystem = 256
	connectHost      = 512
)

// badParameter refuses a Connect and names the byte of its data, or of the command, that was wrong.
func badParameter(inData bool, offset uint64) reply {
	if inData {
		offset |= 1 << 16
	}
	return reply{status: connectInvalidParam, result: offset}
}

func (s *Subsystem) connect(q *queue, r request) reply {
	id, entries := le.Uint16(r.sqe[42:]), uint32(le.Uint16(r.sqe[44:]))+1
	switch {
	case le.Uint16(r.sqe[40:]) != 0 || len(r.data) < connectDataLen:
		return fail(connectFormat)
	case entries < 2 || entries > queueEntries:
		return badParameter(false, 44)
	case text(r.data[connectSubsystem:connectHost]) != s.config.NQN:
		return badParameter(true, connectSubsystem)
	}
	host := text(r.data[connectHost:768])
	wanted := le.Uint16(r.data[connectCntlid:])
	if id == 0 {
		if wanted != 0xFFFF { // controllers are made, not chosen
			return badParameter(true, connectCntlid)
		}
		q.controller = s.newController(host, le.Uint32(r.sqe[48:]))
	} else {
		c := s.controllers[wanted]
		switch {
		case c == nil || !c.ready():
			return badParameter(true, connectCntlid)
		case c.host != host:
			return badParameter(true, connectHost)
		case id > ioQueues || c.queues[id] != nil:
			return badParameter(false, 42)
		}
		c.queues[id] = q
		q.controller = c
	}
	q.id, q.entries = id, entries
	return reply{result: uint64(q.controller.id)}
}

func (s *Subsystem) newController(host string, keepAlive uint32) *controller {
	for {
		s.lastID++
		if id := s.lastID; id != 0 && id < 0xFFF0 && s.controllers[id] == nil {
			c := &controller{id: id, host: host, features: newFeatures(keepAlive), queues: map[uint16]*queue{}}
			s.controllers[id] = c
			return c
		}
	}
}

// text is a string that ends at a NUL, or with the field.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// Properties, and what never changes of them (base specification 1.4, 3.1).
const (
	propertyCAP  = 0x00
	propertyVS   = 0x08
	propertyCC   = 0x14
	propertyCSTS = 0x1C

	version = 0x00010400
	// MQES, contiguous queues, 15 s to become ready, the NVM command set, pages of 4096 bytes.
	capabilities = uint64(queueEntries-1) | 1<<16 | 30<<24 | 1<<37
)

func propertyGet(c *controller, r request) reply {
	wide := r.sqe[40]&7 == 1
	switch offset := le.Uint32(r.sqe[44:]); {
	case offset == propertyCAP && wide:
		return reply{result: capabilities}
	case wide:
	case offset == propertyVS:
		return reply{result: version}
	case offset == propertyCC:
		return reply{result: uint64(c.config)}
	case offset == propertyCSTS:
		return reply{result: uint64(c.status())}
	}
	return fail(invalidField &^ doNotRetry) // nvme-cli goes on to the next property only without it
}

func propertySet(c *controller, r request) reply {
	if r.sqe[40]&7 != 0 || le.Uint32(r.sqe[44:]) != propertyCC {
		return fail(invalidField)
	}
	c.configure(le.Uint32(r.sqe[48:]))
	return reply{}
}
