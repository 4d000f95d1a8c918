package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Escape makes text from outside harmless on a terminal and in a log: control, bidirectional and zero-width characters,
// invalid UTF-8 and the backslash itself come out as Go escape sequences, everything printable stays.
func Escape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\\':
			b.WriteString(`\\`)
		case !visible(r):
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// visible tells whether r is seen for what it is. IsPrint leaves out controls and format characters, but not the letters
// and marks that Unicode says are drawn as nothing.
func visible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// EscapeOnce is Escape for text that was escaped where it came from: it changes nothing unless something harmful is
// left in it.
func EscapeOnce(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !visible(r) }) {
		return s
	}
	return Escape(s)
}

// JSON is the one encoding of everything durable or machine-readable here: compact, and pure printable ASCII, so that
// no document can carry a control character to a terminal.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return ascii(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// ascii writes every character outside printable ASCII as \uXXXX. In JSON such characters stand inside strings only.
func ascii(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for len(in) > 0 {
		r, n := utf8.DecodeRune(in)
		switch {
		case r >= ' ' && r < 0x7f:
			out = append(out, byte(r))
		case r > 0xffff:
			hi, lo := 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		in = in[n:]
	}
	return out
}

// Text and Number are values that may be unknown: empty and 0 in memory, null in JSON.
type (
	Text   string
	Number int64
)

// MarshalJSON writes null for the unknown.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return JSON(string(t))
}

// MarshalJSON writes null for the unknown.
func (n Number) MarshalJSON() ([]byte, error) {
	if n == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(n), 10), nil
}

// Duration is a length of time for people, in whole seconds: 31m10s. What took any time at all took a second.
func Duration(d time.Duration) string {
	if d > 0 && d < time.Second {
		d = time.Second
	}
	return d.Round(time.Second).String()
}

// Time is an instant in records and on the wire: RFC 3339, UTC, always with microseconds.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000000Z"

// At gives t the form records have: UTC, cut to microseconds, without a monotonic clock.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Microsecond)} }

func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON writes null for the zero time, which means unknown.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads any RFC 3339 time, and null as the zero time.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	v, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	if err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	*t = At(v)
	return nil
}
