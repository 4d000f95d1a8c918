package inuse

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

func snapshot() *Snapshot {
	return &Snapshot{Mounts: map[uint64][]string{}, Sources: map[File][]string{}, Swaps: map[File]bool{}, Loops: map[File][]string{}, Openers: map[File][]string{}}
}

func file(t testing.TB, path string) (string, File) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	at, err := Of(path)
	if err != nil {
		t.Fatalf("Of(%s) = %v; want no error", path, err)
	}
	return path, at
}

func look(t testing.TB) *Snapshot {
	t.Helper()
	s, err := Look()
	if err != nil {
		t.Fatalf("Look() = %v; want no error", err)
	}
	return s
}

func has(uses []drive.Use, what, hint string) bool {
	return slices.ContainsFunc(uses, func(u drive.Use) bool { return strings.Contains(u.What, what) && strings.Contains(u.Hint, hint) })
}

// run runs a program as root, and skips the test where it cannot be run.
func run(t testing.TB, words ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("loop devices and mounts need root")
	}
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Skipf("%v: %v: %s", words, err, out)
	}
	return strings.TrimSpace(string(out))
}

func loop(t testing.TB, path string) string {
	t.Helper()
	dev := run(t, "losetup", "-f", "--show", path)
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	return dev
}

func TestOf(t *testing.T) {
	dir := t.TempDir()
	path, at := file(t, filepath.Join(dir, "a"))
	if err := os.Link(path, filepath.Join(dir, "hard")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "soft")); err != nil {
		t.Fatal(err)
	}
	_, other := file(t, filepath.Join(dir, "b"))
	for _, name := range []string{"hard", "soft"} {
		if got, err := Of(filepath.Join(dir, name)); err != nil || got != at {
			t.Errorf("Of(%s) = %v, %v; want %v", name, got, err, at)
		}
	}
	if other == at {
		t.Errorf("Of(b) = %v; want another than a's", other)
	}
	for _, path := range []string{dir, "/dev/null", filepath.Join(dir, "none"), ""} {
		if got, err := Of(path); err == nil {
			t.Errorf("Of(%q) = %v, nil; want an error", path, got)
		}
	}
}

