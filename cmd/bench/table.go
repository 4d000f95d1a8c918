package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// unit writes down a figure.
type unit func(float64) string

func rate(v float64) string    { return fmt.Sprintf("%.0f MB/s", v/1e6) }
func perGiB(v float64) string  { return fmt.Sprintf("%.3f s", v) }
func seconds(v float64) string { return fmt.Sprintf("%.1f ms", v*1e3) }
func number(v float64) string  { return fmt.Sprintf("%.2f", v) }

func memory(v float64) string {
	if v < mib {
		return fmt.Sprintf("%.0f kB", v/1e3)
	}
	return fmt.Sprintf("%.1f MiB", v/mib)
}

func ratio(v float64) string { return fmt.Sprintf("%.2f", v) }

// heads are the columns of the table.
var heads = []string{"what", "beside", "ours", "theirs", "ratio", "spread", "rounds", "target", "result"}

// cells are a result as text, a cell for each head.
func (r result) cells(short bool) []string {
	if !r.measured {
		return []string{r.what, r.beside, "", "", "", "", "", r.target(), "NOT MEASURED"}
	}
	of := r.unit
	theirs := ""
	value := ""
	if len(r.theirs) > 0 {
		of, theirs = ratio, r.unit(r.their)
		value = ratio(r.value)
		if len(r.theirs) > 1 {
			theirs += " (" + strings.Split(r.best, "/")[1] + ")"
		}
	}
	return []string{r.what, r.beside, r.unit(r.our), theirs, value, of(r.low) + " .. " + of(r.high), strconv.Itoa(r.rounds), r.target(), r.verdict(short)}
}

func (r result) target() string {
	if r.limit == 0 {
		return "none"
	}
	sign, limit := ">= ", ratio(r.limit)
	if r.fewer {
		sign = "<= "
	}
	if len(r.theirs) == 0 {
		limit = r.unit(r.limit)
	}
	return sign + limit
}

func (r result) verdict(short bool) string {
	switch {
	case r.limit == 0:
		return "shown"
	case short:
		return "works"
	case r.pass:
		return "pass"
	}
	return fmt.Sprintf("MISSES by %.0f %%", r.missedBy())
}

// printTable is the end of a run.
func printTable(w io.Writer, r *report, results []result) {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(heads, "\t"))
	for _, one := range results {
		fmt.Fprintln(t, strings.Join(one.cells(r.Short), "\t"))
	}
	t.Flush()
	for _, name := range slices.Sorted(maps.Keys(r.Failed)) {
		fmt.Fprintf(w, "\nexperiment %s FAILED: %s\n", name, r.Failed[name])
	}
	fmt.Fprintln(w, "\nRates are medians of alternating runs; the spread is that of the single rounds.")
	if r.Short {
		fmt.Fprintln(w, "This was the short form: it shows which rows work, and its figures mean nothing.")
		return
	}
	for _, one := range results {
		if one.measured && !one.pass {
			fmt.Fprintf(w, "%s beside %s misses by %.0f %%. What bounds it: %s.\n", one.what, one.beside, one.missedBy(), one.bound)
		}
	}
}
