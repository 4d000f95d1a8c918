package boot

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// moduleIndex is what depmod's text files say of the modules in the image.
type moduleIndex struct {
	path    map[string]string   // name -> file, relative to the modules' directory
	needs   map[string][]string // name -> names that must be loaded before it
	before  map[string][]string // softdep pre: names or aliases
	after   map[string][]string // softdep post: names or aliases
	aliases map[string][]alias  // what stands before the first colon, "" where that has a wildcard -> aliases
	builtin map[string]bool     // names that are in the kernel itself
}

type alias struct{ pattern, module string }

// moduleFiles are the readers of the files of /lib/modules/VERSION, by name.
var moduleFiles = map[string]func(*moduleIndex, string){
	"modules.dep":     (*moduleIndex).dependency,
	"modules.alias":   (*moduleIndex).alias,
	"modules.softdep": (*moduleIndex).softdep,
	"modules.builtin": (*moduleIndex).builtIn,
}

func newModuleIndex() *moduleIndex {
	return &moduleIndex{path: map[string]string{}, needs: map[string][]string{}, before: map[string][]string{},
		after: map[string][]string{}, aliases: map[string][]alias{}, builtin: map[string]bool{}}
}

// read reads one of depmod's files, line by line. A line that it does not understand is skipped, as modprobe does.
func (x *moduleIndex) read(r io.Reader, line func(*moduleIndex, string)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text := strings.TrimSpace(lines.Text()); text != "" && text[0] != '#' {
			line(x, text)
		}
	}
	return lines.Err()
}

func (x *moduleIndex) dependency(line string) {
	file, rest, _ := strings.Cut(line, ":")
	name := moduleName(file)
	if name == "" || file == line {
		return
	}
	x.path[name] = file
	for _, need := range strings.Fields(rest) {
		x.needs[name] = append(x.needs[name], moduleName(need))
	}
}

func (x *moduleIndex) alias(line string) {
	words := strings.Fields(line)
	if len(words) < 3 || words[0] != "alias" {
		return
	}
	// The module is the last word: an alias may hold blanks.
	a := alias{strings.Join(words[1:len(words)-1], " "), moduleName(words[len(words)-1])}
	kind := aliasKind(a.pattern)
	if strings.ContainsAny(kind, "*?[") {
		kind = ""
	}
	x.aliases[kind] = append(x.aliases[kind], a)
}

func (x *moduleIndex) softdep(line string) {
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "softdep" {
		return
	}
	name, into := moduleName(words[1]), map[string][]string(nil)
	for _, word := range words[2:] {
		switch {
		case word == "pre:":
			into = x.before
		case word == "post:":
			into = x.after
		case into != nil:
			into[name] = append(into[name], word)
		}
	}
}

func (x *moduleIndex) builtIn(line string) { x.builtin[moduleName(line)] = true }

// moduleName is the kernel's name of a module file or of a name as people write it.
func moduleName(file string) string {
	name := file[strings.LastIndexByte(file, '/')+1:]
	if at := strings.Index(name, ".ko"); at > 0 {
		name = name[:at]
	}
	return strings.ReplaceAll(name, "-", "_")
}

func aliasKind(pattern string) string {
	kind, _, _ := strings.Cut(pattern, ":")
	return kind
}

// matching returns the modules whose aliases cover a modalias, in the order of the file. A module's own name is an
// alias of it too.
func (x *moduleIndex) matching(modalias string) (names []string) {
	kind := aliasKind(modalias)
	lists := [][]alias{x.aliases[kind]}
	if kind != "" {
		lists = append(lists, x.aliases[""])
	}
	for _, list := range lists {
		for _, a := range list {
			if globMatch(a.pattern, modalias) && !slices.Contains(names, a.module) {
				names = append(names, a.module)
			}
		}
	}
	if name := moduleName(modalias); x.path[name] != "" && !slices.Contains(names, name) {
		names = append(names, name)
	}
	return names
}

// order returns the names to load for one module, each after what it needs. A circle is cut where it closes; soft
// dependencies that are not in the image are left out, as their name says.
func (x *moduleIndex) order(name string) (names []string) {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] || x.path[name] == "" {
			return
		}
		seen[name] = true
		for _, first := range slices.Concat(x.resolve(x.before[name]), x.needs[name]) {
			visit(first)
		}
		names = append(names, name)
		for _, then := range x.resolve(x.after[name]) {
			visit(then)
		}
	}
	visit(name)
	return names
}

// resolve turns names and aliases into names; crypto-crc32c is whatever computes that checksum.
func (x *moduleIndex) resolve(words []string) (names []string) {
	for _, word := range words {
		names = append(names, x.matching(word)...)
	}
	return names
}
