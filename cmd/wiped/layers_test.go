package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "wiped/"

// layers is the law of who may import whom among our packages. A package without a row, a row without a package, and an
// import that its row does not name, each fail the test. Do not add to a row to get a build through: ask first what the
// package would then know that it must not know.
var layers = map[string][]string{
	"auth":                         {},
	"hostkeys":                     {},
	"engine/journal":               {},
	"engine/wipe":                  {},
	"engine/drive":                 {},
	"engine/drive/internal/inuse":  {"engine/drive"},
	"engine/drive/internal/handle": {},
	"engine/drive/internal/sg":     {},
	"engine/drive/ata":             {"engine/drive", "engine/drive/internal/sg"},
	"engine/drive/scsi":            {"engine/drive", "engine/drive/internal/sg"},
	"engine/drive/nvme":            {"engine/drive"},
	"engine/drive/mmc":             {"engine/drive"},
	"engine/drive/apart":           {"engine/drive"},
	"engine/drive/health":          {"engine/drive"},
	"engine/drive/uevent":          {},
	"engine/drive/image":           {"engine/drive", "engine/drive/internal/inuse", "engine/drive/internal/handle"},
	"engine/drive/block":           {"engine/drive", "engine/drive/internal/inuse", "engine/drive/internal/handle"},
	"engine/drive/drivetest":       {"engine/drive"},
	"engine/method":                {"engine/drive", "engine/wipe"},
	"engine/certificate":           {"engine/journal"}, // a certificate may only say what the journal says
	"engine":                       {"engine/drive", "engine/method", "engine/wipe", "engine/journal", "engine/certificate"},
	"shell/editor":                 {},
	"shell":                        {"auth", "engine", "engine/drive", "engine/method", "engine/journal", "engine/certificate", "shell/editor"},
	"shell/sshd":                   {"auth", "shell"},
	"shell/sshd/rawtest":           {},
	"shell/privsep":                {"auth", "shell", "shell/privsep/sandbox"},
	"shell/privsep/sandbox":        {},
	// The simulator of drives is what the engine is tested against: nothing of the engine is in it.
	"cmd/drivesim":            {"cmd/drivesim/bench", "cmd/drivesim/clients", "cmd/drivesim/scenario", "cmd/drivesim/nvmetcp"},
	"cmd/drivesim/ata":        {"cmd/drivesim/erase", "cmd/drivesim/scenario", "cmd/drivesim/store", "cmd/drivesim/target"},
	"cmd/drivesim/bench":      {"cmd/drivesim/ata", "cmd/drivesim/scenario", "cmd/drivesim/scsi", "cmd/drivesim/store", "cmd/drivesim/target", "cmd/drivesim/tcmu"},
	"cmd/drivesim/clients":    {},
	"cmd/drivesim/erase":      {"cmd/drivesim/store"},
	"cmd/drivesim/nvmetcp":    {},
	"cmd/drivesim/scenario":   {"cmd/drivesim/erase"},
	"cmd/drivesim/scsi":       {"cmd/drivesim/erase", "cmd/drivesim/scenario", "cmd/drivesim/store", "cmd/drivesim/target"},
	"cmd/drivesim/store":      {},
	"cmd/drivesim/target":     {"cmd/drivesim/erase"},
	"cmd/drivesim/volatile":   {},
	"cmd/drivesim/tcmu":       {"cmd/drivesim/erase", "cmd/drivesim/target"},
	"cmd/bench":               {"cmd/bench/plot", "engine", "engine/drive", "engine/drive/block", "engine/journal", "engine/wipe"},
	"cmd/bench/plot":          {},
	"cmd/wiped-image":         {"cmd/wiped-image/archive", "cmd/wiped-image/debian", "cmd/wiped-image/iso", "cmd/wiped-image/kmod"},
	"cmd/wiped-image/archive": {},
	"cmd/wiped-image/debian":  {},
	"cmd/wiped-image/iso":     {},
	"cmd/wiped-image/kmod":    {},
	"cmd/wiped/boot":          {"engine/drive/uevent"},
	"cmd/wiped": {"cmd/wiped/boot", "auth", "hostkeys", "shell", "shell/privsep", "shell/privsep/sandbox", "shell/sshd", "engine", "engine/drive", "engine/drive/apart", "engine/drive/block", "engine/drive/image",
		"engine/drive/ata", "engine/drive/scsi", "engine/drive/nvme", "engine/drive/mmc", "engine/drive/health", "engine/drive/uevent",
		"engine/journal", "engine/certificate"},
}

// forbidden are imports of others that a package must not have, each with the reason.
var forbidden = map[string]map[string]string{
	"shell":              {"golang.org/x/crypto/ssh": "the shell knows no SSH", "github.com/gliderlabs/ssh": "the shell knows no SSH"},
	"engine/wipe":        {"os": "wipe is given readers and writers, it opens nothing"},
	"engine/certificate": {"os": "a certificate is made from records alone"},
	"engine":             {"github.com/gliderlabs/ssh": "the engine knows no sessions"},
}

// TestLayers reads the sources itself: what a child process reads is unknown to the test cache.
func TestLayers(t *testing.T) {
	found := packages(t)
	for _, pkg := range slices.Sorted(maps.Keys(found)) {
		row, ok := layers[pkg]
		if !ok {
			t.Errorf("package %s has no row in layers: say there what it may import", pkg)
			continue
		}
		for _, imported := range slices.Sorted(maps.Keys(found[pkg].imports)) {
			own, isOurs := strings.CutPrefix(imported, module)
			if isOurs && !slices.Contains(row, own) {
				t.Errorf("%s imports %s, which its row does not allow", pkg, own)
			}
			if why := forbidden[pkg][imported]; why != "" {
				t.Errorf("%s imports %s: %s", pkg, imported, why)
			}
		}
	}
	for pkg := range layers {
		if found[pkg] == nil {
			t.Errorf("layers has a row for %s, and there is no such package", pkg)
		}
	}
}

// TestPackageComments holds every package to exactly one comment that says what it knows.
func TestPackageComments(t *testing.T) {
	for pkg, p := range packages(t) {
		if p.comments != 1 {
			t.Errorf("package %s has %d package comments, want 1", pkg, p.comments)
		}
	}
}

// TestOneWayToWrite holds all opening of drives for writing to the two places that check what they open.
func TestOneWayToWrite(t *testing.T) {
	allowed := []string{"engine/drive/image/image.go", "engine/drive/block/claim.go", "engine/drive/internal/handle/handle.go"}
	walk(t, func(file string, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !strings.HasPrefix(file, "engine/drive/") || slices.Contains(allowed, file) {
				return true
			}
			if slices.Contains([]string{"O_RDWR", "O_WRONLY", "Create", "OpenFile", "WriteFile"}, sel.Sel.Name) {
				t.Errorf("%s uses %s: drives are opened for writing in %v only", file, sel.Sel.Name, allowed)
			}
			return true
		})
	})
}

type pkg struct {
	imports  map[string]bool
	comments int
}

func packages(t *testing.T) map[string]*pkg {
	t.Helper()
	found := map[string]*pkg{}
	walk(t, func(file string, f *ast.File) {
		dir := path.Dir(file)
		p := found[dir]
		if p == nil {
			p = &pkg{imports: map[string]bool{}}
			found[dir] = p
		}
		if f.Doc != nil {
			p.comments++
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			p.imports[name] = true
		}
	})
	return found
}

// walk parses every source file of the module but the tests.
func walk(t *testing.T, visit func(file string, f *ast.File)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || (strings.HasPrefix(d.Name(), ".") && name != root)) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(rel), f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
