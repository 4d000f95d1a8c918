package certificate

import (
	"fmt"
	"strings"
	"time"

	"wiped/engine/journal"
)

// headings are the first lines of the text for each result.
var headings = map[string]string{
	"erased":     "ERASED",
	"unverified": "NOT ERASED: overwritten, NOT verified",
	"failed":     "NOT ERASED: the job FAILED",
	"unknown":    "NOT ERASED: the outcome is unknown, and unknown is not success",
	"cancelled":  "NOT ERASED: the job was cancelled",
}

// Text is the statement for people. The signed document is the JSON, not this.
func (s Statement) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nCertificate %d of station %s\n\n", s.Heading(), s.ID, esc(s.Station))
	for _, row := range s.rows() {
		if row[1] != "" {
			fmt.Fprintf(&b, "  %-13s %s\n", row[0], wrap(esc(row[1]), 16))
		}
	}
	b.WriteString("\nPasses\n")
	if s.Firmware != nil {
		fmt.Fprintf(&b, "   1. %s by the drive: %s\n", esc(s.Method.Name), firmwareText(*s.Firmware))
	}
	for n, p := range s.Passes {
		fmt.Fprintf(&b, "  %2d. write %s: %s\n", n+1, esc(p.Title), passText(p))
	}
	fmt.Fprintf(&b, "      verify %s: %s\n", esc(s.Verification.Scope), s.verificationText())
	s.areas(&b)
	b.WriteString("\nEvidence\n")
	for _, e := range s.Evidence {
		fmt.Fprintf(&b, "  - %s\n", wrap(esc(e), 4))
	}
	if len(s.Evidence) == 0 {
		b.WriteString("  none\n")
	}
	b.WriteString("\n" + wrap("Not known to wiped: "+strings.Join(s.unknown(), ", ")+".", 0) + "\n")
	return b.String()
}

// Heading is the first line of the text.
func (s Statement) Heading() string {
	heading, ok := headings[s.Result]
	if !ok {
		heading = "NOT ERASED: this program does not know the result " + esc(s.Result)
	}
	if s.Result == "unverified" && s.Firmware != nil {
		heading = "NOT ERASED: the drive was told to erase itself, NOT verified"
	}
	if s.Level != nil {
		heading += " (" + esc(*s.Level) + ")"
	}
	return heading
}

// esc keeps text harmless that was escaped where it came from, if nobody changed it since.
func esc(s string) string { return journal.EscapeOnce(s) }

// unknown names what a certificate should say and this one cannot.
func (s Statement) unknown() (names []string) {
	for _, field := range []struct {
		name  string
		known bool
	}{
		{"manufacturer", s.Drive.Vendor != ""}, {"model", s.Drive.Model != ""}, {"firmware", s.Drive.Firmware != ""}, {"WWN", s.Drive.WWN != ""},
		{"media type", s.Drive.MediaType != ""}, {"bridge", s.Bridge != nil}, {"hidden areas", s.HiddenAreas != nil}, {"health", s.HealthBefore != nil || s.HealthAfter != nil},
		{"property number", s.PropertyNumber != nil}, {"media source", s.MediaSource != nil}, {"backup of the data", s.BackedUp != nil},
		{"confidentiality before and after", s.CategoryBefore != nil && s.CategoryAfter != nil}, {"destination", s.Destination != nil},
		{"location", s.Location != nil}, {"title and contact of the operator", s.OperatorTitle != nil && s.OperatorContact != nil},
		{"person who verified", s.VerifiedBy != nil}, {"title and contact of that person", s.VerifierTitle != nil && s.VerifierContact != nil},
	} {
		if !field.known {
			names = append(names, field.name)
		}
	}
	return names
}

func (s Statement) rows() [][2]string {
	d := s.Drive
	scope := s.Scope
	if d.Layer != "" {
		scope += ": " + string(d.Layer) + "; nothing is claimed of the media below"
	}
	return [][2]string{
		{"reason", value(s.Reason)},
		{"drive", fmt.Sprintf("%s (%s)", d.Name, d.Path)},
		{"serial", fmt.Sprintf("%s (%s)", d.Serial, d.SerialSource)},
		{"WWN", string(d.WWN)},
		{"own names", ownNames(d)},
		{"model", strings.TrimSpace(string(d.Vendor + " " + d.Model + " " + d.Firmware))},
		{"size", fmt.Sprintf("%d bytes, sectors of %d bytes", d.SizeBytes, d.LogicalSector)},
		{"transport", d.Transport},
		{"bridge", value(s.Bridge)},
		{"also", alsoText(s.Also)},
		{"hidden areas", value(s.HiddenAreas)},
		{"not reached", strings.Join(d.Kept, ", ")},
		{"health", healthText(s.HealthBefore, s.HealthAfter)},
		{"scope", scope},
		{"method", fmt.Sprintf("%s, %s (%s)", s.Method.Name, s.Method.Title, s.Method.Level)},
		{"standard", s.Standard},
		{"operator", fmt.Sprintf("%s, key %s", s.Operator.Name, s.Operator.Fingerprint)},
		{"confirmed by", s.Confirmed},
		{"note", value(s.Note)},
		{"started", instant(s.Started)},
		{"ended", instant(s.Ended)},
		{"duration", journal.Duration(time.Duration(s.Seconds * float64(time.Second)))},
		{"interrupted", fmt.Sprintf("%d times", s.Interrupted)},
		{"clock", value(s.Clock)},
		{"signing key", value(s.KeyOrigin)},
		{"software", s.Software},
	}
}

