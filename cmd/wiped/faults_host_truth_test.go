package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// area is a part of a drive, in bytes.
type area struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// certified is what a reader of a certificate takes from it who knows nothing of wiped's own code.
type certified struct {
	Result string
	Reason *string
	Level  *string
	Method struct{ Action string }
	Passes []struct {
		Pattern struct{ Bytes, Key string }
		Run     *struct {
			Bad      []area `json:"unwritable"`
			BadBytes int64  `json:"unwritable_bytes"`
			Written  int64  `json:"bytes_written"`
			Complete bool
		}
	}
	Verification struct {
		Scope, Result   string
		BytesRead       int64  `json:"bytes_read"`
		Mismatches      []area `json:"mismatches"`
		MismatchBytes   int64  `json:"mismatch_bytes"`
		Unreadable      []area `json:"unreadable"`
		UnreadableBytes int64  `json:"unreadable_bytes"`
	}
	Errors struct {
		Unwritable int64 `json:"unwritable_bytes"`
		Unreadable int64 `json:"unreadable_bytes"`
		Mismatched int64 `json:"mismatched_bytes"`
	}
	Drive struct {
		Size int64 `json:"size_bytes"`
	}
}

// unwritten are the areas that any pass could not write, without those that another pass had already.
func (c certified) unwritten() []area {
	all := []area{}
	seen := map[area]bool{}
	for _, p := range c.Passes {
		if p.Run == nil {
			continue
		}
		for _, a := range p.Run.Bad {
			if !seen[a] {
				seen[a], all = true, append(all, a)
			}
		}
	}
	return all
}

// ends are the results of a job: the words of its last status line, the exit code of erase --wait and of certificate, and the first
// words of the certificate's text.
var ends = map[string]struct {
	word, heading string
	code          int
}{
	"erased":      {`erased: `, "ERASED (", 0},
	"unverified":  {`(overwritten|told to erase itself), NOT verified: `, "NOT ERASED: ", 0},
	"failed":      {`FAILED: `, "NOT ERASED: the job FAILED", 1},
	"unknown":     {`UNKNOWN: `, "NOT ERASED: the outcome is unknown", 1},
	"cancelled":   {`CANCELLED: `, "NOT ERASED: ", 6},
	"interrupted": {`INTERRUPTED at `, "", 7},
}

// asker runs a command as somebody.
type asker func(who, command string) (out, errOut string, code int)

var jobNumber = regexp.MustCompile(`(?m)^\[job (\d+)\] |^job (\d+) started`)

// lastLine is what was said last of a job.
func lastLine(stream, id string) (last string) {
	for line := range strings.Lines(stream) {
		if strings.HasPrefix(line, "[job "+id+"] ") {
			last = strings.TrimSuffix(line, "\n")
		}
	}
	return last
}

// agree asks for a job in every way there is, and tells where the answers are at odds: with each other, with the status lines in
// stream, and with the exit code of the erase --wait that printed them (negative: it had other jobs too).
func agree(ask asker, id, stream string, code int) (c certified, wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	out, errOut, _ := ask("viewer", "job "+id+" --json")
	var job struct{ State, Result, Reason string }
	if err := json.Unmarshal([]byte(out), &job); err != nil {
		complain("job %s --json: %v: %s%s", id, err, out, errOut)
		return c, wrong
	}
	end, known := ends[job.State]
	if !known || job.Result != job.State {
		complain("job %s --json: its state is %q and its result %q", id, job.State, job.Result)
		return c, wrong
	}
	last := lastLine(stream, id)
	if !regexp.MustCompile(`^\[job ` + id + `\] \S+ ` + end.word).MatchString(last) {
		complain("job --json says %s, and the last status line: %s", job.State, last)
	}
	if code >= 0 && code != end.code {
		complain("job --json says %s, and the exit code is %d, not %d", job.State, code, end.code)
	}
	if job.Reason != "" && !strings.Contains(last, job.Reason) && job.State != "unverified" {
		complain("job --json gives as reason %q, and the last status line is: %s", job.Reason, last)
	}
	text, errOut, exit := ask("viewer", "certificate "+id)
	if end.heading == "" {
		if exit != 3 || text != "" {
			complain("a job that is %s has a certificate: exit code %d, %s", job.State, exit, text)
		}
		return certified{Result: job.State}, wrong
	}
	if exit != end.code || !strings.HasPrefix(text, end.heading) {
		complain("job --json says %s, and certificate exits with %d: %.200s%s", job.State, exit, text, errOut)
	}
	document, errOut, exit := ask("viewer", "certificate "+id+" --format json")
	if err := json.Unmarshal([]byte(document), &c); err != nil || exit != end.code {
		complain("certificate --format json: exit code %d, %v: %s", exit, err, errOut)
	}
	return c, append(wrong, c.odd(job.State, job.Reason)...)
}

