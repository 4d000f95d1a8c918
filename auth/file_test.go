package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadFileJudges(t *testing.T) {
	folder := func(t *testing.T, path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string) string // returns what to open
		want    string                                 // in the error; empty: none
	}{
		{"private", func(t *testing.T, path string) string { return path }, ""},
		{"readable by all", func(t *testing.T, path string) string { folder(t, path, 0o644); return path }, ""},
		{"writable by group", func(t *testing.T, path string) string { folder(t, path, 0o620); return path }, "chmod go-w /"},
		{"writable by others", func(t *testing.T, path string) string { folder(t, path, 0o602); return path }, "chmod go-w /"},
		{"directory writable by group", func(t *testing.T, path string) string { folder(t, filepath.Dir(path), 0o770); return path }, "chmod go-w /"},
		{"sticky directory writable by all", func(t *testing.T, path string) string {
			folder(t, filepath.Dir(path), 0o777|os.ModeSticky)
			return path
		}, "chmod go-w /"},
		{"directory further up writable", func(t *testing.T, path string) string {
			sub := filepath.Join(filepath.Dir(path), "sub")
			if err := os.Mkdir(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			folder(t, filepath.Dir(path), 0o777)
			return writeFile(t, filepath.Join(sub, "keys"), "x")
		}, ""},
		{"link", func(t *testing.T, path string) string { return symlink(t, path) }, ""},
		{"link to a link", func(t *testing.T, path string) string { return symlink(t, symlink(t, path)) }, ""},
		{"link to a writable file", func(t *testing.T, path string) string { folder(t, path, 0o666); return symlink(t, path) }, "chmod go-w /"},
		{"link into a writable directory", func(t *testing.T, path string) string {
			folder(t, filepath.Dir(path), 0o777)
			return symlink(t, path)
		}, "chmod go-w /"},
		{"in a directory that a link names", func(t *testing.T, path string) string {
			return filepath.Join(symlink(t, filepath.Dir(path)), filepath.Base(path))
		}, ""},
		{"in a writable directory that a link names", func(t *testing.T, path string) string {
			folder(t, filepath.Dir(path), 0o770)
			return filepath.Join(symlink(t, filepath.Dir(path)), filepath.Base(path))
		}, "chmod go-w /"},
		{"link to nothing", func(t *testing.T, path string) string { return symlink(t, path+".gone") }, "does not exist"},
		{"link to itself", func(t *testing.T, path string) string {
			link := filepath.Join(filepath.Dir(path), "loop")
			if err := os.Symlink(link, link); err != nil {
				t.Fatal(err)
			}
			return link
		}, "too many links"},
		{"missing", func(t *testing.T, path string) string { return path + ".gone" }, "install -D -m 600 id_ed25519.pub /"},
		{"directory missing", func(t *testing.T, path string) string { return filepath.Join(path+".gone", "keys") }, "install -D -m 600"},
		{"directory", func(t *testing.T, path string) string { return filepath.Dir(path) }, "not a plain file"},
		{"device", func(t *testing.T, path string) string { return "/dev/null" }, "not a plain file"},
		{"named pipe", func(t *testing.T, path string) string {
			if err := unix.Mkfifo(path+".fifo", 0o600); err != nil {
				t.Fatal(err)
			}
			return path + ".fifo"
		}, "not a plain file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := test.prepare(t, writeFile(t, filepath.Join(keyFolder(t), "authorized_keys"), "x"))
			content, err := readFile(path)
			if test.want == "" {
				if err != nil || string(content) != "x" {
					t.Errorf("readFile = %q, %v; want x", content, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("readFile = %v; want an error with %q", err, test.want)
			}
		})
	}
}

func TestReadFileOfAnySize(t *testing.T) {
	path := filepath.Join(keyFolder(t), "authorized_keys")
	for _, size := range []int{0, 1, 4095, 4096, 4097, 100_000, maxFile, maxFile + 1} {
		want := strings.Repeat("0123456789\n", size/11+1)[:size]
		content, err := readFile(writeFile(t, path, want))
		if size <= maxFile && (err != nil || string(content) != want) {
			t.Errorf("of %d bytes %d were read: %v", size, len(content), err)
		}
		if size > maxFile && (err == nil || !strings.Contains(err.Error(), "larger than 1 MiB")) {
			t.Errorf("of %d bytes %d were read: %v", size, len(content), err)
		}
	}
}

func symlink(t *testing.T, target string) string {
	t.Helper()
	link := filepath.Join(keyFolder(t), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	return link
}

func TestJudgeOwner(t *testing.T) {
	tests := []struct {
		mode        uint32
		owner, self int
		want        string
	}{
		{0o600, 0, 0, ""},
		{0o644, 0, 1000, ""},
		{0o600, 1000, 1000, ""},
		{0o755, 1000, 1000, ""},
		{0o600, 1000, 0, "chown 0 /k"},
		{0o600, 1001, 1000, "chown 1000 /k"},
		{0o664, 0, 0, "chmod go-w /k"},
		{0o646, 0, 0, "chmod go-w /k"},
	}
	for _, test := range tests {
		err := judgeOwner("/k", test.mode, test.owner, test.self)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("judgeOwner(%o, %d, %d) = %v; want %q", test.mode, test.owner, test.self, err, test.want)
		}
	}
}

// The same through the file system, which only root can set up.
func TestReadFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a file away")
	}
	path := writeFile(t, filepath.Join(keyFolder(t), "authorized_keys"), "x")
	for _, given := range []string{path, filepath.Dir(path)} {
		if err := os.Chown(given, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if _, err := readFile(path); err == nil || !strings.Contains(err.Error(), "chown 0 "+given) {
			t.Errorf("readFile, %s of another user = %v; want chown in the error", given, err)
		}
		if err := os.Chown(given, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
}
