package nvmetcp

import (
	"bytes"
	"testing"
	"time"
)

// kept tells of a namespace of 1 MiB filled with OLD what of its first and last sector is as it was.
func kept(b *bench, nsid uint32) (first, last bool) {
	blocks := uint64(1<<20) >> b.s.namespace(nsid).shift()
	old := func(lba uint64) bool { return bytes.Contains(b.read(nsid, lba, 1), []byte("OLD")) }
	return old(0), old(blocks - 1)
}

func TestSanitizeRuns(t *testing.T) {
	b := newBench(t, "nvme size=1M ns=3 sector=512,4096 detached=3 fill=OLD took=10s est=7")
	if got, want := b.log(), (log81{0xFFFF, 0, 0}); got != want {
		t.Errorf("before: %+v, want %+v", got, want)
	}
	if st := b.sanitize(4); st != success {
		t.Fatalf("sanitize: %04Xh", st)
	}
	b.clock.advance(2500 * time.Millisecond)
	if got, want := b.log(), (log81{0x4000, 2, 4}); got != want {
		t.Errorf("at a quarter: %+v, want %+v", got, want)
	}
	b.want(sanitizeInProgress, b.io, command(opRead, 1), nil)
	b.want(sanitizeInProgress, b.io, command(opWrite, 1), make([]byte, 512))
	b.want(success, b.io, command(opFlush, 1), nil)
	b.want(sanitizeInProgress, b.admin, command(opFormat, 1, 1<<9), nil)
	b.want(sanitizeInProgress, b.admin, command(opSanitize, 0, 2), nil)
	b.must(b.admin, command(opIdentify, 1), nil)
	b.must(b.admin, command(opKeepAlive, 0), nil)
	b.clock.advance(7500 * time.Millisecond)
	if got, want := b.log(), (log81{0xFFFF, 0x101, 4}); got != want {
		t.Errorf("after: %+v, want %+v", got, want)
	}
	for _, nsid := range []uint32{1, 2} {
		if first, last := kept(b, nsid); first || last {
			t.Errorf("namespace %d was not erased", nsid)
		}
	}
	detached := make([]byte, 512)
	if _, err := b.s.namespace(3).store.ReadAt(detached, 0); err != nil || bytes.Contains(detached, []byte("OLD")) {
		t.Errorf("the detached namespace was not erased: %q, %v", detached[:8], err)
	}
	b.write(1, 0, make([]byte, 512))
	if got := b.log().status; got != 1 {
		t.Errorf("SSTAT after a write is %#x: Global Data Erased must be gone", got)
	}
}

