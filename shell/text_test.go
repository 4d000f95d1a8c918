package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/journal"
)

// A table that can fit does, and no text of it is lost, however it is folded.
func TestTableProperty(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const letters = "abcdefghij KLMNOP\u00e9\u65e5-"
	for range 3000 {
		n := 1 + random.IntN(7)
		columns := make([]column, n)
		least := 2 * (n - 1)
		rows := make([][]string, random.IntN(5))
		for r := range rows {
			rows[r] = make([]string, n)
		}
		for c := range columns {
			columns[c] = column{strings.Repeat("T", 1+random.IntN(6)), random.IntN(3) * 6}
			widest := len(columns[c].title)
			for r := range rows {
				var text []rune
				for range random.IntN(40) {
					text = append(text, []rune(letters)[random.IntN(utf8.RuneCountInString(letters))])
				}
				rows[r][c] = strings.Join(strings.Fields(string(text)), " ")
				widest = max(widest, utf8.RuneCountInString(rows[r][c]))
			}
			if columns[c].least > 0 {
				widest = min(widest, columns[c].least)
			}
			least += widest
		}
		var out bytes.Buffer
		table(&out, 80, columns, rows)
		for line := range strings.Lines(out.String()) {
			if w := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); w > max(80, least) {
				t.Fatalf("table(%v, %q) has a line of %d columns; want %d at most:\n%s", columns, rows, w, max(80, least), out.String())
			}
			if strings.TrimRight(line, " \n")+"\n" != line {
				t.Fatalf("table(%v, %q) has blanks at the end of %q", columns, rows, line)
			}
		}
		widths := layout(80, columns, rows)
		for c := range columns {
			var all strings.Builder
			from := 2 * c
			for _, w := range widths[:c] {
				from += w
			}
			for line := range strings.Lines(out.String()) {
				runes := []rune(strings.TrimSuffix(line, "\n"))
				all.WriteString(string(runes[min(from, len(runes)):min(from+widths[c], len(runes))]))
			}
			want := columns[c].title
			for _, row := range rows {
				want += row[c]
			}
			if got := strings.ReplaceAll(all.String(), " ", ""); got != strings.ReplaceAll(want, " ", "") {
				t.Fatalf("column %d of table(%v, %q) reads %q; want %q:\n%s", c, columns, rows, got, want, out.String())
			}
		}
	}
}

// What confirms a drive is shown as it must be typed: no blank of it is lost, and it stands on one line.
func TestTableKeepsSerials(t *testing.T) {
	for _, serial := range []string{"AB  12", "A   B   C", "WD-WX11A1234567", "~img-0123456789", `A\xff`} {
		var out bytes.Buffer
		table(&out, 80, []column{{"NAME", 8}, {"SERIAL", 0}, {"STATE", 12}}, [][]string{{"sdb", serial, strings.Repeat("in use by this and that, ", 6)}})
		if !strings.Contains(out.String(), serial) {
			t.Errorf("table with serial %q =\n%s; want it as it is", serial, out.String())
		}
	}
}

