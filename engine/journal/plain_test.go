package journal

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestTimeJSON(t *testing.T) {
	for _, test := range []struct {
		at   Time
		want string
	}{
		{Time{}, `null`},
		{At(noon), `"2026-06-01T12:00:00.123456Z"`},
		{At(noon.Truncate(time.Second)), `"2026-06-01T12:00:00.000000Z"`},
		{At(noon.Truncate(time.Millisecond)), `"2026-06-01T12:00:00.123000Z"`},
		{At(noon.Add(999)), `"2026-06-01T12:00:00.123456Z"`},
		{At(noon.In(time.FixedZone("here", -5*3600))), `"2026-06-01T12:00:00.123456Z"`},
		{Time{noon.In(time.FixedZone("there", 9*3600))}, `"2026-06-01T12:00:00.123456Z"`},
		{At(time.Unix(0, 0)), `"1970-01-01T00:00:00.000000Z"`},
		{At(time.Now()), `"` + time.Now().UTC().Format("2006-01-02T15:04:05")},
	} {
		got, err := json.Marshal(test.at)
		if err != nil || !strings.HasPrefix(string(got), test.want) {
			t.Errorf("Marshal(%v) = %s, %v; want %s", test.at.Time, got, err, test.want)
		}
		var back Time
		if err := json.Unmarshal(got, &back); err != nil || !back.Equal(test.at.Truncate(time.Microsecond)) || back.IsZero() != test.at.IsZero() {
			t.Errorf("Unmarshal(%s) = %v, %v; want %v", got, back, err, test.at)
		}
	}
	for text, want := range map[string]string{
		`"2026-06-01T12:00:00Z"`:            `"2026-06-01T12:00:00.000000Z"`,
		`"2026-06-01T14:00:00.5+02:00"`:     `"2026-06-01T12:00:00.500000Z"`,
		`"2026-06-01T12:00:00.123456789Z"`:  `"2026-06-01T12:00:00.123456Z"`,
		`null`:                              `null`,
		`"2026-06-01T12:00:00.1234567899Z"`: `"2026-06-01T12:00:00.123456Z"`,
	} {
		at := At(noon) // null must not leave what stood there
		if err := json.Unmarshal([]byte(text), &at); err != nil {
			t.Errorf("Unmarshal(%s) = %v; want no error", text, err)
		}
		if got, _ := json.Marshal(at); string(got) != want {
			t.Errorf("Marshal(Unmarshal(%s)) = %s; want %s", text, got, want)
		}
	}
	for _, text := range []string{`""`, `0`, `"now"`, `"2026-06-01"`, `"2026-06-01 12:00:00Z"`, `{}`, `"2026-13-01T00:00:00Z"`, `"2026-06-01T12:00:00"`} {
		var at Time
		if err := json.Unmarshal([]byte(text), &at); err == nil {
			t.Errorf("Unmarshal(%s) = %v, nil; want an error", text, at)
		}
	}
}

// outside are texts as drives, keys and people send them.
var outside = []string{
	"", "plain", "a b", `back\slash`, `say "hi"`, `\"`, "tab\t", "line\nend\r", "\x1b[2J\x07", "\x00", "\x7f", "\u0080\u009b31m", "\xff\xfe", "caf\xc3",
	"\u2028\u2029", "\u202egnp.exe", "zero\u200bwidth\ufeff", "soft\u00adhyphen", "na\u00efve \u65e5\u672c \U0001f4be", "\ud7ff\ue000\ufffd",
	"\xed\xa0\x80\xed\xb0\x80", "\U000e0001tag", "\u00a0", "\u3164", "\ufe0f", "\u115f", "\U000e0100", "<&>", "\u0007", "\\u001b", "\U0010ffff",
}

func FuzzJSON(f *testing.F) {
	for _, s := range outside {
		f.Add(s)
	}
	type document struct {
		Text string            `json:"text"`
		More map[string]string `json:"more"`
		Raw  json.RawMessage   `json:"raw"`
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted, _ := json.Marshal(s)
		in := document{s, map[string]string{s: s}, quoted}
		got, err := JSON(in)
		if err != nil {
			t.Fatalf("JSON(%q) = %v; want no error", s, err)
		}
		for _, c := range got {
			if c < ' ' || c > '~' {
				t.Fatalf("JSON(%q) = %q; want printable ASCII", s, got)
			}
		}
		plain, _ := json.Marshal(in)
		var out, want document
		if err := json.Unmarshal(got, &out); err != nil {
			t.Fatalf("JSON(%q) = %s, which is no JSON: %v", s, got, err)
		}
		_ = json.Unmarshal(plain, &want)
		out.Raw, want.Raw = nil, nil
		if !reflect.DeepEqual(out, want) {
			t.Errorf("JSON(%q) reads back as %q; want %q", s, out, want)
		}
		if utf8.ValidString(s) && out.Text != s {
			t.Errorf("JSON(%q) reads back as %q; want the same", s, out.Text)
		}
		if again, _ := JSON(in); !bytes.Equal(again, got) {
			t.Errorf("JSON(%q) = %s, then %s; want the same each time", s, got, again)
		}
	})
}

func TestJSONNumbers(t *testing.T) {
	for v, want := range map[any]string{
		1 << 60: "1152921504606846976", 0.5: "0.5", true: "true", "<&>": `"<&>"`,
		"\u00e9\u2028\U0001f4be": `"\u00e9\u2028\ud83d\udcbe"`, "\x7f\x1b": `"\u007f\u001b"`, "a\xffb": `"a\ufffdb"`,
	} {
		if got, err := JSON(v); err != nil || string(got) != want {
			t.Errorf("JSON(%#v) = %s, %v; want %s", v, got, err, want)
		}
	}
	if got, err := JSON(make(chan int)); err == nil {
		t.Errorf("JSON(a channel) = %s, nil; want an error", got)
	}
}

func TestEscape(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "plain 'text' \"x\"": "plain 'text' \"x\"", `C:\new`: `C:\\new`, "\x1b[31m": `\x1b[31m`, "a\tb\r\n": `a\tb\r\n`,
		"\xff": `\xff`, "\u009b": `\u009b`, "\u202e": `\u202e`, "\u200b": `\u200b`, "\ufeff": `\ufeff`, "\u2066x": `\u2066x`,
		"\u00e9\U0001f4be\u65e5": "\u00e9\U0001f4be\u65e5", `\"`: `\\"`, "\x00": `\x00`, "\u00a0": `\u00a0`,
	} {
		if got := Escape(s); got != want {
			t.Errorf("Escape(%q) = %q; want %q", s, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range outside {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Escape(%q) = %q; want UTF-8", s, got)
		}
		for _, r := range got {
			invisible := unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
			if !unicode.IsPrint(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Bidi_Control) || invisible {
				t.Errorf("Escape(%q) = %q; want no %U in it", s, got, r)
			}
		}
		if plain := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) < 0; plain && got != s {
			t.Errorf("Escape(%q) = %q; want it unchanged", s, got)
		}
		// Nothing is lost, and no two texts look the same.
		if back, err := strconv.Unquote(`"` + strings.ReplaceAll(got, `"`, `\"`) + `"`); err != nil || back != s {
			t.Errorf("Escape(%q) = %q, which reads back as %q, %v; want the same", s, got, back, err)
		}
	})
}
