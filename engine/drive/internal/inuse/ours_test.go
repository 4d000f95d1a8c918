package inuse

import (
	"os"
	"path/filepath"
	"testing"
)

// TestIsOurs: of the processes that hold a drive open, only the one that asks for its health on our behalf is no use of it.
func TestIsOurs(t *testing.T) {
	for stat, want := range map[string]bool{
		"77 (smartctl) S 42 77 1 0":     true,
		"77 (smartctl) S 43 77 1 0":     false, // started by somebody else
		"77 (wiped-order) S 42 77 1 0":  true,
		"77 (wiped-order) S 1 77 1 0":   false, // who started it has ended
		"77 (dd) S 42 77 1 0":           false,
		"77 (a) (smartctl) S 42 77 1 0": false,
		"77 (smartctl":                  false,
		"77 (smartctl)":                 false,
		"":                              false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(stat), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := isOurs(dir, "42"); got != want {
			t.Errorf("isOurs(%q) = %v; want %v", stat, got, want)
		}
	}
}