func TestFold(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 5, ""}, {"abc", 5, "abc"}, {"ab cd", 5, "ab cd"}, {"ab cde", 5, "ab|cde"}, {"abcdefg", 5, "abcde|fg"}, {"ab abcdefg", 5, "ab|abcde|fg"}, {"abcde fghij", 5, "abcde|fghij"},
		{"\u65e5\u672c\u8a9e x", 3, "\u65e5\u672c\u8a9e|x"}, {"a b c d", 1, "a|b|c|d"},
	} {
		if got := strings.Join(fold(test.text, test.width), "|"); got != test.want {
			t.Errorf("fold(%q, %d) = %q; want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.0 kB", 1500: "1.5 kB", 9949: "9.9 kB", 9950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB", 1_000_000: "1.0 MB",
		1 << 20: "1.0 MB", 500_107_862_016: "500 GB", 1_000_204_886_016: "1.0 TB", 4_000_787_030_016: "4.0 TB", 16_000_900_661_248: "16 TB", 1_000_000_000_000_000: "1.0 PB", 1 << 62: "4612 PB"} {
		if got := size(bytes); got != want {
			t.Errorf("size(%d) = %q; want %q", bytes, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", time.Millisecond: "1s", 999 * time.Millisecond: "1s", time.Second: "1s", 1499 * time.Millisecond: "1s", 1500 * time.Millisecond: "2s",
		12*time.Minute + 31*time.Second: "12m31s", 31*time.Minute + 10*time.Second: "31m10s", 2*time.Hour + 3*time.Minute: "2h3m0s", 59*time.Minute + 59600*time.Millisecond: "1h0m0s", 100 * time.Hour: "100h0m0s"} {
		if got := duration(d); got != want {
			t.Errorf("duration(%v) = %q; want %q", d, got, want)
		}
	}
}

func number(n int64) *int64 { return &n }

func TestProgressText(t *testing.T) {
	running := journal.Event{Job: 7, Drive: "sdb", State: "running", Pass: 1, Passes: 2, Action: "write zeros", DoneBytes: 432, TotalBytes: 1000,
		BytesPerSecond: number(231_400_000), ETASeconds: number(751)}
	for _, test := range []struct {
		change func(*journal.Event)
		want   string
	}{
		{func(*journal.Event) {}, "43.2% pass 1/2 write zeros 231.4 MB/s eta 12m31s errors 0"},
		{func(e *journal.Event) { e.DoneBytes, e.BytesPerSecond, e.ETASeconds = 0, nil, nil }, "0.0% pass 1/2 write zeros 0.0 MB/s eta unknown errors 0"},
		{func(e *journal.Event) {
			e.State, e.Pass, e.Action, e.DoneBytes, e.Errors, e.ETASeconds = "verifying", 2, "verify full", 999, 3, number(0)
		}, "99.9% pass 2/2 verify full 231.4 MB/s eta 0s errors 3"},
		{func(e *journal.Event) { e.DoneBytes, e.ETASeconds = 1000, number(7380) }, "100.0% pass 1/2 write zeros 231.4 MB/s eta 2h3m0s errors 0"},
		{func(e *journal.Event) { e.TotalBytes, e.DoneBytes = 1999, 500 }, "25.0% pass 1/2 write zeros 231.4 MB/s eta 12m31s errors 0"},
		{func(e *journal.Event) { e.TotalBytes, e.DoneBytes = 0, 0 }, "0.0% pass 1/2 write zeros 231.4 MB/s eta 12m31s errors 0"},
		{func(e *journal.Event) { e.TotalBytes, e.DoneBytes = 1<<62, 1<<61 }, "50.0% pass 1/2 write zeros 231.4 MB/s eta 12m31s errors 0"},
		{func(e *journal.Event) { e.TotalBytes, e.DoneBytes = 1<<40, 1<<40-1 }, "99.9% pass 1/2 write zeros 231.4 MB/s eta 12m31s errors 0"},
	} {
		e := running
		test.change(&e)
		if got := progressText(engine.Update{Event: e}); got != test.want {
			t.Errorf("progressText(%+v) = %q; want %q", e, got, test.want)
		}
	}
}

// A drive of one sector is small, and still a drive.
func TestProgressOfASmallDrive(t *testing.T) {
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("progressText of 256 of 512 bytes: panic: %v; want 50.0%%", r)
		}
	}()
	e := journal.Event{State: "running", Pass: 1, Passes: 1, Action: "write zeros", DoneBytes: 256, TotalBytes: 512}
	if got := progressText(engine.Update{Event: e}); !strings.HasPrefix(got, "50.0% ") {
		t.Errorf("progressText of 256 of 512 bytes = %q; want 50.0%%", got)
	}
}

func TestEndText(t *testing.T) {
	began := journal.At(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
	view := engine.View{Started: began, Job: journal.Job{ID: 7, Method: journal.Method{Name: "zero", Level: "clear"}}}
	end := func(result, reason string, errors int64) engine.Update {
		return engine.Update{Event: journal.Event{Job: 7, Drive: "sdb", State: result, Time: journal.At(began.Add(31*time.Minute + 10*time.Second)), Errors: errors, DoneBytes: 1 << 20, TotalBytes: 2 << 20,
			Outcome: &journal.Outcome{Result: result, Level: "clear", Verification: "full", Reason: journal.Text(reason)}}}
	}
	for _, test := range []struct {
		update engine.Update
		want   string
	}{
		{end("erased", "", 0), "erased: clear, zero, verified full, 0 errors, 31m10s"},
		{end("unverified", "", 0), "overwritten, NOT verified: clear, zero, 0 errors, 31m10s"},
		{end("failed", "12 bytes differ", 3), "FAILED: 12 bytes differ, 3 errors, 31m10s"},
		{end("unknown", "nobody saw it", 0), "UNKNOWN: nobody saw it, 0 errors, 31m10s"},
		{end("cancelled", "by alice", 0), "CANCELLED: by alice, 0 errors, 31m10s"},
		{end("interrupted", "the server stopped", 0), "INTERRUPTED at 50.0%: the server stopped. Next: resume 7"},
	} {
		if got := endText(test.update, view); got != test.want {
			t.Errorf("endText(%s) = %q; want %q", test.update.Result, got, test.want)
		}
		if got := endText(test.update, view); strings.Contains(got, "erased") != (test.update.Result == "erased") {
			t.Errorf("endText(%s) = %q; want the word erased only where it was", test.update.Result, got)
		}
		layered := view
		layered.Job.Drive.Layer = "image file"
		if got := endText(test.update, layered); !strings.Contains(got, "logical: image file, nothing is claimed of the media below") {
			t.Errorf("endText(%s, an image) = %q; want its layer and no claim", test.update.Result, got)
		}
		hostile := test.update
		hostile.Outcome = &journal.Outcome{Result: test.update.Result, Verification: "full", Reason: "a\x1b[2J\nb\u202e"}
		if got := endText(hostile, view); strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("endText(%s, a reason from outside) = %q; want only what prints", test.update.Result, got)
		}
	}
	if got := endText(end("cancelled", "by alice", 0), engine.View{}); got != "CANCELLED: by alice, 0 errors, not begun" {
		t.Errorf("endText(cancelled while queued) = %q; want not begun", got)
	}
}

func TestJobState(t *testing.T) {
	for state, want := range map[engine.State]string{engine.Queued: "queued", engine.Running: "running 50.0%", engine.Verifying: "verifying 50.0%", engine.Interrupted: "interrupted 50.0%",
		engine.Erased: "erased", engine.Unverified: "NOT verified", engine.Failed: "FAILED", engine.Unknown: "UNKNOWN", engine.Cancelled: "cancelled"} {
		if got := jobState(engine.View{State: state, Last: journal.Event{DoneBytes: 1 << 20, TotalBytes: 2 << 20}}); got != want {
			t.Errorf("jobState(%s) = %q; want %q", state, got, want)
		}
	}
}

func TestPassList(t *testing.T) {
	for in, want := range map[string]string{"": "", "zeros": "zeros", "random random random": "3 x random", "zeros ones zeros": "zeros, ones, zeros", "a a b b b": "2 x a, 3 x b"} {
		if got := passList(strings.Fields(in)); got != want {
			t.Errorf("passList(%s) = %q; want %q", in, got, want)
		}
	}
}

func TestExplain(t *testing.T) {
	refusal := func(k engine.Kind, why string) *engine.Refusal {
		return &engine.Refusal{Kind: k, What: "sdb", Why: why, Next: "umount /mnt"}
	}
	for _, test := range []struct {
		err  error
		code int
		say  string
	}{
		{nil, 0, ""},
		{fail(4, "no job %d", 7), 4, "no job 7"},
		{fmt.Errorf("around: %w", fail(5, "no")), 5, "no"},
		{&failure{code: 1, say: "not kept", cause: errors.New("disk full")}, 1, "not kept"},
		{ended(0), 0, ""}, {ended(6), 6, ""},
		{refusal(engine.Unsafe, "in use"), 3, "sdb: in use. Next: umount /mnt"},
		{refusal(engine.Unconfirmed, "not confirmed"), 3, "sdb: not confirmed. Next: umount /mnt"},
		{refusal(engine.Invalid, "no"), 2, "sdb: no. Next: umount /mnt"},
		{refusal(engine.NotFound, "no"), 4, "sdb: no. Next: umount /mnt"},
		{engine.Refusals{refusal(engine.Unconfirmed, "a"), refusal(engine.Unsafe, "b"), refusal(engine.NotFound, "c"), refusal(engine.Invalid, "d")}, 2,
			"sdb: a. Next: umount /mnt\nsdb: b. Next: umount /mnt\nsdb: c. Next: umount /mnt\nsdb: d. Next: umount /mnt"},
		{engine.Refusals{refusal(engine.Unconfirmed, "a"), refusal(engine.Unsafe, "b"), refusal(engine.NotFound, "c")}, 4, "sdb: a. Next: umount /mnt\nsdb: b. Next: umount /mnt\nsdb: c. Next: umount /mnt"},
		{engine.Refusals{refusal(engine.Unconfirmed, "a"), refusal(engine.Unsafe, "b")}, 3, "sdb: a. Next: umount /mnt\nsdb: b. Next: umount /mnt"},
		{errLeft, 130, ""}, {fmt.Errorf("watch: %w", errLeft), 130, ""},
		{errStopping, 7, "the server is stopping; log in again later"}, {context.Canceled, 7, ""},
		{errors.New("write /x: no space\x1b[2J"), 1, `write /x: no space\x1b[2J. Next: see the server's log and the room under its state directory`},
	} {
		if code, say := explain(test.err); code != test.code || say != test.say {
			t.Errorf("explain(%v) = %d, %q; want %d, %q", test.err, code, say, test.code, test.say)
		}
	}
}

func TestWorst(t *testing.T) {
	for _, test := range []struct {
		codes []int
		want  int
	}{
		{nil, 0}, {[]int{0, 0}, 0}, {[]int{0, 6}, 6}, {[]int{6, 7}, 7}, {[]int{7, 6, 1, 0}, 1}, {[]int{1, 70}, 70}, {[]int{0, 7, 0}, 7}, {[]int{6, 1}, 1}, {[]int{70, 1, 7, 6, 0}, 70},
	} {
		if got := worst(test.codes); got != test.want {
			t.Errorf("worst(%v) = %d; want %d", test.codes, got, test.want)
		}
	}
	for state, want := range map[engine.State]int{engine.Erased: 0, engine.Unverified: 0, engine.Failed: 1, engine.Unknown: 1, engine.Cancelled: 6, engine.Interrupted: 7, "": 1, "future": 1} {
		if got := resultCode(state); got != want {
			t.Errorf("resultCode(%s) = %d; want %d", state, got, want)
		}
	}
}

// TestWhereFromIsHarmless: the address of a client is text from outside too (an IPv6 zone may be anything), wherever it is shown.
func TestWhereFromIsHarmless(t *testing.T) {
	st := newStation(t, 1<<20)
	st.from = "[fe80::1%\x1b[31m\u009bX]:22"
	drives, _, _ := st.exec(auth.Viewer, "drives --json")
	_, serial, _ := strings.Cut(drives, `"serial":"`)
	serial, _, _ = strings.Cut(serial, `"`)
	out, errOut, code := st.exec(auth.Operator, "erase a.img --method zero --wait --confirm "+serial)
	if code != 0 {
		t.Fatalf("erase: exit code %d, %q, %q", code, out, errOut)
	}
	for _, command := range []string{"whoami", "job 1", "job 1 --json", "jobs", "audit", "audit --json", "certificate 1"} {
		out, errOut, code := st.exec(auth.Admin, command)
		if code != 0 || strings.ContainsAny(out+errOut, "\x1b\u009b") {
			t.Errorf("%s: exit code %d, %q, %q", command, code, out, errOut)
		}
	}
}