func TestSwaps(t *testing.T) {
	dir := t.TempDir()
	head := "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for _, name := range []string{"plain", "with blank", "two  blanks", "tab\there", `back\slash`, `odd\040name`, "line\nend"} {
		path, at := file(t, filepath.Join(dir, name))
		shown := strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`).Replace(path)
		table := filepath.Join(t.TempDir(), "swaps")
		text := head + fmt.Sprintf("%-39s file\t\t1024\t\t0\t\t-2\n", shown) + "/dev/none-such                          partition\t1\t0\t-3\n"
		if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := snapshot()
		if err := s.swaps(table); err != nil || !s.Swaps[at] || len(s.Swaps) != 1 {
			t.Errorf("swaps(%q) found %v, %v; want %v", text, s.Swaps, err, at)
		}
		if uses := s.File(at); !has(uses, "swap", "swapoff") {
			t.Errorf("File(%s) = %v; want swap", name, uses)
		}
	}
	s := snapshot()
	if err := s.swaps(filepath.Join(dir, "none")); err != nil || len(s.Swaps) != 0 {
		t.Errorf("swaps(a kernel without) = %v, %v; want none, nil", s.Swaps, err)
	}
	for _, text := range []string{"", head, "\n\n", "Filename\n", strings.Repeat("x", 1000) + "\n"} {
		table := filepath.Join(t.TempDir(), "swaps")
		_ = os.WriteFile(table, []byte(text), 0o600)
		s := snapshot()
		if err := s.swaps(table); err != nil || len(s.Swaps) != 0 {
			t.Errorf("swaps(%.20q) = %v, %v; want none, nil", text, s.Swaps, err)
		}
	}
}

func TestDeviceUses(t *testing.T) {
	s := snapshot()
	s.Root = unix.Mkdev(8, 1)
	at := Block(unix.Mkdev(8, 17))
	s.Mounts[at.Device] = []string{"/mnt/\x1b[2J", "/other"}
	s.Swaps[at] = true
	s.Loops[at] = []string{"loop3"}
	s.Openers[at] = []string{"77 (dd)", "78 (a)", "79 (b)", "80 (c)", "81 (d)"}
	s.Sources[Block(unix.Mkdev(8, 33))] = []string{"/btrfs"}
	uses := s.Device(at.Device)
	for _, want := range [][2]string{{`mounted on /mnt/\x1b[2J`, `umount /mnt/\x1b[2J`}, {"swap", "swapoff"}, {"backing loop3", "losetup -d /dev/loop3"},
		{"77 (dd), 78 (a), 79 (b) and 2 more", "77"}} {
		if !has(uses, want[0], want[1]) {
			t.Errorf("Device(8:17) = %v; want %q, %q", uses, want[0], want[1])
		}
	}
	s.Openers[Block(unix.Mkdev(8, 65))] = []string{"99 (wiped-order)"}
	if uses := s.Device(unix.Mkdev(8, 65)); !has(uses, "open in process 99 (wiped-order)", "wait") {
		t.Errorf("Device(at a command of an earlier server) = %v; want no advice to end that process", uses)
	}
	if uses := s.Device(s.Root); !has(uses, "root filesystem", "") {
		t.Errorf("Device(the root's) = %v; want it to hold the root filesystem", uses)
	}
	if uses := s.Device(unix.Mkdev(8, 33)); !has(uses, "mounted on /btrfs", "") {
		t.Errorf("Device(a btrfs member) = %v; want mounted on /btrfs", uses)
	}
	if uses := s.Device(unix.Mkdev(8, 49)); len(uses) != 0 {
		t.Errorf("Device(8:49) = %v; want none", uses)
	}
}

func TestRoot(t *testing.T) {
	var st unix.Stat_t
	if err := unix.Stat("/", &st); err != nil {
		t.Fatal(err)
	}
	if s := look(t); !has(s.Device(st.Dev), "root filesystem", "") || !has(s.Device(st.Dev), "mounted on ", "umount") {
		t.Errorf("Device(the root's) = %v; want it mounted and to hold the root filesystem", s.Device(st.Dev))
	}
}

// A file that somebody else has open is in use; what this process has open is not: a claim must not stand in its own way.
func TestOpeners(t *testing.T) {
	path, at := file(t, filepath.Join(t.TempDir(), "held"))
	mine, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	if uses := look(t).File(at); len(uses) != 0 {
		t.Errorf("File(open in this process alone) = %v; want none", uses)
	}
	cmd := exec.Command("sh", "-c", "exec 7<\"$1\" 8<\"$1\"; echo ready; read line", "sh", path)
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil || cmd.Start() != nil {
		t.Skip("no sh here")
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("open in process %d (sh)", cmd.Process.Pid)
	uses := look(t).File(at)
	if !has(uses, want, fmt.Sprint(cmd.Process.Pid)) || len(uses) != 1 || strings.Count(uses[0].What, "(sh)") != 1 {
		t.Errorf("File(open in a child) = %v; want %q, once", uses, want)
	}
	_ = in.Close()
	_ = cmd.Wait()
	if uses := look(t).File(at); len(uses) != 0 {
		t.Errorf("File(after the child ended) = %v; want none", uses)
	}
}

func TestLoops(t *testing.T) {
	dir := t.TempDir()
	path, at := file(t, filepath.Join(dir, "with blank"))
	dev := loop(t, path)
	rdev, err := Of(dev)
	if err != nil || rdev.Inode != 0 {
		t.Fatalf("Of(%s) = %v, %v; want a block device", dev, rdev, err)
	}
	if uses := look(t).File(at); !has(uses, "backing "+filepath.Base(dev), "losetup -d "+dev) {
		t.Errorf("File(behind %s) = %v; want backing it", dev, uses)
	}
	// A second loop device on the same file, and one on the loop device itself.
	second, over := loop(t, path), loop(t, dev)
	s := look(t)
	for _, name := range []string{dev, second} {
		if !has(s.File(at), "backing "+filepath.Base(name), "") {
			t.Errorf("File(behind %s and %s) = %v; want backing both", dev, second, s.File(at))
		}
	}
	if !has(s.Device(rdev.Device), "backing "+filepath.Base(over), "") {
		t.Errorf("Device(%s behind %s) = %v; want backing it", dev, over, s.Device(rdev.Device))
	}
	// The file is deleted: its name in sysfs is no path any more, but it still holds the data.
	gone, where := file(t, filepath.Join(dir, "gone"))
	third := loop(t, gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	if uses := look(t).File(where); !has(uses, "backing "+filepath.Base(third), "") {
		t.Errorf("File(deleted, behind %s) = %v; want backing it", third, uses)
	}
}

func TestMounts(t *testing.T) {
	dir := t.TempDir()
	path, at := file(t, filepath.Join(dir, "fs"))
	if out, err := exec.Command("mkfs.ext4", "-q", path).CombinedOutput(); err != nil {
		t.Skipf("no mkfs.ext4: %v: %s", err, out)
	}
	dev := loop(t, path)
	rdev, err := Of(dev)
	if err != nil {
		t.Fatal(err)
	}
	if uses := look(t).Device(rdev.Device); len(uses) != 0 {
		t.Errorf("Device(%s, attached) = %v; want none", dev, uses)
	}
	where := filepath.Join(dir, "mount point")
	if err := os.Mkdir(where, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", dev, where)
	defer func() { _ = unix.Unmount(where, unix.MNT_DETACH) }()
	s := look(t)
	if uses := s.Device(rdev.Device); !has(uses, "mounted on "+where, "umount "+where) {
		t.Errorf("Device(%s, mounted) = %v; want mounted on %s", dev, uses, where)
	}
	if uses := s.File(at); !has(uses, "backing ", "") {
		t.Errorf("File(behind %s) = %v; want backing it", dev, uses)
	}
}

func TestSwapOnLoop(t *testing.T) {
	path, _ := file(t, filepath.Join(t.TempDir(), "swap"))
	if out, err := exec.Command("mkswap", path).CombinedOutput(); err != nil {
		t.Skipf("no mkswap: %v: %s", err, out)
	}
	dev := loop(t, path)
	run(t, "swapon", dev)
	defer func() { _ = exec.Command("swapoff", dev).Run() }()
	rdev, _ := Of(dev)
	if uses := look(t).Device(rdev.Device); !has(uses, "swap", "swapoff") {
		t.Errorf("Device(%s, swap) = %v; want swap", dev, uses)
	}
}
