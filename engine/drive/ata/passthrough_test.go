package ata

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"wiped/engine/drive/internal/sg"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCommandBytes holds every command against bytes that were written down from the standards, not computed.
func TestCommandBytes(t *testing.T) {
	sanitizeOf := func(n int) taskfile {
		s := sanitizes[n]
		return sanitize(s.name, s.feature, s.count, s.lba)
	}
	for _, c := range []struct {
		what string
		t    taskfile
		want string
	}{
		{"identify", taskfile{command: 0xec, count: 1, reads: true}, "85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00"},
		{"sanitize status", sanitize("", 0, 0, 0), "85 07 20 00 00 00 00 00 00 00 00 00 00 40 b4 00"},
		{"crypto scramble", sanitizeOf(0), "85 07 20 00 11 00 00 43 70 00 79 00 72 40 b4 00"},
		{"block erase", sanitizeOf(1), "85 07 20 00 12 00 00 42 72 00 45 00 6b 40 b4 00"},
		{"overwrite", sanitizeOf(2), "85 07 20 00 14 00 01 00 00 57 00 4f 00 40 b4 00"},
		{"set password", setPassword(), "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f1 00"},
		{"unlock", unlock(), "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f2 00"},
		{"erase prepare", erasePrepare(), "85 06 20 00 00 00 00 00 00 00 00 00 00 00 f3 00"},
		{"erase unit", eraseUnit(true), "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f4 00"},
		{"disable password", disablePassword(), "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f6 00"},
		{"native max", readNativeMax(hpa, true), "85 07 20 00 00 00 00 00 00 00 00 00 00 40 27 00"},
		{"native max, 28 bits", readNativeMax(hpa, false), "85 06 20 00 00 00 00 00 00 00 00 00 00 40 f8 00"},
		{"accessible native max", readNativeMax(ama, true), "85 07 20 00 00 00 00 00 00 00 00 00 00 40 78 00"},
		{"set max", setMax(hpa, true, 0x0123_4567_89ab), "85 07 20 00 00 00 01 45 ab 23 89 01 67 40 37 00"},
		{"set max, 28 bits", setMax(hpa, false, 0x0abc_def1), "85 06 20 00 00 00 01 00 f1 00 de 00 bc 4a f9 00"},
		{"set accessible max", setMax(ama, true, 0x0123_4567_89ab), "85 07 20 00 01 00 00 45 ab 23 89 01 67 40 78 00"},
		{"overlay identify", identifyOverlay(), "85 08 0e 00 c2 00 01 00 00 00 00 00 00 00 b1 00"},
		{"overlay restore", restoreOverlay(), "85 06 20 00 c0 00 00 00 00 00 00 00 00 00 b1 00"},
	} {
		if got := c.t.cdb(); !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s: command % x; want %s", c.what, got, c.want)
		}
	}
}

// TestSecurityBlocks holds what goes with the security commands against bytes written down.
func TestSecurityBlocks(t *testing.T) {
	for _, c := range []struct {
		what string
		t    taskfile
		want string
	}{
		{"set password", setPassword(), "0000 7769706564"},
		{"unlock", unlock(), "0000 7769706564"},
		{"erase unit", eraseUnit(false), "0000 7769706564"},
		{"erase unit, enhanced", eraseUnit(true), "0200 7769706564"},
		{"disable password", disablePassword(), "0000 7769706564"},
	} {
		want := make([]byte, 512)
		copy(want, unhex(t, c.want))
		if !bytes.Equal(c.t.out, want) {
			t.Errorf("%s: block % x...; want %s and zeros", c.what, c.t.out[:40], c.want)
		}
	}
}

