package engine

import (
	"fmt"

	"wiped/engine/journal"
)

// findings is all that counts for the result of a job.
type findings struct {
	size        int64  // bytes of the drive
	verify      string // full, sample or none: what was asked for
	cancelled   bool
	interrupted bool
	begun       bool   // something may have been written
	why         string // interrupted: why, if it is not that the server stopped
	startedOver bool   // the drive did not hold what a checkpoint claimed
	broken      string // why the job could not go on; empty: it went on to its end
	aside       string // why the drive was set aside although it is there; empty: it was not
	reached     string // aside: how far the job had come, in percent
	mark        int64  // of a pass that did not come to its end: all below this offset is written or on record as bad
	flushFailed bool
	passes      []journal.PassRun
	planned     int // write passes
	read        journal.Verification
	sampleBytes int64 // what verification had to read
	whole       bool  // that was all of the drives

	firmware *journal.Firmware // of a method with an action: what became of it; nil: the method overwrites
	rekeyed  bool              // the action leaves ciphertext: what is read afterwards looks like anything
	refused  string            // why the drive did not begin
	lost     string            // why it cannot be known what became of the action
}

// judge decides what a job may be called. It says erased only where every byte of the drive was covered by every pass
// and the verification that was asked for read all it should and found all as it should be: guarantee 1.
func judge(f findings) (result State, reason string) {
	if f.firmware != nil {
		return judgeFirmware(f)
	}
	switch bad := f.unwritable(); {
	case f.aside != "":
		return Failed, f.setAside()
	case f.broken != "":
		return Failed, f.broken
	case f.cancelled && !f.begun:
		return Cancelled, "before anything was written"
	case f.cancelled && f.covered():
		return Cancelled, "every pass was written, and not verified"
	case f.cancelled:
		return Cancelled, "the drive is overwritten in part"
	case f.interrupted && f.why != "":
		return Interrupted, f.why
	case f.interrupted:
		return Interrupted, "the server stopped; it can be resumed"
	case bad > 0:
		return Failed, fmt.Sprintf("%d bytes could not be written", bad)
	case f.flushFailed:
		return Failed, "the drive did not confirm that it wrote everything"
	case !f.covered():
		return Failed, "not every byte was written: this is a defect in wiped"
	case f.verify == "none":
		return Unverified, "overwritten, NOT verified"
	case f.read.UnreadableBytes > 0:
		return Failed, fmt.Sprintf("%d bytes could not be read back", f.read.UnreadableBytes)
	case f.read.MismatchBytes > 0:
		return Failed, fmt.Sprintf("%d bytes do not hold what was written", f.read.MismatchBytes)
	case f.read.BytesRead == 0 || f.read.BytesRead != f.sampleBytes:
		return Failed, "verification did not read all that it should: this is a defect in wiped"
	}
	return Erased, ""
}

// setAside says what became of a drive that was set aside, and what to do with it.
func (f findings) setAside() string {
	text := fmt.Sprintf("set aside at %s: %s", f.reached, f.aside)
	if bad := f.unwritable(); bad > 0 {
		text += fmt.Sprintf("; %d bytes could not be written", bad)
	}
	if bad := f.read.UnreadableBytes; bad > 0 {
		text += fmt.Sprintf("; %d bytes could not be read", bad)
	}
	if n, left := f.unfinished(); left > 0 {
		text += fmt.Sprintf("; pass %d of %d did not reach %d bytes", n, f.planned, left)
	} else if left := f.sampleBytes - f.read.BytesRead - f.read.UnreadableBytes; left > 0 {
		text += fmt.Sprintf("; %d bytes were not read back", left)
	}
	return text + "; destroy the drive, or erase it again at another port"
}

// unfinished is the pass that did not come to its end, counted from 1, and how many bytes it neither wrote nor failed to.
func (f findings) unfinished() (pass int, left int64) {
	n := len(f.passes)
	if n == 0 || f.passes[n-1].Complete {
		return 0, 0
	}
	return n, max(0, f.size-f.passes[n-1].BytesWritten-f.passes[n-1].BadBytes)
}

func (f findings) unwritable() (bytes int64) {
	for _, p := range f.passes {
		bytes += p.BadBytes
	}
	return bytes
}

// complete is how many passes came to their end.
func (f findings) complete() (n int) {
	for _, p := range f.passes {
		if p.Complete {
			n++
		}
	}
	return n
}

// covered tells whether every pass wrote every byte.
func (f findings) covered() bool {
	if f.size <= 0 || f.planned == 0 || len(f.passes) != f.planned {
		return false
	}
	for _, p := range f.passes {
		if !p.Complete || p.BytesWritten != f.size {
			return false
		}
	}
	return true
}

// verdict is the word for a verification.
func verdict(v journal.Verification, whole bool) string {
	switch {
	case v.Scope == "none":
		return "not done"
	case v.MismatchBytes > 0 || v.UnreadableBytes > 0:
		return "failed"
	case !whole:
		return "not finished"
	}
	return "passed"
}
