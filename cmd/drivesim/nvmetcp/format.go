package nvmetcp

// Bits of OACS and FNA (5.15.2.2).
const (
	formatSupported = 1 << 1 // OACS
	formatsAll      = 1 << 0 // FNA: a Format changes every namespace
	erasesAll       = 1 << 1 // FNA: a Format with a secure erase does
	formatCrypto    = 1 << 2 // FNA
	noBroadcast     = 1 << 3 // FNA: not for FFFFFFFFh
)

// Secure erase settings: CDW10 11:9 of Format NVM (5.23).
const (
	eraseNone   = 0
	eraseUser   = 1
	eraseCrypto = 2
)

// startFormat answers when the Format has ended.
func (s *Subsystem) startFormat(_ *queue, r request) reply {
	word := r.dw(10)
	lbaf, erase := int(word&15), word>>9&7
	targets, refusal := s.formatTargets(r.nsid(), erase)
	if refusal == success {
		refusal = s.judgeFormat(word, targets)
	}
	if refusal != success {
		return fail(refusal)
	}
	j := s.newJob(s.config.TookBy, nil)
	j.lost = true
	j.end = func(done float64) {
		st := s.endFormat(targets, lbaf, erase, done)
		if !s.power.dark { // a Format that the loss of power ended is never answered
			s.afterwards(func() { r.finish(fail(st)) })
		}
	}
	for _, n := range targets {
		n.format = j
	}
	if s.config.Sanitize == SanitizeHang {
		s.silent = true
		r.finish = func(reply) {}
	}
	return reply{pending: true}
}

// formatTargets are the namespaces that a Format reaches (5.23, figure "Format NVM - Operation Scope").
func (s *Subsystem) formatTargets(id, erase uint32) ([]*namespace, status) {
	everyone := s.config.FNA&formatsAll != 0 && erase == eraseNone || s.config.FNA&erasesAll != 0 && erase != eraseNone
	switch n := s.attached(id); {
	case id == allNamespaces && s.config.FNA&noBroadcast != 0:
		return nil, invalidField
	case id == allNamespaces || everyone && n != nil:
	case n == nil:
		return nil, invalidNamespace
	default:
		return []*namespace{n}, success
	}
	var all []*namespace
	for _, n := range s.namespaces {
		if everyone || !n.Detached {
			all = append(all, n)
		}
	}
	return all, success
}

func (s *Subsystem) judgeFormat(word uint32, targets []*namespace) status {
	erase := word >> 9 & 7
	switch {
	case erase > eraseCrypto || erase == eraseCrypto && s.config.FNA&formatCrypto == 0:
		return invalidField
	case int(word&15) >= len(formats) || word>>4&0x1F != 0: // no such format, no metadata, no protection information
		return invalidFormat
	}
	for _, n := range targets {
		switch {
		case n.ReadOnly:
			return writeProtected
		case n.format != nil:
			return formatInProgress
		}
	}
	return s.config.Refuse
}

// endFormat ends a Format of which a part was done; what was not is as it was.
func (s *Subsystem) endFormat(targets []*namespace, lbaf int, erase uint32, done float64) status {
	p := s.config.After
	if p == nil {
		p = wordPattern(0)
		if erase == eraseCrypto {
			p = rekey()
		}
	}
	part := done
	if erase != eraseNone {
		part *= s.config.FormatErases
	}
	result := success
	for _, n := range targets {
		n.format = nil
		if err := n.wipe(p, part); err != nil {
			result = internalError
		}
		if done >= 1 {
			n.lbaf = lbaf
		}
	}
	return result
}
