package shell

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"wiped/auth"
	"wiped/engine/journal"
)

var countedRefusals = regexp.MustCompile(`^(\d+) refusals of this key since \d{4}-\S+Z; the last: \S`)

// told is how many refusals entries tell of, and how many entries it takes.
func told(entries []journal.Entry) (refusals, kept int) {
	for _, e := range entries {
		if e.Action != "refused" {
			continue
		}
		kept++
		n := 1
		if m := countedRefusals.FindStringSubmatch(e.Detail); m != nil {
			n, _ = strconv.Atoi(m[1])
		}
		refusals += n
	}
	return refusals, kept
}

// TestRefusalsAreCounted: however many lines of a key are refused, in one session or in many, the audit tells of each, and takes few
// entries for them. Another key is not held against it.
func TestRefusalsAreCounted(t *testing.T) {
	st := newStation(t)
	st.lines(auth.Viewer, "on-error continue\n"+strings.Repeat("write: x\n", 300))
	for range 50 {
		if _, _, code := st.exec(auth.Viewer, "cancel 1"); code != exitRole {
			t.Fatalf("exit code %d", code)
		}
	}
	if _, kept := told(st.audited()); kept != refusalsAtOnce {
		t.Errorf("%d entries were kept one by one; want %d", kept, refusalsAtOnce)
	}
	st.noteRefusal(journal.Entry{Time: journal.At(time.Now()), Action: "refused", Operator: "bob", Fingerprint: "SHA256:other"})
	entries := st.audited()
	if last := entries[len(entries)-1]; last.Operator != "bob" {
		t.Errorf("a refusal of another key was not kept; the last entry is of %s", last.Operator)
	}
	st.Close()
	st.Close()
	if all, kept := told(st.audited()); all != 351 || kept != refusalsAtOnce+2 {
		t.Errorf("%d entries tell of %d refusals; want %d of 351", kept, all, refusalsAtOnce+2)
	}
	entries = st.audited()
	if last := entries[len(entries)-1]; last.Operator != "alice" || last.Exit == nil || *last.Exit != exitRole || last.Command != "cancel 1" {
		t.Errorf("the last entry is %+v; want alice's last refusal", last)
	}
}

// TestRefusalsLetUp: one entry each time that refusalsEvery has passed tells of all that came meanwhile.
func TestRefusalsLetUp(t *testing.T) {
	now := time.Now()
	r := newRefusals()
	sum, entries := 0, 0
	count := func(many int) {
		sum += many
		entries += min(many, 1)
	}
	const hours, asMany = 3, 100
	for n := range hours * 60 * asMany {
		_, many := r.add(journal.Entry{Detail: fmt.Sprint(n)}, now)
		count(many)
		now = now.Add(time.Minute / asMany)
	}
	if want := hours*60 + refusalsAtOnce; entries < want-2 || entries > want {
		t.Errorf("%d entries in %d hours; want about %d", entries, hours, want)
	}
	for range refusalsAtOnce + 1 {
		now = now.Add(refusalsEvery)
		_, many := r.sum(now)
		count(many)
	}
	if sum != hours*60*asMany {
		t.Errorf("%d refusals were told of; want %d", sum, hours*60*asMany)
	}
	now = now.Add(time.Hour)
	for n := range refusalsAtOnce {
		if e, many := r.add(journal.Entry{Detail: "x"}, now); many != 1 || e.Detail != "x" {
			t.Errorf("after an hour's rest refusal %d is told as %d", n, many)
		}
	}
}

// TestKeysForgotten: however many keys have lines refused, only those are remembered for which that makes a difference.
func TestKeysForgotten(t *testing.T) {
	var tr trail
	now := time.Now()
	refuse := func(key string, times int) {
		for range times {
			tr.of(key, now).add(journal.Entry{}, now)
		}
	}
	refuse("untold", refusalsAtOnce+1)
	for n := range manyKeys {
		refuse(fmt.Sprint(n), 1)
	}
	now = now.Add(refusalsEvery)
	refuse("busy", refusalsAtOnce)
	for n := range manyKeys {
		refuse(fmt.Sprint("new ", n), 1)
	}
	if n := len(tr.keys); n != manyKeys+2 || tr.keys["untold"].more != 1 || tr.keys["busy"] == nil {
		t.Errorf("%d keys are remembered", n)
	}
}

// TestAuditedText: a line takes no more of the audit than it may, whatever stands in it, and its length is named.
func TestAuditedText(t *testing.T) {
	for what, char := range map[string]string{"control characters": "\x01", "backslashes": `\`, "quotes": `"`, "letters": "x", "umlauts": "\u00e4", "beyond the plane": "\U0001f4be", "no UTF-8": "\xff"} {
		st := newStation(t)
		long := "write: " + strings.Repeat(char, 40_000/len(char))
		st.exec(auth.Viewer, long)
		st.exec(auth.Operator, long)
		text, err := os.ReadFile(filepath.Join(st.dir, "audit.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		for n, most := range []int{refusedLine, auditedLine} {
			if got, room := len(lines[n]), 700; got > most+room {
				t.Errorf("%s: %d bytes of the audit; want %d at most, and some %d for the rest of the entry", what, got, most, room)
			}
			if want := fmt.Sprintf("... (%d bytes)", len(long)); !strings.Contains(string(lines[n]), want) {
				t.Errorf("%s: %.3000s does not say %s", what, lines[n], want)
			}
		}
		st.exec(auth.Operator, "write: "+char)
		entries := st.audited()
		if e := entries[len(entries)-2]; e.Command != "write: "+clean(char) {
			t.Errorf("%s: %q is in the audit", what, e.Command)
		}
	}
}

// TestCancelWithoutAudit: a job can be stopped even if nobody can write down who did it; the log has him.
func TestCancelWithoutAudit(t *testing.T) {
	st := newStation(t)
	if err := st.Audit.Close(); err != nil {
		t.Fatal(err)
	}
	if _, say, code := st.exec(auth.Operator, "resume 1"); code != exitFailed || !strings.Contains(say, "not done, for it could not be audited") {
		t.Errorf("resume: exit code %d: %s", code, say)
	}
	if _, say, code := st.exec(auth.Operator, "cancel 1"); code != exitNotFound || strings.Contains(say, "audited") {
		t.Errorf("cancel of a job that there is not: exit code %d: %s", code, say)
	}
}
