package ata

import (
	"bytes"

	"wiped/cmd/drivesim/target"
)

// identity is what the translation makes of IDENTIFY: SAT-4.
func (s *Drive) identity() target.Identity {
	spec := s.ata.spec
	return target.Identity{Vendor: []byte("ATA"), Product: spec.Model, Revision: revision(spec.Firmware), Serial: target.Pad(spec.Serial, 20),
		NAA: spec.WWN, RPM: spec.RPM}
}

// revision is the last four characters of the firmware revision, or the first where those are blank.
func revision(firmware []byte) []byte {
	all := target.Pad(firmware, 8)
	if last := all[4:]; len(bytes.TrimSpace(last)) > 0 {
		return last
	}
	return all[:4]
}

func (s *Drive) inquiry(c target.Command) target.Outcome {
	id := s.identity()
	name := append(target.Pad(s.ata.spec.Model, 40), id.Serial...)
	pages := map[byte][]byte{0x80: id.Serial, 0x83: id.Designators(name), 0x89: s.information(), 0xb0: make([]byte, 60), 0xb1: id.Characteristics()}
	data, ok := id.Inquiry(c.CDB, pages, s.ata.spec.CutPages)
	if !ok {
		return s.check(target.InvalidField)
	}
	return target.OK(data)
}

// information is the body of page 89h, ATA Information: SAT-4.
func (s *Drive) information() []byte {
	b := make([]byte, 56)
	copy(b[4:], "DRIVESIM")
	copy(b[12:], target.Pad([]byte("SIMULATED SAT"), 16))
	copy(b[28:], "0001")
	copy(b[32:], []byte{0x34, 0, 0x50, 0x01, 0x01}) // the signature of a SATA drive as a device-to-host register FIS
	b[44], b[52] = 0x01, 0xec
	return append(b, s.ata.identifyData()...)
}

func (s *Drive) capacity10(target.Command) target.Outcome {
	return target.OK(target.Capacity10(s.ata.hidden.current, s.ata.spec.Sector))
}

func (s *Drive) capacity16(c target.Command) target.Outcome {
	spec := s.ata.spec
	b := target.Capacity16(s.ata.hidden.current, spec.Sector, target.Exponent(spec.Sector, spec.Physical))
	return target.OK(b[:min(len(b), int(c.CDB[12])<<8|int(c.CDB[13]))])
}

func (s *Drive) modeSense(c target.Command) target.Outcome {
	control := make([]byte, 10)
	if !s.ata.spec.FixedSense {
		control[0] = 0x04 // D_SENSE
	}
	m := target.Mode{ReadOnly: s.ata.spec.ReadOnly, Blocks: s.ata.hidden.current, Size: s.ata.spec.Sector,
		Pages: map[byte][]byte{0x01: make([]byte, 10), 0x08: make([]byte, 18), 0x0a: control}}
	data, ok := m.Sense(c.CDB)
	if !ok {
		return s.check(target.InvalidField)
	}
	return target.OK(data)
}
