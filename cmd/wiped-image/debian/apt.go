package debian

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// hostless makes apt forget what is installed here, so that the outcome does not depend on it, and saves it a warning
// about a folder that its own user may not enter.
var hostless = []string{"-o", "Dir::State::status=/dev/null", "-o", "APT::Sandbox::User="}

// Resolve finds the newest version of each package that apt's signed lists hold, and of the shared libraries they depend on.
func Resolve(names []string) ([]Package, error) {
	var all []Package
	seen := map[string]bool{}
	for next := names; len(next) > 0; {
		found, err := show(next)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		for _, name := range next {
			seen[name] = true
		}
		next = libraries(found, seen)
	}
	slices.SortFunc(all, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Dependency finds the one package with the given prefix that a meta-package depends on.
func Dependency(meta, prefix string) (string, error) {
	found, err := show([]string{meta})
	if err != nil {
		return "", err
	}
	for _, name := range found[0].depends {
		if strings.HasPrefix(name, prefix) {
			return name, nil
		}
	}
	return "", fmt.Errorf("find %s: package %s %s depends on none", prefix, meta, found[0].Version)
}

func show(names []string) ([]Package, error) {
	out, err := apt("", "apt-cache", append([]string{"show", "--no-all-versions"}, names...)...)
	var fault *Fault
	if err != nil && !errors.As(err, &fault) {
		return nil, err
	}
	found := parseRecords(out)
	for _, name := range names {
		if !slices.ContainsFunc(found, func(p Package) bool { return p.Name == name && p.SHA256 != "" }) {
			return nil, fmt.Errorf("find package %s: apt's lists have none. Next: as root, apt-get update; "+
				"if that does not help, build on Debian 12 for amd64, with its main archive in apt's sources", name)
		}
	}
	return found, nil
}

// libraries are the dependencies that are shared libraries; other packages are there for installing, which nobody does here.
func libraries(found []Package, seen map[string]bool) []string {
	var names []string
	for _, p := range found {
		for _, name := range p.depends {
			isLibrary := strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "zlib")
			if isLibrary && !seen[name] && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Fault is a program that ended with an error, and what it said.
type Fault struct {
	Program, Said string
	Err           error
}

// Error quotes the first error of what may be a thousand lines.
func (f *Fault) Error() string {
	first, _, _ := strings.Cut(f.Said, "\n")
	if _, after, ok := strings.Cut("\n"+f.Said, "\nE: "); ok {
		first, _, _ = strings.Cut(after, "\n")
	}
	return fmt.Sprintf("%s: %v: %s", f.Program, f.Err, first)
}

func (f *Fault) Unwrap() error { return f.Err }

// apt runs one of apt's programs.
func apt(dir, program string, args ...string) (string, error) {
	return command(exec.Command(program, append(slices.Clone(hostless), args...)...), dir)
}

func command(c *exec.Cmd, dir string) (string, error) {
	var out, said bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = dir, &out, &said
	c.Env = append(c.Environ(), "LC_ALL=C")
	err := c.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%w. Next: this is made from Debian's packages, build it on Debian 12, which has apt and dpkg", err)
	}
	if err != nil {
		return out.String(), &Fault{c.Args[0], strings.TrimSpace(said.String()), err}
	}
	return out.String(), nil
}
