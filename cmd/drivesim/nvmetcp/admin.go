package nvmetcp

// Admin commands (base specification 1.4, 5).
const (
	opGetLogPage   = 0x02
	opIdentify     = 0x06
	opAbort        = 0x08
	opSetFeatures  = 0x09
	opGetFeatures  = 0x0A
	opAsyncEvent   = 0x0C
	opKeepAlive    = 0x18
	opFormat       = 0x80
	opSanitize     = 0x84
	opFlush        = 0x00 // I/O commands, section 6
	opWrite        = 0x01
	opRead         = 0x02
	opWriteZeroes  = 0x08
	opDSM          = 0x09
	allNamespaces  = 0xFFFFFFFF
	identifyLength = 4096
)

// Effects of a command in log page 05h (5.14.1.5).
const (
	effectSupported = 1 << 0
	effectContent   = 1 << 1 // logical block content change
	effectCapacity  = 1 << 2 // namespace capability change
	effectAlone     = 2 << 16
)

type adminCommand struct {
	do         func(*Subsystem, *queue, request) reply
	effects    uint32
	sanitizing bool // allowed while a sanitize runs or after one has failed (8.15.1)
}

func adminCommands() map[byte]adminCommand {
	return map[byte]adminCommand{
		opGetLogPage:  {(*Subsystem).getLogPage, effectSupported, true},
		opIdentify:    {(*Subsystem).identify, effectSupported, true},
		opAbort:       {(*Subsystem).abort, effectSupported, true},
		opSetFeatures: {(*Subsystem).setFeatures, effectSupported, true},
		opGetFeatures: {(*Subsystem).getFeatures, effectSupported, true},
		opAsyncEvent:  {(*Subsystem).asyncEvent, effectSupported, true},
		opKeepAlive:   {(*Subsystem).keepAlive, effectSupported, true},
		opFormat:      {(*Subsystem).startFormat, effectSupported | effectContent | effectCapacity | effectAlone, false},
		opSanitize:    {(*Subsystem).sanitizeCommand, effectSupported | effectContent | effectAlone, true},
	}
}

func (s *Subsystem) adminCommand(q *queue, r request) reply {
	command, ok := s.admin[r.opcode()]
	switch {
	case !ok || !s.supports(r.opcode()):
		return fail(invalidOpcode)
	case !command.sanitizing && s.sanitize.job != nil:
		return fail(sanitizeInProgress)
	case !command.sanitizing && s.sanitize.locked:
		return fail(sanitizeFailed)
	}
	return command.do(s, q, r)
}

// supports tells whether the optional commands are there.
func (s *Subsystem) supports(opcode byte) bool {
	switch opcode {
	case opFormat:
		return s.config.OACS&formatSupported != 0
	case opSanitize:
		return s.canSanitize()
	}
	return true
}

func (s *Subsystem) canSanitize() bool {
	return s.config.SaniCap&(canCrypto|canBlock|canOverwrite) != 0
}

func (s *Subsystem) sanitizeCommand(_ *queue, r request) reply { return s.startSanitize(r) }

func (s *Subsystem) keepAlive(*queue, request) reply { return reply{} }

// abort answers that the command was not aborted (5.1).
func (s *Subsystem) abort(*queue, request) reply { return reply{result: 1} }

func (s *Subsystem) asyncEvent(q *queue, r request) reply {
	c := q.controller
	if len(c.events) >= eventLimit {
		return fail(tooManyEvents)
	}
	c.events = append(c.events, r.finish)
	if c.untold && !c.unfetched {
		s.afterwards(c.tell())
	}
	return reply{pending: true}
}

// Features (5.21.1).
const (
	featureArbitration = 0x01
	featurePower       = 0x02
	featureThreshold   = 0x04
	featureRecovery    = 0x05
	featureCache       = 0x06
	featureQueues      = 0x07
	featureAtomicity   = 0x0A
	featureEvents      = 0x0B
	featureKeepAlive   = 0x0F
)

const grantedQueues = (ioQueues - 1) | (ioQueues-1)<<16

func newFeatures(keepAlive uint32) map[byte]uint32 {
	return map[byte]uint32{
		featureArbitration: 0, featurePower: 0, featureThreshold: 0x0161, featureRecovery: 0, featureCache: 1,
		featureQueues: grantedQueues, featureAtomicity: 0, featureEvents: 0, featureKeepAlive: keepAlive,
	}
}

func (s *Subsystem) setFeatures(q *queue, r request) reply {
	id, value := byte(r.dw(10)), r.dw(11)
	_, ok := q.controller.features[id]
	switch {
	case r.dw(10)>>31 != 0:
		return fail(featureNotSaveable)
	case !ok:
		return fail(invalidField)
	case id == featureQueues && (uint16(value) == 0xFFFF || value>>16 == 0xFFFF):
		return fail(invalidField)
	case id == featureQueues:
		return reply{result: grantedQueues}
	}
	q.controller.features[id] = value
	return reply{}
}

func (s *Subsystem) getFeatures(q *queue, r request) reply {
	id := byte(r.dw(10))
	current, ok := q.controller.features[id]
	if !ok {
		return fail(invalidField)
	}
	switch r.dw(10) >> 8 & 7 {
	case 0:
		return reply{result: uint64(current)}
	case 1, 2: // default and saved
		return reply{result: uint64(newFeatures(0)[id])}
	case 3: // changeable, neither saveable nor of a namespace
		return reply{result: 1 << 2}
	}
	return fail(invalidField)
}
