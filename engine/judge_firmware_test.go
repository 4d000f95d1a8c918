package engine

import (
	"testing"
	"time"

	"wiped/engine/journal"
)

// TestJudgeFirmware: erased needs every part of guarantee 1.
func TestJudgeFirmware(t *testing.T) {
	at := journal.At(time.Now())
	good := func() findings {
		return findings{size: 100, verify: "sample", sampleBytes: 10, read: journal.Verification{BytesRead: 10, Result: "passed"},
			firmware: &journal.Firmware{Sent: at, Accepted: at, Seen: at, Ended: at, Places: 10, Telling: 10}}
	}
	for _, c := range []struct {
		what   string
		change func(*findings)
		want   State
	}{
		{"nothing", func(*findings) {}, Erased},
		{"not seen, but something could tell", func(f *findings) { f.firmware.Seen = journal.Time{} }, Erased},
		{"seen, and nothing could tell", func(f *findings) { f.firmware.Telling = 0 }, Erased},
		{"not seen, and nothing could tell", func(f *findings) { f.firmware.Seen, f.firmware.Telling = journal.Time{}, 0 }, Unknown},
		{"named, and nothing could tell", func(f *findings) { f.firmware.Seen, f.firmware.Telling, f.firmware.Named = journal.Time{}, 0, true }, Unknown},
		{"not accepted, but seen", func(f *findings) { f.firmware.Accepted = journal.Time{} }, Erased},
		{"neither accepted nor seen", func(f *findings) { f.firmware.Accepted, f.firmware.Seen = journal.Time{}, journal.Time{} }, Unknown},
		{"no end", func(f *findings) { f.firmware.Ended = journal.Time{} }, Unknown},
		{"failed", func(f *findings) { f.firmware.Failed = true }, Failed},
		{"kept", func(f *findings) { f.read.MismatchBytes = 1 }, Failed},
		{"kept on another", func(f *findings) { f.read.Also = []journal.Verification{{MismatchBytes: 1}} }, Failed},
		{"unreadable", func(f *findings) { f.read.UnreadableBytes = 1 }, Failed},
		{"too little read", func(f *findings) { f.read.BytesRead = 9 }, Failed},
		{"nothing read", func(f *findings) { f.read.BytesRead, f.sampleBytes = 0, 0 }, Failed},
		{"lost", func(f *findings) { f.lost = "x" }, Unknown},
		{"refused", func(f *findings) { f.refused = "x" }, Failed},
		{"broken", func(f *findings) { f.broken = "x" }, Failed},
		{"not verified", func(f *findings) { f.verify, f.read = "none", journal.Verification{} }, Unverified},
		{"not verified, not seen, something could tell", func(f *findings) {
			f.verify, f.read, f.firmware.Seen = "none", journal.Verification{}, journal.Time{}
		}, Unknown},
		{"not verified, not seen, named", func(f *findings) {
			f.verify, f.read, f.firmware.Seen, f.firmware.Named = "none", journal.Verification{}, journal.Time{}, true
		}, Unverified},
		{"not verified, named, not accepted", func(f *findings) {
			f.verify, f.read, f.firmware.Seen, f.firmware.Accepted, f.firmware.Named = "none", journal.Verification{}, journal.Time{}, journal.Time{}, true
		}, Unknown},
		{"ended unwatched, and left something", func(f *findings) { f.firmware.Unwatched, f.firmware.Others = true, 1 }, Unknown},
		{"ended unwatched, and says that nothing was written since", func(f *findings) {
			f.firmware.Unwatched, f.firmware.Untouched, f.firmware.Others = true, true, 1
		}, Erased},
		{"parts that could not tell, all read, seen, and left nothing", func(f *findings) { f.firmware.Dull, f.whole = 1, true }, Erased},
		{"parts that could not tell, not seen", func(f *findings) { f.firmware.Dull, f.firmware.Seen, f.whole = 1, journal.Time{}, true }, Unknown},
		{"parts that could not tell, and left something", func(f *findings) { f.firmware.Dull, f.firmware.Others, f.whole = 1, 1, true }, Unknown},
		{"parts that could not tell, rekeyed", func(f *findings) { f.firmware.Dull, f.rekeyed, f.whole = 1, true, true }, Unknown},
		{"parts that could not tell, and not all was read", func(f *findings) { f.firmware.Dull = 1 }, Failed},
		{"ended unwatched, all read, and left nothing", func(f *findings) { f.firmware.Unwatched, f.whole = true, true }, Erased},
		{"ended unwatched, and not all was read", func(f *findings) { f.firmware.Unwatched = true }, Failed},
		{"not verified, not attributed", func(f *findings) {
			f.verify, f.firmware.Seen, f.firmware.Telling = "none", journal.Time{}, 0
		}, Unknown},
		{"cancelled before", func(f *findings) { f.cancelled, f.firmware = true, &journal.Firmware{} }, Cancelled},
		{"cancelled after", func(f *findings) { f.cancelled = true }, Cancelled},
		{"interrupted", func(f *findings) { f.interrupted = true }, Interrupted},
	} {
		f := good()
		c.change(&f)
		if got, why := judge(f); got != c.want || (why == "") != (got == Erased) {
			t.Errorf("%s: %s (%s); want %s", c.what, got, why, c.want)
		}
	}
}
