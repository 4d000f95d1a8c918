package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPage: every test and story that docs/security.md calls as a witness exists.
func TestSecurityPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	if err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		sources.Write(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	witnesses := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(page, -1)
	for _, w := range witnesses {
		if !strings.Contains(sources.String(), "func "+string(w[1])+"(") {
			t.Errorf("there is no %s", w[1])
		}
	}
	stories := regexp.MustCompile("`(?:testdata/)?((?:roles|refuse|split|input)_\\w+)`").FindAllSubmatch(page, -1)
	for _, s := range stories {
		if _, err := os.Stat(filepath.Join("testdata", string(s[1])+".txtar")); err != nil {
			t.Errorf("there is no story %s", s[1])
		}
	}
	if len(witnesses) < 10 || len(stories) < 5 {
		t.Errorf("the page names %d tests and %d stories", len(witnesses), len(stories))
	}
}