// Sense data as it was seen or as SAT-4 and the kernel's source describe it.
const (
	descriptorDone   = "72 01 00 1d 00 00 00 0e 09 0c 01 00 80 00 00 ff 00 ff 00 00 40 50"
	descriptorAbort  = "72 0b 00 00 00 00 00 0e 09 0c 01 04 00 00 00 01 00 00 00 00 40 51"
	fixedDone        = "f0 00 01 00 50 40 00 0a c0 ff ff 00 00 1d 00 00 00 00"
	fixedAbort       = "f0 00 0b 04 51 40 00 0a 80 01 00 00 00 00 00 00 00 00"
	oldFixedAbort    = "70 00 0b 00 00 00 00 0a 04 51 40 00 00 00 00 00 80 01 00 00"
	invalidOpcode    = "70 00 05 00 00 00 00 0a 00 00 00 00 20 00 00 00 00 00"
	outOfRange       = "f0 00 05 00 40 00 00 0a 00 00 00 00 21 00 00 00 00 00"
	unitAttention    = "70 00 06 00 00 00 00 0a 00 00 00 00 29 00 00 00 00 00"
	descriptorZeroed = "72 01 00 1d 00 00 00 0e 09 0c 00 00 00 00 00 00 00 00 00 00 00 00"
	deferredAbort    = "73 0b 00 00 00 00 00 0e 09 0c 01 04 00 00 00 01 00 00 00 00 40 51"
)

// TestOutcome tells what came back from what only looks so.
func TestOutcome(t *testing.T) {
	all := registers{known: true, countKnown: true, lbaKnown: true}
	some := registers{known: true}
	for _, c := range []struct {
		what, sense string
		status      byte
		known       registers // only what is known counts
		want        outcome
	}{
		{"a descriptor", descriptorDone, 2, all, accepted},
		{"a descriptor with GOOD", descriptorDone, 0, all, accepted},
		{"an aborted command", descriptorAbort, 2, all, aborted},
		{"an aborted command under GOOD", descriptorAbort, 0, all, aborted},
		{"fixed format: an upper half of count that is not zero", fixedDone, 2, registers{known: true, lbaKnown: true}, accepted},
		{"fixed format, aborted", fixedAbort, 2, all, aborted},
		{"fixed format of Linux until 2024, aborted", oldFixedAbort, 2, all, aborted},
		{"no sense at all", "", 0, registers{}, accepted},
		{"CHECK CONDITION and nothing more", "", 2, registers{}, unclear},
		{"a bridge that does not know the command", invalidOpcode, 2, registers{}, notTaken},
		{"an address in the bytes of a status", outOfRange, 2, registers{}, notTaken},
		{"unit attention", unitAttention, 2, registers{}, notTaken},
		{"registers of zeros", descriptorZeroed, 2, registers{}, accepted},
		{"registers of an earlier command", deferredAbort, 2, registers{}, unclear},
		{"a descriptor cut short", descriptorAbort[:50], 2, registers{}, unclear},
		{"28-bit command: no upper halves", "72 01 00 1d 00 00 00 0e 09 0c 00 00 00 01 00 00 00 00 00 00 40 50", 2, some, accepted},
		{"fixed format of a 28-bit command", "f0 00 01 00 50 40 00 0a 00 ff ff 00 00 1d 00 00 00 00", 2, some, accepted},
		{"device fault", "72 04 00 00 00 00 00 0e 09 0c 01 04 00 00 00 00 00 00 00 00 40 71", 2, all, unclear},
		{"an error that is no abort", "72 03 11 00 00 00 00 0e 09 0c 01 40 00 00 00 00 00 00 00 00 40 51", 2, all, unclear},
		{"an illegal request beside a good status", "72 05 24 00 00 00 00 0e 09 0c 01 00 00 00 00 00 00 00 00 00 40 50", 2, all, unclear},
		{"not ready", "70 00 02 00 00 00 00 0a 00 00 00 00 04 1b 00 80 40 00", 2, registers{}, notTaken},
		{"aborted, and no registers", "70 00 0b 00 00 00 00 0a 00 00 00 00 47 03 00 00 00 00", 2, registers{}, unclear},
		{"BUSY", "", 8, registers{}, notTaken},
		{"RESERVATION CONFLICT", "", 0x18, registers{}, notTaken},
		{"TASK ABORTED", "", 0x40, registers{}, unclear},
	} {
		s := sg.ParseSense(unhex(t, c.sense))
		a := answer{came: true, registers: readRegisters(s), result: sg.Result{Status: c.status, Sense: s}}
		if got := a.outcome(); got != c.want {
			t.Errorf("%s: outcome %d; want %d", c.what, got, c.want)
		}
		if got := (registers{known: a.known, countKnown: a.countKnown, lbaKnown: a.lbaKnown}); got != c.known {
			t.Errorf("%s: known %+v; want %+v", c.what, got, c.known)
		}
	}
}

