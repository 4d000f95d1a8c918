package kmod

import (
	"fmt"
	"slices"
	"strings"
)

// Files are the text files that go beside the modules, by name, in the formats of depmod; modules.load is our own: one
// name a line.
func (s *Selection) Files() map[string]string {
	return map[string]string{
		"modules.dep":     s.dep(),
		"modules.alias":   s.alias(),
		"modules.softdep": s.softdep(),
		"modules.load":    strings.Join(append(slices.Clone(s.Load), ""), "\n"),
	}
}

func (s *Selection) dep() string {
	path := map[string]string{}
	for _, m := range s.Modules {
		path[m.Name] = m.Path
	}
	var b strings.Builder
	for _, m := range s.Modules {
		b.WriteString(m.Path + ":")
		for _, need := range s.needs(m) {
			b.WriteString(" " + path[need])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (s *Selection) alias() string {
	var b strings.Builder
	b.WriteString("# Aliases extracted from modules themselves.\n")
	for _, m := range s.Modules {
		for _, alias := range m.Aliases {
			fmt.Fprintf(&b, "alias %s %s\n", alias, m.Name)
		}
	}
	return b.String()
}

func (s *Selection) softdep() string {
	var b strings.Builder
	b.WriteString("# Soft dependencies, as module names.\n")
	for _, m := range s.Modules {
		if len(m.Pre)+len(m.Post) == 0 {
			continue
		}
		b.WriteString("softdep " + m.Name)
		if len(m.Pre) > 0 {
			b.WriteString(" pre: " + strings.Join(m.Pre, " "))
		}
		if len(m.Post) > 0 {
			b.WriteString(" post: " + strings.Join(m.Post, " "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Firmware is the files that the modules may ask for, each with the modules that name it.
func (s *Selection) Firmware() map[string][]string {
	all := map[string][]string{}
	for _, m := range s.Modules {
		for _, file := range m.Firmware {
			all[file] = append(all[file], m.Name)
		}
	}
	return all
}
