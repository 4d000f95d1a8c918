package nvmetcp

// Log pages (5.14.1).
const (
	logErrors    = 0x01
	logSMART     = 0x02
	logFirmware  = 0x03
	logChanged   = 0x04
	logEffects   = 0x05
	logSanitize  = 0x81
	errorEntries = 16
)

func (s *Subsystem) getLogPage(q *queue, r request) reply {
	id := byte(r.dw(10))
	var page []byte
	switch {
	case id == logErrors:
		page = s.errors.page()
	case id == logSMART:
		page = s.smartLog()
	case id == logFirmware:
		page = s.firmwareLog()
	case id == logChanged:
		page = make([]byte, 4096)
	case id == logEffects:
		page = s.effectsLog()
	case id == logSanitize && s.canSanitize():
		page = s.sanitizeLog()
		if r.dw(10)>>15&1 == 0 { // RAE is clear: the event is done with
			q.controller.unfetched = false
		}
	default:
		return fail(invalidLogPage)
	}
	if s.config.ShortLog > 0 {
		page = page[:min(len(page), s.config.ShortLog)]
	}
	return cutLog(page, r)
}

// cutLog takes out of a page what was asked for: a number of dwords from an offset in bytes.
func cutLog(page []byte, r request) reply {
	length := int64(r.dw(10)>>16) + int64(r.dw(11)&0xFFFF)<<16 + 1
	offset := uint64(r.dw(12)) | uint64(r.dw(13))<<32
	if offset%4 != 0 || offset > uint64(len(page)) {
		return fail(invalidField)
	}
	page = page[offset:]
	return reply{data: page[:min(int64(len(page)), 4*length)]}
}

// smartLog is the SMART / Health Information log, 512 bytes (5.14.1.2).
func (s *Subsystem) smartLog() []byte {
	b := make([]byte, 512)
	b[0] = s.config.Critical
	le.PutUint16(b[1:], uint16(273+s.config.Celsius)) // kelvin
	b[3], b[4], b[5] = s.config.Spare, 10, s.config.Worn
	for at, v := range map[int]uint64{
		32: (s.counters.read + 999) / 1000, 48: (s.counters.written + 999) / 1000,
		64: s.counters.reads, 80: s.counters.writes, 112: s.counters.cycles, 128: s.config.Hours,
		144: s.counters.unsafe, 160: s.counters.media, 176: s.counters.entries,
	} {
		le.PutUint64(b[at:], v)
	}
	return b
}

func (s *Subsystem) firmwareLog() []byte {
	b := make([]byte, 512)
	b[0] = 1
	copy(b[8:16], "        ")
	copy(b[8:16], s.config.Firmware)
	return b
}

func (s *Subsystem) effectsLog() []byte {
	b := make([]byte, 4096)
	for opcode, command := range s.admin {
		if s.supports(opcode) {
			le.PutUint32(b[4*int(opcode):], command.effects)
		}
	}
	for opcode, effects := range map[int]uint32{
		opFlush: 0, opRead: 0, opWrite: effectContent, opWriteZeroes: effectContent, opDSM: effectContent,
	} {
		le.PutUint32(b[1024+4*opcode:], effects|effectSupported)
	}
	return b
}

// errorLog holds the last errors, the newest first.
type errorLog [][64]byte

func (l errorLog) page() []byte {
	b := make([]byte, 64*errorEntries)
	for at := range l {
		copy(b[64*at:], l[at][:])
	}
	return b
}

// recordError makes an entry of the Error Information log (5.14.1.1).
func (s *Subsystem) recordError(q *queue, r request, st status) {
	s.counters.entries++
	var e [64]byte
	le.PutUint64(e[0:], s.counters.entries)
	le.PutUint16(e[8:], q.id)
	le.PutUint16(e[10:], r.cid())
	le.PutUint16(e[12:], uint16(st)<<1)
	le.PutUint16(e[14:], 0xFFFF) // which parameter: none in particular
	if q.id != 0 {
		le.PutUint64(e[16:], lba(r))
	}
	le.PutUint32(e[24:], r.nsid())
	if s.errors = append(errorLog{e}, s.errors...); len(s.errors) > errorEntries {
		s.errors = s.errors[:errorEntries]
	}
}
