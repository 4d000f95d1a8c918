package ata

import (
	"sync"
	"time"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/scenario"
	"wiped/cmd/drivesim/store"
	"wiped/cmd/drivesim/target"
)

// Drive is an ATA drive behind its SCSI translation (SAT-4). It is a target.Device.
type Drive struct {
	mu    sync.Mutex
	ata   *drive
	table map[byte][]action
}

// New makes a drive with its medium.
func New(spec scenario.Drive, medium *store.Store, now func() time.Time) *Drive {
	s := &Drive{ata: newDrive(spec, medium, now)}
	s.ata.lock = func() func() { s.mu.Lock(); return s.mu.Unlock }
	s.table = s.supported()
	return s
}

// Tick is target.Device.
func (s *Drive) Tick() erase.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ata.advance()
	if len(s.ata.events) == 0 {
		return erase.None
	}
	event := s.ata.events[0]
	s.ata.events = s.ata.events[1:]
	return event
}

// PowerCycle is target.Device.
func (s *Drive) PowerCycle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ata.advance()
	s.ata.erase.PowerCycle()
	s.ata.powerOn()
}

// Thaw ends what only a power cycle ends, as suspending the machine does on some.
func (s *Drive) Thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ata.security.frozen, s.ata.sanitizeFrozen = false, false
}

// Swap puts another drive in its place, of this serial, without a word to the kernel.
func (s *Drive) Swap(serial []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ata.spec.Serial = serial
}

// State is for people.
func (s *Drive) State() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ata.state()
}

// Look calls f with the medium while no command runs.
func (s *Drive) Look(f func(*store.Store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ata.advance()
	f(s.ata.medium)
}

// action is one SCSI command that the translation has.
type action struct {
	target.Supported
	cached bool // answered by the translation without asking the drive
	run    func(*Drive, target.Command) target.Outcome
}

func (s *Drive) supported() map[byte][]action {
	op := target.Op
	list := []action{
		{op(0x00), false, (*Drive).ready}, {op(0x03), false, (*Drive).requestSense}, {op(0x12), true, (*Drive).inquiry},
		{op(0x1a), false, (*Drive).modeSense}, {op(0x1b), false, (*Drive).flush}, {op(0x25), false, (*Drive).capacity10},
		{op(0x08), false, (*Drive).access}, {op(0x28), false, (*Drive).access}, {op(0x88), false, (*Drive).access},
		{op(0x0a), false, (*Drive).access}, {op(0x2a), false, (*Drive).access}, {op(0x8a), false, (*Drive).access},
		{op(0x35), false, (*Drive).flush}, {op(0x5a), false, (*Drive).modeSense}, {op(0x91), false, (*Drive).flush},
		{op(0x85), false, (*Drive).passThrough}, {op(0xa1), false, (*Drive).passThrough},
		{target.Act(0x9e, 0x10), false, (*Drive).capacity16}, {op(0xa0), true, (*Drive).reportLUNs},
	}
	if !s.ata.spec.NoRSOC {
		list = append(list, action{target.Act(0xa3, 0x0c), true, (*Drive).opcodes})
	}
	table := map[byte][]action{}
	for _, a := range list {
		table[a.Opcode] = append(table[a.Opcode], a)
	}
	return table
}

func (s *Drive) find(cdb []byte) (action, *target.Sense) {
	for _, a := range s.table[cdb[0]] {
		if !a.Actions || a.Action == cdb[1]&0x1f {
			return a, nil
		}
	}
	if len(s.table[cdb[0]]) > 0 {
		return action{}, &target.InvalidField
	}
	return action{}, &target.InvalidOpcode
}

// Do is target.Device.
func (s *Drive) Do(c target.Command) target.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.CDB = target.Normal(c.CDB)
	s.ata.advance()
	switch {
	case s.ata.gone:
		return s.check(target.NoSuchUnit)
	case s.ata.erase.Hung():
		return target.Outcome{Never: true}
	}
	a, sense := s.find(c.CDB)
	switch {
	case sense != nil:
		return s.check(*sense)
	case s.ata.attention && !a.cached && c.CDB[0] != 0x03:
		s.ata.attention = false
		return s.check(target.PowerOn)
	case s.ata.busy() && !a.cached: // the host waits until the drive takes commands again
		return target.Outcome{Wait: max(s.ata.erase.Left(), time.Millisecond), Then: func() target.Outcome { return s.Do(c) }}
	}
	return a.run(s, c)
}

// obstacle is why the translation does not even ask the drive for sectors.
func (s *Drive) obstacle() *target.Sense {
	switch s.ata.sanitizePhase() {
	case erase.Running:
		v := s.ata.erase.View()
		return &target.Sense{Key: target.NotReady, ASC: 0x04, ASCQ: 0x1b, Progress: &v.Progress}
	case erase.Failed:
		return &target.Sense{Key: target.MediumError, ASC: 0x31, ASCQ: 0x03}
	}
	if s.ata.security.locked {
		return &target.Sense{Key: target.DataProtect, ASC: 0x74, ASCQ: 0x71} // LOGICAL UNIT ACCESS NOT AUTHORIZED
	}
	return nil
}

// check is CHECK CONDITION in the format that the translation has.
func (s *Drive) check(sense target.Sense) target.Outcome {
	if s.ata.spec.DropSense {
		sense = target.Sense{Key: sense.Key}
	}
	return target.Check(sense.Bytes(!s.ata.spec.FixedSense))
}

func (s *Drive) ready(target.Command) target.Outcome {
	if sense := s.obstacle(); sense != nil && sense.Key != target.DataProtect { // a locked drive is ready
		return s.check(*sense)
	}
	return target.OK(nil)
}

func (s *Drive) flush(target.Command) target.Outcome {
	s.ata.last = Taskfile{}
	return target.OK(nil)
}

func (s *Drive) requestSense(c target.Command) target.Outcome {
	sense := target.NoSense
	switch obstacle := s.obstacle(); {
	case s.ata.attention:
		sense, s.ata.attention = target.PowerOn, false
	case obstacle != nil && obstacle.Key != target.DataProtect && !s.ata.spec.DropSense:
		sense = *obstacle
	}
	b := sense.Bytes(c.CDB[1]&1 != 0)
	return target.OK(b[:min(len(b), int(c.CDB[4]))])
}

// access is READ and WRITE.
func (s *Drive) access(c target.Command) target.Outcome {
	s.ata.last = Taskfile{}
	if sense := s.obstacle(); sense != nil {
		return s.check(*sense)
	}
	a, ok := target.ParseAccess(c.CDB)
	if !ok {
		return s.check(target.InvalidField)
	}
	switch data, wrong, at := s.ata.access(a.LBA, a.Blocks, c.Out, a.Write); wrong {
	case 0:
		return target.OK(data)
	case uncorrectable:
		return s.check(target.Sense{Key: target.MediumError, ASC: 0x11, Block: &at})
	case idNotFound:
		return s.check(target.OutOfRange)
	}
	return s.check(target.InvalidField)
}

func (s *Drive) reportLUNs(target.Command) target.Outcome {
	return target.OK([]byte{0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
}

func (s *Drive) opcodes(c target.Command) target.Outcome {
	var list []target.Supported
	for code := range 256 {
		for _, a := range s.table[byte(code)] {
			list = append(list, a.Supported)
		}
	}
	data, ok := target.Opcodes(c.CDB, list)
	if !ok {
		return s.check(target.InvalidField)
	}
	return target.OK(data)
}
