package drivetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wiped/engine/drive/block"
	"wiped/engine/drive/drivetest"
)

// TestLoop holds real block devices against the suite: loop devices over files, with sectors of both sizes.
func TestLoop(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("WIPED_FORBID_SKIP") != "" {
			t.Fatal("this test needs root, and WIPED_FORBID_SKIP forbids to leave it out")
		}
		t.Skip("loop devices need root")
	}
	for _, sector := range []string{"512", "4096"} {
		t.Run(sector, func(t *testing.T) {
			drivetest.Run(t, func(t *testing.T) drivetest.Subject { return loop(t, sector) })
		})
	}
}

func loop(t *testing.T, sector string) drivetest.Subject {
	file := filepath.Join(t.TempDir(), "below")
	const size = 1<<20 + 3*4096
	if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--show", "-f", "-b", sector, file).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", dev).CombinedOutput(); err != nil {
			t.Errorf("losetup -d: %v: %s", err, out)
		}
	})
	source := func() *block.Source {
		s, err := block.New(strings.TrimPrefix(dev, "/dev/"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return drivetest.Subject{
		Source: source(), Another: source(),
		Shrink: func() error {
			if err := os.Truncate(file, size-8192); err != nil {
				return err
			}
			return exec.Command("losetup", "-c", dev).Run()
		},
		Beneath: func(off int64, text []byte) {
			f, err := os.OpenFile(file, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(text, off); err != nil {
				t.Fatal(err)
			}
		},
	}
}