func TestSanitizeBeforeTheFirstLook(t *testing.T) {
	b := newBench(t, "size=1M fill=OLD")
	b.sanitize(2)
	if got, want := b.log(), (log81{0xFFFF, 0x101, 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOverwriteCountsPasses(t *testing.T) {
	b := newBench(t, "size=1M fill=OLD took=4s")
	b.sanitize(3 | 4<<4)
	for pass, want := range []uint16{0x02, 0x0A, 0x12, 0x1A} {
		if got := b.log(); got.status != want || got.word != 0x43 {
			t.Errorf("after %d passes: %+v, want SSTAT %#x", pass, got, want)
		}
		b.clock.advance(time.Second)
	}
	if got, want := b.log(), (log81{0xFFFF, 0x121, 0x43}); got != want {
		t.Errorf("after: %+v, want %+v", got, want)
	}
	if got, want := b.read(1, 5, 1)[:8], []byte{0x44, 0x33, 0x22, 0x11, 0x44, 0x33, 0x22, 0x11}; !bytes.Equal(got, want) {
		t.Errorf("media hold % X, want the pattern % X", got, want)
	}
}

func TestSanitizeModes(t *testing.T) {
	for _, test := range []struct {
		line                 string
		before, during, last log81
		firstKept, lastKept  bool
	}{
		{"lie", log81{0xFFFF, 0, 0}, log81{0x8000, 2, 2}, log81{0xFFFF, 0x101, 2}, true, true},
		{"lie-half", log81{0xFFFF, 0, 0}, log81{0x8000, 2, 2}, log81{0xFFFF, 0x101, 2}, false, true},
		{"forget", log81{0xFFFF, 0, 0}, log81{0xFFFF, 0, 0}, log81{0xFFFF, 0, 0}, true, true},
		{"forget=erased", log81{0xFFFF, 0, 0}, log81{0xFFFF, 0, 0}, log81{0xFFFF, 0, 0}, false, false},
		{"forget=after", log81{0xFFFF, 0, 0}, log81{0x8000, 2, 2}, log81{0xFFFF, 0, 0}, false, false},
		{"other", log81{0xFFFF, 1, 4}, log81{0xFFFF, 1, 4}, log81{0xFFFF, 1, 4}, true, true},
		{"other=erased", log81{0xFFFF, 0, 0}, log81{0x8000, 2, 4}, log81{0xFFFF, 0x101, 4}, false, false},
		{"stale", log81{0xFFFF, 1, 2}, log81{0xFFFF, 1, 2}, log81{0xFFFF, 1, 2}, true, true},
		{"stale=a", log81{0xFFFF, 1, 10}, log81{0xFFFF, 1, 2}, log81{0xFFFF, 1, 2}, true, true},
		{"after=ones", log81{0xFFFF, 0, 0}, log81{0x8000, 2, 2}, log81{0xFFFF, 0x101, 2}, false, false},
	} {
		t.Run(test.line, func(t *testing.T) {
			b := newBench(t, "size=1M fill=OLD took=2s "+test.line)
			if got := b.log(); got != test.before {
				t.Errorf("before: %+v, want %+v", got, test.before)
			}
			if st := b.sanitize(2); st != success {
				t.Fatalf("sanitize: %04Xh", st)
			}
			b.clock.advance(time.Second)
			if got := b.log(); got != test.during {
				t.Errorf("half way: %+v, want %+v", got, test.during)
			}
			b.clock.advance(time.Second)
			if got := b.log(); got != test.last {
				t.Errorf("after: %+v, want %+v", got, test.last)
			}
			if first, last := kept(b, 1); first != test.firstKept || last != test.lastKept {
				t.Errorf("kept the first sector: %v, the last: %v; want %v, %v", first, last, test.firstKept, test.lastKept)
			}
		})
	}
}

func TestSanitizeNeverEnds(t *testing.T) {
	b := newBench(t, "size=1M fill=OLD took=2s never-ends=75")
	b.sanitize(2)
	b.clock.advance(time.Hour)
	if got, want := b.log(), (log81{0xC000, 2, 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestSanitizeFails walks through restricted and unrestricted failure (base specification 2.1, 8.1.24.3).
func TestSanitizeFails(t *testing.T) {
	b := newBench(t, "size=1M fill=OLD took=1s fail=2")
	b.sanitize(2)
	b.clock.advance(time.Second)
	if got, want := b.log(), (log81{0xFFFF, 3, 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	b.want(sanitizeFailed, b.io, command(opRead, 1), nil)
	b.want(sanitizeFailed, b.admin, command(opFormat, 1, 1<<9), nil)
	b.want(sanitizeFailed, b.admin, command(opSanitize, 0, actionExitFailure), nil)
	b.want(sanitizeFailed, b.admin, command(opSanitize, 0, actionBlock|1<<3), nil)
	b.sanitize(2)
	b.clock.advance(time.Second)
	if got := b.log().status; got != 3 {
		t.Errorf("SSTAT of the second failure is %d", got)
	}
	b.sanitize(2)
	b.clock.advance(time.Second)
	if got := b.log().status; got != 0x101 {
		t.Errorf("SSTAT of the third sanitize is %#x", got)
	}
	b.read(1, 0, 1)

	b = newBench(t, "size=1M fill=OLD took=1s fail=always")
	b.sanitize(2 | 1<<3)
	b.clock.advance(time.Second)
	b.want(sanitizeFailed, b.io, command(opRead, 1), nil)
	b.want(success, b.admin, command(opSanitize, 0, actionExitFailure), nil)
	if got := b.log().status; got != 3 {
		t.Errorf("SSTAT after the exit is %d: the last sanitize still failed", got)
	}
	if first, last := kept(b, 1); first || !last {
		t.Errorf("kept the first sector: %v, the last: %v", first, last)
	}
}

func TestSanitizeRefused(t *testing.T) {
	for _, test := range []struct {
		line string
		word uint32
		want status
	}{
		{"refuse", 2, invalidField},
		{"refuse=123", 2, 0x123},
		{"no-sanitize", 2, invalidOpcode},
		{"sanitize=crypto", 2, invalidField},
		{"sanitize=crypto", 3, invalidField},
		{"sanitize=block,overwrite", 4, invalidField},
		{"", 0, invalidField},
		{"", 5, invalidField},
		{"", 7, invalidField},
		{"", actionExitFailure, success},
		{"sanicap=20000002", 2 | 1<<9, invalidField}, // No-Deallocate is inhibited
		{"read-only", 2, writeProtected},
		{"ns=2 read-only=2", 2, writeProtected},
	} {
		b := newBench(t, "size=1M fill=OLD "+test.line)
		if got := b.sanitize(test.word); got != test.want {
			t.Errorf("%q, CDW10 %#x: %04Xh, want %04Xh", test.line, test.word, got, test.want)
		}
		if first, last := kept(b, 1); !first || !last {
			t.Errorf("%q: data are gone", test.line)
		}
	}
	b := newBench(t, "no-sanitize")
	b.want(invalidLogPage, b.admin, logCommand(logSanitize, 512), nil)
}

func TestEstimates(t *testing.T) {
	for line, want := range map[string]uint32{"": 0, "took=2500ms": 3, "est=9": 9, "est=unknown": 0xFFFFFFFF} {
		page := newBench(t, line).s.sanitizeLog()
		for at := 8; at < 32; at += 4 {
			if got := le.Uint32(page[at:]); got != want {
				t.Errorf("%q: at %d: %d, want %d", line, at, got, want)
			}
		}
	}
}

func TestHang(t *testing.T) {
	b := newBench(t, "size=1M took=1s hang")
	if st := b.sanitize(2); st != success {
		t.Fatalf("sanitize: %04Xh", st)
	}
	for _, c := range []sqe{logCommand(logSanitize, 512), command(opKeepAlive, 0), connectCommand(0)} {
		if r := b.do(b.admin, c, nil); !r.pending {
			t.Errorf("opcode %02Xh was answered", c.opcode())
		}
	}
	b.clock.advance(time.Hour)
	if len(b.answered) != 0 {
		t.Errorf("%d commands were answered late", len(b.answered))
	}
}

func TestPowerLoss(t *testing.T) {
	b := newBench(t, "size=1M fill=OLD took=10s power-loss=40 dark=30s")
	b.s.server.conns[&conn{subsystem: b.s, net: closer{closed: func() { b.dropped++ }}}] = true
	b.sanitize(2)
	b.clock.advance(5 * time.Second)
	if b.dropped != 1 || !b.s.isDark() {
		t.Fatalf("at half: dropped %d connections, dark %v", b.dropped, b.s.isDark())
	}
	b.clock.advance(29 * time.Second)
	if b.s.isDark() {
		t.Fatal("no power after 30 s")
	}
	b.want(sequenceError, b.admin, command(opKeepAlive, 0), nil)
	b.connect()
	if got, want := b.log(), (log81{uint16(0x10000 * 4 / 10), 2, 2}); got != want {
		t.Errorf("when power is back: %+v, want %+v", got, want)
	}
	b.clock.advance(6 * time.Second)
	if got, want := b.log(), (log81{0xFFFF, 0x101, 2}); got != want {
		t.Errorf("after: %+v, want %+v", got, want)
	}
	smart := b.must(b.admin, logCommand(logSMART, 512), nil).data
	if cycles, unsafe := le.Uint64(smart[112:]), le.Uint64(smart[144:]); cycles != 2 || unsafe != 1 {
		t.Errorf("power cycles %d, unsafe shutdowns %d; want 2, 1", cycles, unsafe)
	}
}

func TestVanish(t *testing.T) {
	b := newBench(t, "size=1M took=10s vanish=10")
	b.sanitize(2)
	b.clock.advance(time.Second)
	if !b.s.hasVanished() || !b.s.server.shut {
		t.Error("it is still there")
	}
}

func TestSanitizeEvent(t *testing.T) {
	b := newBench(t, "size=1M took=1s")
	for range eventLimit {
		if r := b.do(b.admin, command(opAsyncEvent, 0), nil); !r.pending {
			t.Fatalf("an event without a cause: %+v", r)
		}
	}
	b.want(tooManyEvents, b.admin, command(opAsyncEvent, 0), nil)
	b.sanitize(2)
	b.clock.advance(time.Second)
	if len(b.answered) != 1 {
		t.Fatalf("%d events, want 1", len(b.answered))
	}
	for _, r := range b.answered {
		if r.result != 0x810106 {
			t.Errorf("event %#x, want 0x810106", r.result)
		}
	}
}
