package engine

import (
	"fmt"

	"wiped/engine/drive"
	"wiped/engine/journal"
)

// judgeFirmware decides what a job may be called whose drive erased itself. It says erased only where the drive accepted
// this job's command and said that it ended well, where this end is attributed to this command, and where reading found
// none of what was there before: guarantee 1. What cannot be known is unknown, and unknown is no success.
func judgeFirmware(f findings) (result State, reason string) {
	fw, read := f.firmware, f.read.Total()
	sent := !fw.Sent.IsZero()
	switch {
	case f.cancelled && !sent:
		return Cancelled, "before the drive was told to erase itself; nothing was erased" + markedText(fw)
	case f.interrupted && f.why != "":
		return Interrupted, f.why
	case f.interrupted:
		return Interrupted, "the server stopped; it can be resumed"
	case f.refused != "":
		return Failed, f.refused
	case f.aside != "":
		return Failed, f.setAside()
	case f.broken != "" && !sent && fw.Marked > 0:
		return Failed, f.broken + "; nothing was erased" + markedText(fw)
	case f.broken != "":
		return Failed, f.broken
	case fw.Failed:
		return Failed, "the drive says that its erase failed (" + fw.Status + "): erase it again, or destroy it"
	case f.lost != "":
		return Unknown, f.lost
	case fw.Ended.IsZero():
		return Unknown, "the drive never said that it ended"
	case fw.Accepted.IsZero() && fw.Seen.IsZero() && !fw.Named:
		return Unknown, "the drive never said that it took the command; overwrite it"
	case f.cancelled:
		return Cancelled, "the drive erased itself, and nothing was verified"
	case f.verify == "none" && !fw.Accepted.IsZero() && (!fw.Seen.IsZero() || fw.Named || fw.Blocked):
		return Unverified, "the drive was told to, and said that it ended well; NOT verified"
	case f.verify == "none":
		return Unknown, "the drive was never seen at it, and nothing was verified; overwrite it"
	case read.MismatchBytes > 0:
		return Failed, fmt.Sprintf("the drive said that it erased itself, and %d bytes of what was there before are still found", read.MismatchBytes)
	case read.UnreadableBytes > 0:
		return Failed, fmt.Sprintf("%d bytes could not be read afterwards; overwrite the drive as well", read.UnreadableBytes)
	case f.verify != "none" && (read.BytesRead == 0 || read.BytesRead != f.sampleBytes):
		return Failed, "verification did not read all that it should: this is a defect in wiped"
	case fw.Unwatched && !fw.Untouched && fw.Others > 0:
		return Unknown, "nobody had hold of the drive for a while after it was told to, and it holds what somebody may have written since; erase it again"
	case inDoubt(fw) && !f.whole:
		return Failed, "verification did not read the whole drive: this is a defect in wiped"
	case !attributed(fw):
		return Unknown, "the drive was never seen at it, and held nothing that could tell; erase it by overwriting"
	case fw.Dull > 0 && fw.Seen.IsZero():
		return Unknown, "the drive was never seen at it, and " + dullText(fw) + "; erase it so once more, or overwrite it"
	case fw.Dull > 0 && (f.rekeyed || fw.Others > 0):
		return Unknown, dullText(fw) + ", and what the drive holds now may be what was there; erase it so once more, or overwrite it"
	}
	return Erased, ""
}

// inDoubt tells whether the samples prove too little: only where the whole drive reads as zeros or ones it is known then that
// nothing of what was there is left, and nothing new has come. A crypto erase leaves anything, which proves nothing. A drive
// that nobody had hold of at its end or after it can hold new data between the samples, unless it says that it was not written;
// one that could not be read or marked everywhere before can hold the old ones where there was no sample.
func inDoubt(fw *journal.Firmware) bool { return fw.Unwatched && !fw.Untouched || fw.Dull > 0 }

// rekeys tells whether an action leaves what was there, but for its key.
func rekeys(a drive.Action) bool { return a == drive.SanitizeCrypto || a == drive.FormatCrypto }

// markedText is what was written to a drive although it was not erased.
func markedText(fw *journal.Firmware) string {
	if fw.Marked == 0 {
		return ""
	}
	return fmt.Sprintf(", but for %d sectors that were written to tell", fw.Marked)
}

func dullText(fw *journal.Firmware) string {
	return fmt.Sprintf("%d of the parts in which it is sampled held nothing that could be recognised and took no mark before", fw.Dull)
}

// attributed tells whether the end that the drive reported is that of this job's command. It was seen at it, or there was
// something on it, written by this job if need be, that is gone now: a success that is neither is an empty word.
func attributed(fw *journal.Firmware) bool { return !fw.Seen.IsZero() || fw.Telling > 0 }

// firmwareEvidence is what the certificate of such a job rests on.
func firmwareEvidence(fw journal.Firmware, read journal.Verification) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	add("before, %d sectors were read in samples; %d of them held something that can be recognised", fw.Places, fw.Telling)
	if fw.Marked > 0 {
		add("%d of them held nothing such, and were written with random bytes before the erase", fw.Marked)
	}
	if fw.Dull > 0 {
		add("%s", dullText(&fw))
	}
	if !fw.Accepted.IsZero() && fw.Blocked {
		add("the drive's command returned with good status when it had ended")
	} else if !fw.Accepted.IsZero() {
		add("the drive accepted the command")
	}
	if !fw.Seen.IsZero() {
		add("the drive was seen at it, first at %s", fw.Seen)
	}
	if fw.Unwatched {
		add("nobody had hold of the drive for a while, the last look before that being at %s; it had ended at the next one, or before", fw.LastLook)
	}
	if fw.Unwatched && fw.Untouched {
		add("the drive says that nothing was written to it since it ended")
	}
	if fw.Named {
		add("the drive's status names this job's command")
	}
	if fw.Status != "" {
		add("the drive's last answer: %s", fw.Status)
	}
	if sum := read.Total(); sum.BytesRead > 0 {
		add("afterwards %d bytes were read: %d in sectors of zeros, %d of ones, %d of anything else; %d bytes are of sectors as they were before",
			sum.BytesRead, fw.Zeros, fw.Ones, fw.Others, sum.MismatchBytes)
	}
	return list
}
