package ata

import (
	"encoding/binary"

	"wiped/cmd/drivesim/erase"
	"wiped/cmd/drivesim/store"
)

// SANITIZE DEVICE by its Feature register: ACS-3; manual of the Ultrastar HC580, section 12.38.
const (
	sanitizeStatus     = 0x0000
	cryptoScramble     = 0x0011
	blockErase         = 0x0012
	overwriteExt       = 0x0014
	sanitizeFreeze     = 0x0020
	sanitizeAntifreeze = 0x0040
)

// keys are what has to be in the LBA registers, so that no other command is taken for these.
var keys = map[uint16]uint64{cryptoScramble: 0x43727970, blockErase: 0x426b4572, sanitizeFreeze: 0x46724c6b, sanitizeAntifreeze: 0x416e7469}

const overwriteKey = 0x4f57 // in LBA(47:32)

// Bits of Count in what the status answers.
const (
	completed       = 1 << 15
	inProgress      = 1 << 14
	noProgress      = 0xffff
	failureMode     = 1 << 4 // of a command: the failed state may be left
	definitiveEnd   = 1 << 6
	invertBetween   = 1 << 7
	clearFailedMode = 1 << 0
)

// Why a command was aborted, in LBA(7:0): manual of the Ultrastar HC580, section 12.38.
const (
	reasonFailed      = 0x01
	reasonUnsupported = 0x02
	reasonFrozen      = 0x03
	reasonAntifreeze  = 0x04
)

func refused(why uint64) Result { return Result{Error: aborted, LBA: why} }

// sanitizePhase is what the state machine shows (manual of the Ultrastar HC580, section 10.20.3): SD0 idle, SD2, SD3 failed, SD4 succeeded.
func (d *drive) sanitizePhase() erase.Phase {
	v := d.erase.View()
	switch {
	case v.Phase == erase.Idle, v.Run.Kind != erase.Sanitize:
		return erase.Idle
	case v.Other:
		return erase.Done
	}
	return v.Phase
}

func (d *drive) sanitizeStatus(t Taskfile, _ []byte) Result {
	if len(d.spec.Sanitize) == 0 {
		return abort()
	}
	if d.sanitizePhase() == erase.Failed {
		if t.Count&clearFailedMode == 0 || !d.erase.View().Run.Exitable {
			return refused(reasonFailed)
		}
		d.erase.Leave()
	}
	return d.sanitizeOutputs()
}

// sanitizeOutputs are the normal outputs of all these commands.
func (d *drive) sanitizeOutputs() Result {
	r := Result{LBA: noProgress, Count: boolBit(d.sanitizeFrozen, 13) | boolBit(d.antifreeze, 12)}
	switch d.sanitizePhase() {
	case erase.Running:
		r.Count |= inProgress
		r.LBA = uint64(d.erase.View().Progress)
	case erase.Done:
		r.Count |= completed
	}
	return r
}

func (d *drive) sanitizeLocks(t Taskfile, _ []byte) Result {
	switch {
	case len(d.spec.Sanitize) == 0:
		return abort()
	case t.LBA != keys[t.Feature]:
		return refused(0)
	case t.Feature == sanitizeFreeze && d.antifreeze:
		return refused(reasonAntifreeze)
	case t.Feature == sanitizeFreeze:
		d.sanitizeFrozen = true
	case d.sanitizeFrozen:
		return refused(reasonFrozen)
	default:
		d.antifreeze = true
	}
	return Result{}
}

// sanitize begins CRYPTO SCRAMBLE, BLOCK ERASE or OVERWRITE. It ends by itself, loss of power or not.
func (d *drive) sanitize(t Taskfile, _ []byte) Result {
	way := map[uint16]string{cryptoScramble: "crypto", blockErase: "block", overwriteExt: "overwrite"}[t.Feature]
	key, want := t.LBA, keys[t.Feature]
	if t.Feature == overwriteExt {
		key, want = t.LBA>>32, overwriteKey
	}
	v := d.erase.View()
	phase, behaviour := d.sanitizePhase(), d.spec.Behaviour(erase.Sanitize)
	switch {
	case len(d.spec.Sanitize) == 0, phase == erase.Running:
		return abort()
	case !d.spec.Can(way):
		return refused(reasonUnsupported)
	case d.sanitizeFrozen:
		return refused(reasonFrozen)
	case key != want, behaviour.Refuse:
		return refused(0)
	case phase == erase.Failed && !v.Run.Exitable && t.Count&failureMode != 0:
		return refused(reasonFailed)
	}
	d.erase.Start(d.sanitizeRun(t, behaviour))
	d.advance()
	return d.sanitizeOutputs()
}

// sanitizeRun is what the registers ask for. Sanitize reaches what HPA, AMA and DCO hide too.
func (d *drive) sanitizeRun(t Taskfile, b erase.Behaviour) erase.Run {
	run := erase.Run{Kind: erase.Sanitize, Method: byte(t.Feature), End: d.medium.Size(), Exitable: t.Count&failureMode != 0, Behaviour: b}
	switch t.Feature {
	case cryptoScramble:
		run.Pattern, run.AtOnce = store.Noise(d.erase.Count()+1), true
	case blockErase:
		run.Pattern = erase.Leaves(d.spec.Leaves, d.erase.Count()+1)
	default:
		run.Pattern = store.Repeat{Bytes: lastPass(uint32(t.LBA), t.Count)}
	}
	return run
}

// lastPass is the pattern that OVERWRITE EXT leaves. Inverted between passes it is inverted after an even number of them, unless
// the pattern as given is to be the last.
func lastPass(pattern uint32, count uint16) []byte {
	passes := count & 0x0f
	if count&invertBetween != 0 && count&definitiveEnd == 0 && passes%2 == 0 { // 0 stands for 16
		pattern = ^pattern
	}
	return binary.LittleEndian.AppendUint32(nil, pattern)
}
