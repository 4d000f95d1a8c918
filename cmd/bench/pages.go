package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wiped/cmd/bench/plot"
)

// The part of performance.md that a run makes stands between these lines.
const (
	pageBegin = "<!-- made by make bench: begin -->"
	pageEnd   = "<!-- made by make bench: end -->"
)

// writePages puts the table into performance.md and makes the plots beside it. Where there is no such page it makes one of the table alone.
func writePages(dir string, r *report, results []result) error {
	file := filepath.Join(dir, "performance.md")
	page, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		page, err = []byte(pageBegin+"\n"+pageEnd+"\n"), os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	text, err := replacePart(string(page), markdown(r, results))
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Join(dir, "performance"), 0o755)
	}
	if err != nil {
		return err
	}
	for name, chart := range charts(r) {
		if err := os.WriteFile(filepath.Join(dir, "performance", name), plot.SVG(chart), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func replacePart(page, part string) (string, error) {
	before, rest, found := strings.Cut(page, pageBegin)
	_, after, ended := strings.Cut(rest, pageEnd)
	if !found || !ended {
		return "", fmt.Errorf("performance.md has no lines %q and %q", pageBegin, pageEnd)
	}
	return before + pageBegin + "\n" + part + pageEnd + after, nil
}

// markdown is the table and what was measured where.
func markdown(r *report, results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeasured %s on %d processors (%s), %.0f GiB of memory, Linux %s.\n", r.When.Format("2006-01-02"), r.Machine.Processors,
		r.Machine.Processor, float64(r.Machine.Memory)/gib, r.Machine.Kernel)
	var peers []string
	for _, name := range slices.Sorted(maps.Keys(r.Peers)) {
		peers = append(peers, name+": "+r.Peers[name])
	}
	fmt.Fprintf(&b, "Beside: %s.\n\n", strings.Join(peers, "; "))
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(append(slices.Clone(heads), "what bounds it"))
	line(slices.Repeat([]string{"---"}, len(heads)+1))
	for _, one := range results {
		line(append(one.cells(r.Short), one.bound))
	}
	b.WriteString("\n")
	for _, name := range slices.Sorted(maps.Keys(r.Facts)) {
		fmt.Fprintf(&b, "%s: %s.\n", name, r.Facts[name])
	}
	b.WriteString("\n")
	return b.String()
}

// charts are the plots of how cost grows, by file name.
func charts(r *report) map[string]plot.Chart {
	drives, jobs := floats(r.Drives), floats(r.Jobs)
	over := func(list []int, pattern string, scale float64) (points []float64) {
		for _, n := range list {
			points = append(points, series(r.Figures[fmt.Sprintf(pattern, n)]).median()*scale)
		}
		return points
	}
	var ideal []float64
	for _, n := range drives {
		ideal = append(ideal, n*diskRate/1e6)
	}
	answers := plot.Chart{Title: "Answers of commands on an open connection", X: "jobs in the journal", Y: "ms", At: jobs}
	for _, word := range commands {
		answers.Lines = append(answers.Lines, plot.Line{Name: word, Values: over(r.Jobs, "history/jobs %d/"+word, 1e3)})
	}
	return map[string]plot.Chart{
		"throughput.svg": {Title: "random and full verification: bytes moved", X: "drives at once", Y: "MB/s", At: drives, Lines: []plot.Line{
			{Name: "as fast as it goes", Values: over(r.Drives, "scale/free %d/erase rate", 1e-6)},
			{Name: "drives of 60 MB/s", Values: over(r.Drives, "scale/throttled %d/erase rate", 1e-6)},
			{Name: "sum of the throttles", Values: ideal, Dashed: true},
		}},
		"processor.svg": {Title: "random and full verification: processor time", X: "drives at once", Y: "s a GiB", At: drives, Lines: []plot.Line{
			{Name: "as fast as it goes", Values: over(r.Drives, "scale/free %d/erase processor", 1)},
			{Name: "drives of 60 MB/s", Values: over(r.Drives, "scale/throttled %d/erase processor", 1)},
		}},
		"commands.svg": answers,
	}
}

func floats(list []int) (out []float64) {
	for _, n := range list {
		out = append(out, float64(n))
	}
	return out
}
