package debian

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sum = "724cd3dd49dec76f6fb0297252aeb860db54716d131387493180209f54d68d51"

// shown is what apt-cache prints, shortened.
const shown = `Package: smartmontools
Source: smartmontools (7.3-1)
Version: 7.3-1+b1
Pre-Depends: init-system-helpers:any
Depends: debianutils (>= 2.2), libc6 (>= 2.34), libgcc-s1 | libgcc1, zlib1g
Description: control and monitor
 storage: systems
SHA256: ` + sum + `

Package: linux-image-amd64
Version: 6.1.192-2
Depends: linux-image-6.1.0-56-amd64 (= 6.1.192-2)
SHA256: ` + sum + `
`

func TestParseRecords(t *testing.T) {
	list := parseRecords(shown)
	if len(list) != 2 || list[0].Name != "smartmontools" || list[0].Version != "7.3-1+b1" || list[0].SHA256 != sum {
		t.Fatalf("records are %v", list)
	}
	if want := []string{"init-system-helpers", "debianutils", "libc6", "libgcc-s1", "zlib1g"}; !slices.Equal(list[0].depends, want) {
		t.Errorf("depends are %v, want %v", list[0].depends, want)
	}
	if got, want := libraries(list, map[string]bool{"libc6": true}), []string{"libgcc-s1", "zlib1g"}; !slices.Equal(got, want) {
		t.Errorf("libraries are %v, want %v", got, want)
	}
}

func TestManifestComesBack(t *testing.T) {
	list := []Package{{Name: "libcap2", Version: "1:2.66-4+b1", SHA256: sum}, {Name: "xorriso", Version: "1.5.4-4", SHA256: sum}}
	var b bytes.Buffer
	if err := WriteManifest(&b, list); err != nil {
		t.Fatal(err)
	}
	back, err := ParseManifest(b.String())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(list, back, func(a, b Package) bool { return a.Name == b.Name && a.Version == b.Version && a.SHA256 == b.SHA256 }) {
		t.Errorf("wrote %v, read %v", list, back)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "xorriso 1.5.4-4", "xorriso 1.5.4-4 " + strings.ToUpper(sum), "xorriso 1.5.4-4 ../" + sum[3:]} {
		if list, err := ParseManifest(text); err == nil {
			t.Errorf("%q was taken as %v", text, list)
		}
	}
}

func TestFetchNeedsNoNetworkForWhatIsThere(t *testing.T) {
	cache := t.TempDir()
	p := Package{Name: "hello", Version: "1", SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}
	if err := os.WriteFile(deb(cache, p), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/nonexistent")
	if err := Fetch(cache, []Package{p}); err != nil {
		t.Errorf("fetch: %v", err)
	}
	if err := os.WriteFile(deb(cache, p), []byte("hell"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Fetch(cache, []Package{p}); err == nil || !strings.Contains(err.Error(), "Next: ") {
		t.Errorf("a torn file, and no apt: %v, want an error with the next step", err)
	}
}

func TestRemedies(t *testing.T) {
	for _, r := range remedies {
		if got := next(&Fault{Program: "apt-get", Said: "E: " + r.said + " 'deb.debian.org'", Err: errors.New("exit status 100")}); !strings.Contains(got, r.next) {
			t.Errorf("%q: %q, want %q", r.said, got, r.next)
		}
	}
}

func TestFaultQuotesTheFirstError(t *testing.T) {
	f := &Fault{Program: "apt-get", Said: "W: one\nW: two\nE: no route\nE: no more", Err: errors.New("exit status 100")}
	if got, want := f.Error(), "apt-get: exit status 100: no route"; got != want {
		t.Errorf("error is %q, want %q", got, want)
	}
}

func TestRootFindsFiles(t *testing.T) {
	r := &Root{dirs: []string{t.TempDir(), t.TempDir()}}
	file := filepath.Join(r.dirs[1], "boot")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Find("boot"); err != nil || got != file {
		t.Errorf("found %q, %v", got, err)
	}
	if got := r.Glob("b*"); !slices.Equal(got, []string{file}) {
		t.Errorf("glob gave %v", got)
	}
	if _, err := r.Find("usr/sbin/smartctl"); err == nil {
		t.Error("found what is not there")
	}
}