func TestNoAnswerIsNoSuccess(t *testing.T) {
	f := newFake(t)
	f.fault = breaks(0xec, 1, sg.Result{}, errHost)
	a, err := port{f}.do(taskfile{command: 0xec, count: 1, reads: true}, question)
	if err == nil || a.outcome() != unclear {
		t.Errorf("no answer: outcome %d, %v; want an unclear one, and an error", a.outcome(), err)
	}
}

func TestRegisters(t *testing.T) {
	for _, c := range []struct {
		what, sense string
		want        registers
	}{
		{"descriptor", "72 01 00 1d 00 00 00 0e 09 0c 01 12 34 56 78 9a bc de f0 11 4f 50",
			registers{true, true, true, 0x50, 0x12, 0x4f, 0x3456, 0xf0bc_7811_de9a}},
		{"a descriptor behind another", "72 01 00 1d 00 00 00 1a 00 0a 80 00 00 00 00 00 00 00 00 00 09 0c 01 12 34 56 78 9a bc de f0 11 4f 50",
			registers{true, true, true, 0x50, 0x12, 0x4f, 0x3456, 0xf0bc_7811_de9a}},
		{"fixed", "f0 00 01 12 50 4f 56 0a 80 9a de 11 00 1d 00 00 00 00",
			registers{true, true, true, 0x50, 0x12, 0x4f, 0x56, 0x11de9a}},
		{"fixed, more in the upper half of the address", "f0 00 01 12 50 4f 56 0a a0 9a de 11 00 1d 00 00 00 00",
			registers{true, true, false, 0x50, 0x12, 0x4f, 0x56, 0x11de9a}},
		{"fixed of Linux until 2024", "70 00 0b 00 00 00 00 0a 14 51 4f 56 00 00 00 00 a0 9a de 11",
			registers{true, true, false, 0x51, 0x14, 0x4f, 0x56, 0x11de9a}},
	} {
		if got := readRegisters(sg.ParseSense(unhex(t, c.sense))); got != c.want {
			t.Errorf("%s: %+v; want %+v", c.what, got, c.want)
		}
	}
}

// TestUnitAttention proves that news in place of an answer makes a question be sent once more, and no oftener.
func TestUnitAttention(t *testing.T) {
	news := sensed(unhex(t, unitAttention))
	f := newFake(t)
	f.fault = breaks(0xb4, 1, news, nil)
	if a, err := (port{f}).do(sanitize("", 0, 0, 0), question); err != nil || a.outcome() != accepted || len(f.sent) != 2 {
		t.Errorf("one unit attention: %v, %v after %d commands; want an answer after 2", a, err, len(f.sent))
	}
	f = newFake(t)
	f.fault = breaks(0xb4, 9, news, nil)
	if a, err := (port{f}).do(sanitize("", 0, 0, 0), question); err != nil || a.outcome() != notTaken || len(f.sent) != 2 {
		t.Errorf("nothing but unit attentions: %v, %v after %d commands; want one that was not taken after 2", a, err, len(f.sent))
	}
}

// FuzzRegisters proves that sense data of any kind makes no panic, and no success out of an error.
func FuzzRegisters(f *testing.F) {
	for _, s := range []string{descriptorDone, descriptorAbort, fixedDone, fixedAbort, oldFixedAbort, invalidOpcode, unitAttention, descriptorZeroed, deferredAbort} {
		f.Add(byte(2), unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, status byte, b []byte) {
		s := sg.ParseSense(b)
		a := answer{came: true, registers: readRegisters(s), result: sg.Result{Status: status, Sense: s}}
		switch o := a.outcome(); {
		case !a.known && a.registers != registers{}:
			t.Errorf("registers %+v of nothing known", a.registers)
		case o == accepted && status != sg.Good && (!s.Present || s.Key > sg.Recovered):
			t.Errorf("accepted, from status %02xh and %v", status, s)
		case o == accepted && a.known && a.status&0x21 != 0:
			t.Errorf("accepted, with an ATA status of %02xh", a.status)
		case o == aborted && (a.status&1 == 0 || a.fault&4 == 0):
			t.Errorf("aborted, with an ATA status of %02xh and error %02xh", a.status, a.fault)
		}
		_ = a.String()
	})
}
