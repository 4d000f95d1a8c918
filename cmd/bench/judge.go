package main

import (
	"math"
	"slices"
)

// series is what several rounds gave.
type series []float64

func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	if len(sorted) == 0 {
		return math.NaN()
	}
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// result is a row with its figures.
type result struct {
	row
	rounds    int
	our       float64
	their     float64 // the median of the best of the others; NaN: there are none
	best      string  // who that is
	value     float64 // what the limit is about: the ratio of the medians, or ours
	low, high float64 // of the value in the single rounds
	measured  bool
	pass      bool
}

// judge fills in the rows.
func judge(rows []row, r *report) (results []result) {
	for _, w := range rows {
		results = append(results, judgeOne(w, r))
	}
	return results
}

func judgeOne(w row, r *report) result {
	find := func(name string) series {
		if short := inShort[name]; r.Short && short != "" {
			name = short
		}
		return r.Figures[name]
	}
	ours := find(w.ours)
	res := result{row: w, rounds: len(ours), our: ours.median(), their: math.NaN()}
	values, whole := ours, true
	if len(w.theirs) > 0 {
		var best series
		res.best, best = bestOf(w, find)
		whole = len(ours) == len(best) // who fails is left out from then on, and its figures with it
		res.their, values = best.median(), ratios(ours, best)
		res.value = res.our / res.their
	} else {
		res.value = res.our
	}
	if res.measured = whole && len(values) > 0 && !math.IsNaN(res.value) && !math.IsInf(res.value, 0); !res.measured {
		return res
	}
	res.low, res.high = slices.Min(values), slices.Max(values)
	res.pass = w.limit == 0 || (w.fewer && res.value <= w.limit) || (!w.fewer && res.value >= w.limit)
	return res
}

// bestOf is the best of a row's others by its median. If one of them has no figures, none is the best.
func bestOf(w row, find func(string) series) (name string, best series) {
	for _, theirs := range w.theirs {
		s := find(theirs)
		if len(s) == 0 {
			return "", nil
		}
		if best == nil || (w.fewer && s.median() < best.median()) || (!w.fewer && s.median() > best.median()) {
			name, best = theirs, s
		}
	}
	return name, best
}

// ratios are those of the single rounds, as many as both have.
func ratios(ours, theirs series) (list series) {
	for n := range min(len(ours), len(theirs)) {
		list = append(list, ours[n]/theirs[n])
	}
	return list
}

func unmeasured(results []result) (n int) {
	for _, r := range results {
		if !r.measured {
			n++
		}
	}
	return n
}

// missedBy is how far the value is from its limit, in per cent of the limit.
func (r result) missedBy() float64 { return math.Abs(r.value-r.limit) / r.limit * 100 }
