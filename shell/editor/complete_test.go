package editor

import (
	"fmt"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	words := func(line string) []string {
		if strings.Contains(line, " ") {
			return []string{"sdb", "sda", "sdb", "nvme0n1", "größe", "grün", "evil\x1b[2J", ""}
		}
		return []string{"drive", "drives", "erase", "write:"}
	}
	for typed, want := range map[string]string{
		"er\t":                 "> erase |",
		"d\t":                  "> drive|",
		"drives\t":             "> drives |",
		"erase n\tx":           "> erase nvme0n1 x|",
		"erase  --x\x1b[Ds\t!": "> erase  --s!|x", // nothing begins with --s
		"erase gr\t":           "> erase gr\ngröße  grün\n> erase gr|",
		"erase evil\t":         "> erase evil|",
		"x erase\x01\x06\t":    "> x| erase",
		"er x\x01\x06\x06\t":   "> erase| x",
		"erase sd\t":           "> erase sd\nsda  sdb\n> erase sd|",
		"\t":                   "> \ndrive   erase\ndrives  write:\n> |",
	} {
		t.Run(fmt.Sprintf("%q", typed), func(t *testing.T) {
			edit(t, Config{Complete: words, Columns: 20}, func(b *bench) {
				b.read()
				b.typed(typed)
				b.wantScreen(strings.ReplaceAll(want, "> \n", ">\n"))
			})
		})
	}
}

func TestCompleteMany(t *testing.T) {
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("job%04d", i))
	}
	got := table(many, 80)
	if !strings.HasSuffix(got, "\nand 800 more\n") || len(got) > 4000 {
		t.Errorf("%s", got)
	}
	if got := table([]string{strings.Repeat("x", 30), "y"}, 10); got != strings.Repeat("x", 30)+"\ny\n" {
		t.Errorf("%q", got)
	}
}

// x/term's lock is not held while its callback runs, and is unlocked while a panic passes: a fatal error of the runtime,
// which would end every session and every job of the process.
func TestCompletePanics(t *testing.T) {
	edit(t, Config{Complete: func(string) []string { panic("a defect") }}, func(b *bench) {
		go func() {
			defer func() { b.lines <- result{strings.SplitAfter(fmt.Sprint(recover()), "\n")[0], nil} }()
			b.e.ReadLine("> ")
		}()
		b.typed("er\t")
		b.wantLine("completing a line: a defect\n", nil)
		b.read()
		b.typed("hello\r")
		b.wantLine("hello", nil)
	})
}