// odd is what a certificate says otherwise than the job, or otherwise than itself.
func (c certified) odd(state, reason string) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if c.Result != state || (c.Level != nil) != (state == "erased") {
		complain("job --json says %s, and the certificate %s", state, c.Result)
	}
	if said := c.Reason; said != nil && *said != reason || said == nil && reason != "" {
		complain("job --json gives as reason %q, and the certificate another", reason)
	}
	var bad int64
	for n, p := range c.Passes {
		if p.Run == nil {
			continue
		}
		if !comesTo(p.Run.Bad, p.Run.BadBytes) {
			complain("pass %d: %d bytes unwritable, in areas of %d", n+1, p.Run.BadBytes, total(p.Run.Bad))
		}
		if p.Run.Complete && p.Run.Written+p.Run.BadBytes != c.Drive.Size {
			complain("pass %d is complete: %d bytes written and %d not, of %d", n+1, p.Run.Written, p.Run.BadBytes, c.Drive.Size)
		}
		bad += p.Run.BadBytes
	}
	v := c.Verification
	if !comesTo(v.Mismatches, v.MismatchBytes) || !comesTo(v.Unreadable, v.UnreadableBytes) {
		complain("verification: the areas do not come to the bytes: %+v", v)
	}
	if c.Errors.Unwritable != bad || c.Errors.Unreadable != v.UnreadableBytes || c.Errors.Mismatched != v.MismatchBytes {
		complain("errors %+v are not those of passes and verification", c.Errors)
	}
	if c.Result == "erased" && (bad > 0 || v.UnreadableBytes > 0 || v.MismatchBytes > 0 || v.Result != "passed") {
		complain("called erased with errors on record: %+v %+v", c.Errors, v)
	}
	return wrong
}

// mostAreas is how many are kept apart on a certificate. The nearest of more become one, so that they cover more than was bad.
const mostAreas = 1024

func comesTo(areas []area, bytes int64) bool {
	sum := total(areas)
	return sum == bytes || sum > bytes && len(areas) == mostAreas
}

func total(areas []area) (bytes int64) {
	for _, a := range areas {
		bytes += a.Length
	}
	return bytes
}

// pattern is what the last pass was to leave in so many bytes, made with nothing but the standard library.
func (c certified) pattern(size int) ([]byte, error) {
	want := make([]byte, size)
	p := c.Passes[len(c.Passes)-1].Pattern
	if p.Key == "" {
		fixed, err := hex.DecodeString(p.Bytes)
		if err != nil || len(fixed) == 0 {
			return nil, fmt.Errorf("pattern %q: %v", p.Bytes, err)
		}
		for i := range want {
			want[i] = fixed[i%len(fixed)]
		}
		return want, nil
	}
	key, err := hex.DecodeString(p.Key)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(want, want)
	return want, nil
}

// holds tells whether a medium, looked at past the drive, is as the certificate says: the last pass everywhere but in the areas
// on record. It says nothing of a job whose last pass or verification did not come to its end, unless that is called erased.
func (c certified) holds(medium []byte) (wrong []string) {
	if c.Method.Action != "" {
		if n := bytes.Count(medium, []byte("OLD CONTENT ")); c.Result == "erased" && n > 0 {
			return []string{fmt.Sprintf("called erased, and the old content is on its medium %d times", n)}
		}
		return nil
	}
	v := c.Verification
	whole := len(c.Passes) > 0 && c.Passes[len(c.Passes)-1].Run != nil && c.Passes[len(c.Passes)-1].Run.Complete &&
		v.BytesRead+v.UnreadableBytes+total(c.Passes[len(c.Passes)-1].Run.Bad) == c.Drive.Size
	if c.Result != "erased" && !whole {
		return nil
	}
	want, err := c.pattern(len(medium))
	if err != nil {
		return []string{err.Error()}
	}
	for _, list := range [][]area{c.unwritten(), v.Unreadable, v.Mismatches} {
		for _, a := range list {
			if a.Offset+a.Length <= int64(len(medium)) {
				copy(want[a.Offset:a.Offset+a.Length], medium[a.Offset:])
			}
		}
	}
	if c.Result == "erased" && int64(len(medium)) != c.Drive.Size {
		return []string{fmt.Sprintf("called erased, and its medium has %d bytes of %d", len(medium), c.Drive.Size)}
	}
	for at := 0; at < len(medium); at += 512 {
		if end := min(at+512, len(medium)); !bytes.Equal(medium[at:end], want[at:end]) {
			return []string{fmt.Sprintf("%s, and the medium holds something else at byte %d: %q", c.Result, at, medium[at:min(end, at+24)])}
		}
	}
	return nil
}
