package health

import (
	"fmt"
	"slices"

	"wiped/engine/drive"
)

// The words, from best to worst.
const (
	good    = "good"
	worn    = "worn"
	failing = "failing"
)

var words = []string{good, worn, failing}

// limits say from which count on a drive is called worn and failing; 0: never for this alone. Temperature and hours are not
// among them: they tell of the bay and of the calendar.
var limits = []threshold{
	{func(f *facts) *int64 { return f.health.Reallocated }, 1, 1000, "%d reallocated sector", "%d reallocated sectors",
		"the first one makes further ones likely, yet many drives live on for years; a thousand is near the end of what most have in reserve"},
	{func(f *facts) *int64 { return f.health.Pending }, 1, 100, "%d pending sector", "%d pending sectors",
		"a few can be the trace of a power cut and go when they are written; a hundred is a surface or a head that fails"},
	{func(f *facts) *int64 { return f.uncorrected }, 1, 100, "%d uncorrected error", "%d uncorrected errors",
		"each was a loss of data, of which a cable or a power cut may cause a few"},
	{func(f *facts) *int64 { return f.media }, 1, 100, "%d media error", "%d media errors",
		"each was a loss of data inside the drive; flash that is well has none"},
	{func(f *facts) *int64 { return f.health.Wear }, 80, 0, "%d %% of its rated writes are used", "%d %% of its rated writes are used",
		"the rating is what the maker vouches for; NVMe says that passing it need not be a failure, so this alone never is one"},
}

type threshold struct {
	count         func(*facts) *int64
	worn, failing int64
	one, many     string // with %d
	why           string
}

func (t threshold) finding(n int64) finding {
	word, text := worn, t.many
	if t.failing > 0 && n >= t.failing {
		word = failing
	}
	if n == 1 {
		text = t.one
	}
	return finding{word, fmt.Sprintf(text, n)}
}

// criticals are the bits of NVMe's critical warning (NVMe base specification, SMART log, byte 0). A drive that is too hot is not
// worn, but a drive that warns must not be called good.
var criticals = []struct {
	bit  int64
	word string
	text string
}{
	{1 << 0, failing, "its spare blocks are used up below the drive's own limit"},
	{1 << 1, worn, "its temperature is beyond the drive's own limit"},
	{1 << 2, failing, "the drive says that its reliability is degraded"},
	{1 << 3, failing, "the drive has made itself read-only"},
	{1 << 4, failing, "the backup of its volatile memory has failed"},
	{1 << 5, worn, "its persistent memory region is read-only or unreliable"},
	{^0x3f, failing, "the drive gives a critical warning that is not known here"},
}

// judge decides on the word. Good needs the drive's own verdict and at least one counter that bears it out.
func judge(f facts) drive.Health {
	h := f.health
	if f.silent != "" {
		h.Word, h.Reasons = "unknown", []string{f.silent}
		return h
	}
	found := f.findings()
	counted := slices.ContainsFunc(limits, func(l threshold) bool { return l.count(&f) != nil })
	h.Word = good
	for _, x := range found {
		h.Reasons = append(h.Reasons, x.text)
		if slices.Index(words, x.word) > slices.Index(words, h.Word) {
			h.Word = x.word
		}
	}
	switch {
	case h.Word != good:
	case f.mute != "":
		h.Word, h.Reasons = "unknown", append(h.Reasons, f.mute)
	case f.absurd:
		h.Word, h.Reasons = "unknown", append(h.Reasons, "one of its counters says what cannot be true")
	case !counted:
		h.Word, h.Reasons = "unknown", append(h.Reasons, "the drive says that it is well, but none of its counters could be read")
	}
	if f.incomplete && h.Word == "unknown" {
		h.Reasons = append(h.Reasons, "the drive did not answer all questions")
	}
	return h
}

// finding is something that speaks against a drive.
type finding struct{ word, text string }

func (f *facts) findings() (found []finding) {
	for _, c := range criticals {
		if f.critical != nil && *f.critical&c.bit != 0 {
			found = append(found, finding{c.word, c.text})
		}
	}
	if f.fails && len(found) == 0 { // of NVMe, smartctl's verdict is no more than these bits
		text := "the drive predicts its own failure"
		if f.verdict != "" {
			text += ": " + f.verdict
		}
		found = append(found, finding{failing, text})
	}
	for _, name := range f.predict {
		found = append(found, finding{failing, name + " is below its threshold"})
	}
	for _, name := range f.aged {
		found = append(found, finding{worn, name + " is or was below its threshold"})
	}
	for _, l := range limits {
		if n := l.count(f); n != nil && *n >= l.worn {
			found = append(found, l.finding(*n))
		}
	}
	if f.selfTest {
		found = append(found, finding{worn, "a self-test of the drive failed, and none succeeded since"})
	}
	return found
}
