package archive

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"
	"github.com/klauspost/compress/zstd"
)

var when = time.Unix(1700000000, 0)

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"etc/wiped/key": 0o600, "bin/run": 0o755} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/bin/run", filepath.Join(dir, "init")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func pack(t *testing.T, dir string) []byte {
	t.Helper()
	tree := Tree{}
	if err := tree.Folder("", dir); err != nil {
		t.Fatal(err)
	}
	tree.Bytes("var/lib/empty", 0o644, nil)
	data, err := tree.Pack(when)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSameBytesEachTime(t *testing.T) {
	one, other := folder(t), folder(t)
	if err := os.Chtimes(filepath.Join(other, "bin/run"), when, when); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pack(t, one), pack(t, other)) {
		t.Error("two archives of the same files differ")
	}
}

func TestEntriesAsTheKernelReadsThem(t *testing.T) {
	z, err := zstd.NewReader(bytes.NewReader(pack(t, folder(t))))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	want := []struct {
		name string
		mode cpio.FileMode
		data string
	}{
		{"bin", cpio.TypeDir | 0o755, ""}, {"bin/run", cpio.TypeReg | 0o755, "bin/run"},
		{"etc", cpio.TypeDir | 0o755, ""}, {"etc/wiped", cpio.TypeDir | 0o755, ""}, {"etc/wiped/key", cpio.TypeReg | 0o600, "etc/wiped/key"},
		{"init", cpio.TypeSymlink | 0o777, "/bin/run"},
		{"var", cpio.TypeDir | 0o755, ""}, {"var/lib", cpio.TypeDir | 0o755, ""}, {"var/lib/empty", cpio.TypeReg | 0o644, ""},
	}
	r := cpio.NewReader(z)
	for i, w := range want {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != w.name || h.Mode != w.mode || h.Linkname+string(data) != w.data {
			t.Errorf("entry %s %v %q%q, want %v", h.Name, h.Mode, h.Linkname, data, w)
		}
		if h.Uid != 0 || h.Guid != 0 || h.Inode != int64(i+1) || !h.ModTime.Equal(when) {
			t.Errorf("entry %s: owner %d:%d, inode %d, time %v", h.Name, h.Uid, h.Guid, h.Inode, h.ModTime)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last entry: %v, want EOF", err)
	}
}

func TestPadFillsUpToFour(t *testing.T) {
	for size, want := range map[int]int{0: 0, 1: 3, 2: 2, 3: 1, 4: 0} {
		if got := len(Pad(size)); got != want {
			t.Errorf("after %d bytes: %d more, want %d", size, got, want)
		}
	}
}

func TestWriteNamesTheFileThatIsMissing(t *testing.T) {
	tree := Tree{}
	tree.File("bin/wiped", 0o755, "/nonexistent")
	if _, err := tree.Pack(when); err == nil {
		t.Error("an archive without its file was made")
	}
}
