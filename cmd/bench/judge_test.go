package main

import (
	"path/filepath"
	"testing"
)

// A row is judged by the ratio of medians, and only if all that it compares were measured as often.
func TestJudge(t *testing.T) {
	figures := map[string][]float64{
		"a/ours": {90, 100, 110}, "a/slow": {50, 50, 50}, "a/fast": {99, 101, 103}, "a/dropped": {1}, "b/took": {2, 4}, "b/theirs": {2, 2},
	}
	for name, c := range map[string]struct {
		row      row
		value    float64
		measured bool
		pass     bool
		best     string
	}{
		"the best of several":  {row{ours: "a/ours", theirs: []string{"a/slow", "a/fast"}, limit: 0.95}, 100. / 101, true, true, "a/fast"},
		"a miss":               {row{ours: "a/ours", theirs: []string{"a/fast"}, limit: 1}, 100. / 101, true, false, "a/fast"},
		"less is better":       {row{ours: "b/took", theirs: []string{"b/theirs"}, fewer: true, limit: 1.5}, 1.5, true, true, "b/theirs"},
		"a limit":              {row{ours: "b/took", fewer: true, limit: 2.9}, 3, true, false, ""},
		"for information":      {row{ours: "b/took", fewer: true}, 3, true, true, ""},
		"theirs dropped out":   {row{ours: "a/ours", theirs: []string{"a/dropped"}, limit: 1}, 0, false, false, ""},
		"ours dropped out":     {row{ours: "a/dropped", theirs: []string{"a/fast"}, limit: 1}, 0, false, false, ""},
		"one of theirs failed": {row{ours: "a/ours", theirs: []string{"a/slow", "a/gone"}, limit: 1}, 0, false, false, ""},
		"ours is not there":    {row{ours: "a/gone", limit: 1}, 0, false, false, ""},
	} {
		got := judgeOne(c.row, &report{Figures: figures})
		if got.measured != c.measured || c.measured && (got.value != c.value || got.pass != c.pass || got.best != c.best) {
			t.Errorf("%s: %+v; want %v, measured %v, pass %v, best %q", name, got, c.value, c.measured, c.pass, c.best)
		}
	}
}

// Each row is there once, with a bound that explains a miss.
func TestRowsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if name := r.what + " | " + r.beside; seen[name] {
			t.Errorf("%s: twice", name)
		} else {
			seen[name] = true
		}
		if r.bound == "" || r.unit == nil || r.limit < 0 {
			t.Errorf("%s: %+v", r.what, r)
		}
	}
}

// A run with a failure says so and does not touch the pages.
func TestPublishFails(t *testing.T) {
	dir := t.TempDir()
	o := &options{json: dir + "/bench.json", docs: dir + "/docs"}
	r := &report{Short: true, Failed: map[string]string{"scale": "no space left"}, Figures: map[string][]float64{}}
	if err := publish(o, r, true); err == nil {
		t.Error("publish with a failed experiment: no error")
	}
	if found, err := filepath.Glob(dir + "/docs/*"); err != nil || len(found) > 0 {
		t.Errorf("pages %v, %v; want none", found, err)
	}
}
