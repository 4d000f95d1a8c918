package nvmetcp

import "slices"

// lba is the first block of a read, write or Write Zeroes.
func lba(r request) uint64 { return uint64(r.dw(10)) | uint64(r.dw(11))<<32 }

func (s *Subsystem) ioCommand(r request) reply {
	n := s.attached(r.nsid())
	switch {
	case r.opcode() == opFlush && (n != nil || r.nsid() == allNamespaces): // also allowed in a sanitize (6.8)
		return reply{}
	case s.sanitize.job != nil:
		return fail(sanitizeInProgress)
	case s.sanitize.locked:
		return fail(sanitizeFailed)
	case n == nil:
		return fail(invalidNamespace)
	case n.format != nil:
		return fail(formatInProgress)
	}
	switch r.opcode() {
	case opRead:
		return s.read(n, r)
	case opWrite, opWriteZeroes:
		return s.write(n, r)
	case opDSM:
		return s.deallocate(n, r)
	}
	return fail(invalidOpcode)
}

// extent judges a range of blocks and gives it in bytes.
func (s *Subsystem) extent(n *namespace, first, blocks uint64, reading bool) (from, to int64, st status) {
	if first > n.blocks() || blocks > n.blocks()-first {
		return 0, 0, lbaOutOfRange
	}
	for _, bad := range s.config.Bad {
		hit := bad.Namespace == 0 || bad.Namespace == n.ID
		if hit && first <= bad.Last && bad.First < first+blocks && (reading && bad.Read || !reading && bad.Write) {
			s.counters.media++
			if reading {
				return 0, 0, unrecoveredRead
			}
			return 0, 0, writeFault
		}
	}
	return int64(first << n.shift()), int64((first + blocks) << n.shift()), success
}

func (s *Subsystem) read(n *namespace, r request) reply {
	blocks := uint64(r.dw(12)&0xFFFF) + 1
	if blocks<<n.shift() > maxTransfer {
		return fail(invalidField)
	}
	from, to, st := s.extent(n, lba(r), blocks, true)
	if st != success {
		return fail(st)
	}
	b := make([]byte, to-from)
	if _, err := n.store.ReadAt(b, from); err != nil {
		return fail(internalError)
	}
	s.counters.reads++
	s.counters.read += uint64(to-from) / 512
	return reply{data: b}
}

func (s *Subsystem) write(n *namespace, r request) reply {
	if n.ReadOnly {
		return fail(writeProtected)
	}
	from, to, st := s.extent(n, lba(r), uint64(r.dw(12)&0xFFFF)+1, false)
	if st != success {
		return fail(st)
	}
	var err error
	if r.opcode() == opWriteZeroes {
		err = n.store.wipe(wordPattern(0), from, to)
	} else {
		if int64(len(r.data)) < to-from {
			return fail(invalidField)
		}
		_, err = n.store.WriteAt(r.data[:to-from], from)
		s.counters.writes++
		s.counters.written += uint64(to-from) / 512
	}
	if err != nil {
		return fail(internalError)
	}
	s.sanitize.erased = false
	return reply{}
}

// deallocate is Dataset Management: up to 256 ranges, 16 bytes each (6.7). Deallocated blocks read as zeros.
func (s *Subsystem) deallocate(n *namespace, r request) reply {
	count := int(r.dw(10)&0xFF) + 1
	switch {
	case n.ReadOnly:
		return fail(writeProtected)
	case len(r.data) < 16*count:
		return fail(invalidField)
	case r.dw(11)>>2&1 == 0: // only hints
		return reply{}
	}
	for d := range slices.Chunk(r.data[:16*count], 16) {
		from, to, st := s.extent(n, le.Uint64(d[8:]), uint64(le.Uint32(d[4:])), false)
		if st != success {
			return fail(st)
		}
		if err := n.store.wipe(wordPattern(0), from, to); err != nil {
			return fail(internalError)
		}
	}
	return reply{}
}