// ownNames is what the drive calls itself where the system knows it by other names, which are a bridge's then.
func ownNames(d journal.Drive) string {
	var names []string
	if own := string(d.OwnSerial); own != "" && own != d.Serial {
		names = append(names, "serial "+own)
	}
	if own := d.OwnWWN; own != "" && own != d.WWN {
		names = append(names, "WWN "+string(own))
	}
	return strings.Join(names, ", ")
}

// alsoText names what the method erased besides.
func alsoText(list []journal.Drive) string {
	var names []string
	for _, d := range list {
		names = append(names, fmt.Sprintf("%s (serial %s, %d bytes)", d.Name, d.Serial, d.SizeBytes))
	}
	return strings.Join(names, ", ")
}

func healthText(before, after *journal.Health) string {
	var parts []string
	for _, h := range []struct {
		when string
		*journal.Health
	}{{"before", before}, {"after", after}} {
		if h.Health != nil {
			text := h.when + ": " + h.Word
			if len(h.Reasons) > 0 {
				text += " (" + strings.Join(h.Reasons, ", ") + ")"
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

func firmwareText(f journal.Firmware) string {
	switch {
	case f.Sent.IsZero():
		return "the drive was not told to"
	case f.Failed:
		return "failed"
	case f.Ended.IsZero():
		return "no end is known"
	}
	return "ended " + f.Ended.String()
}

func passText(p Pass) string {
	if p.Run == nil {
		return "did not come to its end"
	}
	return fmt.Sprintf("%d bytes written, %d not writable", p.Run.BytesWritten, p.Run.BadBytes)
}

func (s Statement) verificationText() string {
	v := s.Verification
	if v.Result == "not done" {
		return v.Result
	}
	sum := v.Total()
	return fmt.Sprintf("%s, %d bytes read, %d unreadable, %d %s", esc(v.Result), sum.BytesRead, sum.UnreadableBytes, sum.MismatchBytes, s.wrong())
}

// listed is how many ranges of a kind the text names; the document has them all.
const listed = 20

func (s Statement) areas(b *strings.Builder) {
	show := func(what string, list []journal.Range) {
		for n, r := range list {
			if n == listed {
				fmt.Fprintf(b, "      ... and %d more areas, listed in the JSON document\n", len(list)-listed)
				return
			}
			fmt.Fprintf(b, "      %s: %d bytes at offset %d\n", what, r.Length, r.Offset)
		}
	}
	merged := func(is bool) {
		if is {
			b.WriteString("      too many areas to list each: the ranges also cover what lies between some\n")
		}
	}
	for _, p := range s.Passes {
		if p.Run != nil {
			show("not writable", p.Run.Bad)
			merged(p.Run.Merged)
		}
	}
	for n, v := range append([]journal.Verification{s.Verification}, s.Verification.Also...) {
		on := ""
		if n > 0 && n <= len(s.Also) {
			on = " on " + esc(s.Also[n-1].Name)
		}
		show("unreadable"+on, v.Unreadable)
		show(s.wrong()+on, v.Mismatches)
		merged(v.Merged)
	}
}

// wrong is what verification looks for: bytes that are not what was written, or that are what was there before.
func (s Statement) wrong() string {
	if s.Firmware != nil {
		return "as before"
	}
	return "different"
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func instant(t journal.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.String()
}

// wrap breaks text into lines of at most 80 columns; all but the first are indented. A word longer than that stays whole.
func wrap(text string, indent int) string {
	const width = 80
	if indent+len(text) <= width {
		return text // blanks within a serial are part of it
	}
	var b strings.Builder
	column := indent
	for n, word := range strings.Fields(text) {
		if n > 0 && column+1+len(word) > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		} else if n > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
