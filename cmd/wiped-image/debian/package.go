// Package debian takes files and programs out of Debian's packages without installing anything: apt fetches and checks
// them. It knows nothing of what is made from them.
package debian

import (
	"fmt"
	"io"
	"strings"
)

// Package is one Debian package in one version; the checksum names its contents once and for all.
type Package struct {
	Name, Version, SHA256 string
	depends               []string
}

// WriteManifest writes the packages, one a line, in the format that ParseManifest reads.
func WriteManifest(w io.Writer, list []Package) error {
	if _, err := io.WriteString(w, "# package version sha256: wiped-image --versions FILE fetches exactly these\n"); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	for _, p := range list {
		if _, err := fmt.Fprintln(w, p.Name, p.Version, p.SHA256); err != nil {
			return fmt.Errorf("write manifest: %w", err)
		}
	}
	return nil
}

// ParseManifest reads what WriteManifest wrote.
func ParseManifest(text string) ([]Package, error) {
	var list []Package
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case len(words) != 3 || len(words[2]) != 64 || strings.Trim(words[2], "0123456789abcdef") != "":
			return nil, fmt.Errorf("read manifest, line %d: it is not PACKAGE VERSION SHA256", n+1)
		default:
			list = append(list, Package{Name: words[0], Version: words[1], SHA256: words[2]})
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("read manifest: it names no package")
	}
	return list, nil
}

// parseRecords reads what "apt-cache show" prints: paragraphs of fields, those that go on begin with a blank.
func parseRecords(text string) []Package {
	var list []Package
	for _, paragraph := range strings.Split(text, "\n\n") {
		var p Package
		for _, line := range strings.Split(paragraph, "\n") {
			key, value, _ := strings.Cut(line, ": ")
			switch key {
			case "Package":
				p.Name = value
			case "Version":
				p.Version = value
			case "SHA256":
				p.SHA256 = value
			case "Depends", "Pre-Depends":
				p.depends = append(p.depends, parseDepends(value)...)
			}
		}
		if p.Name != "" {
			list = append(list, p)
		}
	}
	return list
}

// parseDepends takes the first alternative of each dependency, without its version.
func parseDepends(value string) []string {
	var names []string
	for _, one := range strings.Split(value, ",") {
		if words := strings.FieldsFunc(one, func(r rune) bool { return strings.ContainsRune(" (|:", r) }); len(words) > 0 {
			names = append(names, words[0])
		}
	}
	return names
}
