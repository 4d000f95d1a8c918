package kmod

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Selection is the modules that go along, closed under what they need, with soft dependencies as module names.
type Selection struct {
	Version string
	Modules []Module // by name
	Load    []string // at every boot, in this order
	Missing []string // wished for, not essential, and unknown to this kernel
}

// Select takes the wished modules and everything they need.
func (x *Index) Select(list []Wish) (*Selection, error) {
	taken := map[string]Module{}
	s := &Selection{Version: x.Version}
	var lost []string
	for _, wish := range list {
		found, ok := x.lookup(wish.Name)
		if !ok {
			s.Missing = append(s.Missing, wish.Name)
			if wish.Essential {
				lost = append(lost, wish.Name)
			}
			continue
		}
		for _, name := range found {
			if err := x.take(taken, name, wish.Brings); err != nil {
				return nil, err
			}
			if wish.Load {
				s.Load = append(s.Load, name)
			}
		}
	}
	if lost != nil {
		return nil, fmt.Errorf("kernel %s lacks essential modules: %s", x.Version, strings.Join(lost, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(taken)) {
		s.Modules = append(s.Modules, taken[name])
	}
	return s, nil
}

// take adds one module and all it needs. A soft dependency that this kernel has not is no error: that is what makes it soft.
func (x *Index) take(taken map[string]Module, name string, brings []string) error {
	if _, done := taken[name]; done {
		return nil
	}
	m := *x.modules[name]
	m.Pre = x.soften(name, m.Pre)
	m.Post = x.soften(name, append(slices.Clone(m.Post), brings...))
	taken[name] = m
	for _, need := range m.Depends {
		if x.modules[need] == nil {
			return fmt.Errorf("module %s needs %s, which kernel %s has not", name, need, x.Version)
		}
	}
	for _, need := range slices.Concat(m.Depends, m.Pre, m.Post) {
		if err := x.take(taken, need, nil); err != nil {
			return err
		}
	}
	return nil
}

func (x *Index) soften(self string, words []string) []string {
	var all []string
	for _, word := range words {
		found, _ := x.lookup(word)
		for _, name := range found {
			if name != self && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// Order lists the modules so that each comes after those that it needs.
func (s *Selection) Order() []Module {
	byName := map[string]Module{}
	for _, m := range s.Modules {
		byName[m.Name] = m
	}
	var order []Module
	done := map[string]bool{}
	for _, m := range s.Modules {
		needs := s.needs(m)
		slices.Reverse(needs)
		for _, name := range append(needs, m.Name) {
			if !done[name] {
				done[name] = true
				order = append(order, byName[name])
			}
		}
	}
	return order
}

// needs lists what must be loaded before a module, the nearest first: read from the end it is the order of loading, as in
// depmod's file.
func (s *Selection) needs(m Module) []string {
	byName := map[string]Module{}
	for _, one := range s.Modules {
		byName[one.Name] = one
	}
	var order []string // in the order of loading
	var visit func(Module)
	visit = func(m Module) {
		for _, need := range m.Depends {
			if !slices.Contains(order, need) {
				visit(byName[need])
				order = append(order, need)
			}
		}
	}
	visit(m)
	slices.Reverse(order)
	return order
}
