package kmod

import (
	"fmt"
	"slices"
	"strings"
)

// Wish is one line of a list of modules: what to take along, and how much it matters.
type Wish struct {
	Name      string
	Essential bool     // no image without it
	Load      bool     // at every boot: no device asks for it by its modalias
	Brings    []string // to load after it; the module itself asks a modprobe for these
}

// ParseList reads lines "NAME [essential] [load] [brings=NAME,...]"; '#' begins a comment.
func ParseList(text string) ([]Wish, error) {
	var list []Wish
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		wish, err := parseWish(words)
		if err != nil {
			return nil, fmt.Errorf("list of modules, line %d: %w", n+1, err)
		}
		if slices.ContainsFunc(list, func(w Wish) bool { return w.Name == wish.Name }) {
			return nil, fmt.Errorf("list of modules, line %d: %s is there twice", n+1, wish.Name)
		}
		list = append(list, wish)
	}
	return list, nil
}

func parseWish(words []string) (Wish, error) {
	w := Wish{Name: Name(words[0])}
	for _, word := range words[1:] {
		brings, is := strings.CutPrefix(word, "brings=")
		switch {
		case word == "essential":
			w.Essential = true
		case word == "load":
			w.Load = true
		case is:
			w.Brings = names(strings.Split(brings, ","))
		default:
			return w, fmt.Errorf("%q is none of essential, load, brings=NAME", word)
		}
	}
	return w, nil
}
