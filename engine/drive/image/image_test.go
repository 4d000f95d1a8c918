package image

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wiped/engine/drive"
	"wiped/engine/drive/drivetest"
)

// folders are where images are kept in these tests: one with direct I/O and, where there is one, one of memory.
func folders(t *testing.T) map[string]string {
	all := map[string]string{"disk": t.TempDir()}
	if shm, err := os.MkdirTemp("/dev/shm", "wiped"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(shm) })
		all["memory"] = shm
	}
	return all
}

func TestSuite(t *testing.T) {
	for name, dir := range folders(t) {
		t.Run(name, func(t *testing.T) {
			n := 0
			drivetest.Run(t, func(t *testing.T) drivetest.Subject {
				n++
				file := filepath.Join(dir, fmt.Sprintf("%d.img", n))
				makeFile(t, file, 1<<20+3*Sector)
				return drivetest.Subject{Source: source(t, file), Another: source(t, file), Shrink: func() error { return os.Truncate(file, 1<<20) }}
			})
		})
	}
}

func makeFile(t *testing.T, file string, size int) {
	t.Helper()
	if err := os.WriteFile(file, bytes.Repeat([]byte{'x'}, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

func source(t *testing.T, files ...string) *Source {
	t.Helper()
	s, err := New(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func first(t *testing.T, s *Source) drive.Drive {
	t.Helper()
	all, err := s.Find()
	if err != nil || len(all) != 1 {
		t.Fatalf("Find = %v, %v", all, err)
	}
	return all[0]
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	makeFile(t, filepath.Join(dir, "a.img"), 512)
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	makeFile(t, filepath.Join(dir, "sub/a.img"), 512)
	makeFile(t, filepath.Join(dir, "b\x1b.img"), 512)
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"a.img", "sub/a.img"}, "two images have the name a.img"},
		{[]string{"a.img", "a.img"}, "two images have the name a.img"},
		{[]string{"none.img"}, "no such file"},
		{[]string{"sub"}, "not a regular file"},
		{[]string{"/dev/null"}, "not a regular file"},
		{[]string{"b\x1b.img"}, "cannot be typed"},
	} {
		var files []string
		for _, f := range c.files {
			if !strings.HasPrefix(f, "/") {
				f = filepath.Join(dir, f)
			}
			files = append(files, f)
		}
		if _, err := New(files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q) = %v; want %q", c.files, err, c.want)
		}
	}
}

// TestSerial: the same file has the same serial whatever it holds and is called; another file in its place has another.
func TestSerial(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "a.img"), filepath.Join(dir, "b.img")
	makeFile(t, file, 1024)
	makeFile(t, other, 1024)
	was := first(t, source(t, file)).Info()
	if !strings.HasPrefix(was.Serial, "~") || strings.ContainsAny(was.Serial, " \t") || was.OwnSerial() {
		t.Errorf("serial %q does not say that the station made it", was.Serial)
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte{'y'}, 1024), 0o600); err != nil {
		t.Fatal(err)
	}
	if now := first(t, source(t, file)).Info(); now.Serial != was.Serial {
		t.Errorf("serial %s became %s when its content changed", was.Serial, now.Serial)
	}
	moved := filepath.Join(dir, "moved.img")
	if err := os.Rename(file, moved); err != nil {
		t.Fatal(err)
	}
	if now := first(t, source(t, moved)).Info(); now.Serial != was.Serial || was.ID.Same(now.ID) != nil {
		t.Errorf("serial %s became %s when it was renamed", was.Serial, now.Serial)
	}
	if now := first(t, source(t, other)).Info(); now.Serial == was.Serial || was.ID.Same(now.ID) == nil {
		t.Error("two files have one identity")
	}
}

// TestClaimNotices what happens to a claimed file, and that a writer that is open stops.
func TestClaimNotices(t *testing.T) {
	for name, c := range map[string]struct {
		change func(file string) error
		want   error
		writes bool // an open writer writes to the old file, which does no harm to any other
	}{
		"shrunk":   {func(f string) error { return os.Truncate(f, 4096) }, drive.ErrChanged, false},
		"grown":    {func(f string) error { return os.Truncate(f, 1<<21) }, drive.ErrChanged, false},
		"deleted":  {os.Remove, drive.ErrGone, true},
		"replaced": {func(f string) error { return replace(f) }, drive.ErrGone, true},
		"moved":    {func(f string) error { return os.Rename(f, f+".moved") }, drive.ErrGone, true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.img")
			makeFile(t, file, 1<<20)
			claim, err := first(t, source(t, file)).Claim()
			if err != nil {
				t.Fatal(err)
			}
			defer claim.Close()
			w, err := claim.Writer()
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if err := c.change(file); err != nil {
				t.Fatal(err)
			}
			if err := claim.Check(); !errors.Is(err, c.want) {
				t.Errorf("Check = %v; want %v", err, c.want)
			}
			if w, err := claim.Writer(); err == nil {
				_ = w.Close()
				t.Error("it is opened for writing all the same")
			}
			size := sizeOf(file)
			if _, err := w.WriteAt(make([]byte, 512), 8192); err == nil && !c.writes {
				t.Error("an open writer goes on")
			}
			if now := sizeOf(file); now != size {
				t.Errorf("the size went from %d to %d", size, now)
			}
		})
	}
}

func replace(file string) error {
	if err := os.WriteFile(file+".new", []byte("precious"), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func sizeOf(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return -1
	}
	return info.Size()
}

// TestStaleLook: what was found and then replaced is not claimed.
func TestStaleLook(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.img")
	makeFile(t, file, 1<<20)
	d := first(t, source(t, file))
	if err := replace(file); err != nil {
		t.Fatal(err)
	}
	if c, err := d.Claim(); err == nil {
		_ = c.Close()
		t.Error("another file than the one that was looked at is claimed")
	}
}

// TestHeldElsewhere: another process holds the lock, or a hard link of the same file is claimed.
func TestHeldElsewhere(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "a.img"), filepath.Join(dir, "link.img")
	makeFile(t, file, 1<<20)
	if err := os.Link(file, link); err != nil {
		t.Fatal(err)
	}
	claim, err := first(t, source(t, link)).Claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first(t, source(t, file)).Claim(); !errors.Is(err, drive.ErrHeld) {
		t.Errorf("Claim of a file whose other name is claimed: %v; want ErrHeld", err)
	}
	_ = claim.Close()
	flock, err := exec.LookPath("flock")
	if err != nil {
		t.Skip("no flock program")
	}
	cmd := exec.Command(flock, "-x", file, "sh", "-c", "echo held; cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	d := first(t, source(t, file))
	if len(d.Info().Uses) == 0 {
		t.Error("a file open in another process is shown as free")
	}
	if _, err := d.Claim(); !errors.Is(err, drive.ErrHeld) {
		t.Errorf("Claim of a file that another process locked: %v; want ErrHeld", err)
	}
}

func TestGoneAndUnreadable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.img")
	makeFile(t, file, 1<<20)
	s := source(t, file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	d := first(t, s)
	if d.Info().Problem == "" {
		t.Error("a file that is gone is shown as a drive")
	}
	if _, err := d.Claim(); err == nil {
		t.Error("a file that is gone is claimed")
	}
}
