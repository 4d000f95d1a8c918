package journal

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fill appends to both files until the disk takes no more, and tells what is wrong with what stayed.
func fill(dir string, more func()) error {
	a, err := OpenAudit(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		return err
	}
	m, err := OpenMessages(filepath.Join(dir, "messages.txt"))
	if err != nil {
		return err
	}
	kept, saved := uint64(0), 0
	for err == nil {
		if kept, err = kept+1, nil; kept > 100_000 {
			return errors.New("the disk is never full")
		}
		_, err = a.Append(someEntry(1))
	}
	kept--
	for err = nil; err == nil; saved++ {
		err = m.Save(noon, "alice", strings.Repeat("text ", 100))
	}
	saved--
	for range 3 { // it stays full, and nothing grows
		if _, err := a.Append(someEntry(2)); err == nil {
			kept++ // a shorter one may fit
		}
	}
	for _, name := range []string{"audit.jsonl", "messages.txt"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			return fmt.Errorf("%s ends in %q; want whole lines", name, text[max(0, len(text)-20):])
		}
	}
	if n, err := a.Verify(); n != kept || err != nil {
		return fmt.Errorf("Verify() with a full disk = %d, %v; want %d, nil", n, err, kept)
	}
	more()
	if seq, err := a.Append(someEntry(3)); err != nil || seq != kept+1 {
		return fmt.Errorf("Append with room again = %d, %v; want %d, nil", seq, err, kept+1)
	}
	if n, err := a.Verify(); n != kept+1 || err != nil {
		return fmt.Errorf("Verify() with room again = %d, %v; want %d, nil", n, err, kept+1)
	}
	if err := m.Save(noon, "alice", "again"); err != nil {
		return fmt.Errorf("Save with room again = %w; want no error", err)
	}
	if all, err := allMessages(m); err != nil || len(all) != saved+1 || all[saved].Text != "again" {
		return fmt.Errorf("All() = %d messages, %v; want %d", len(all), err, saved+1)
	}
	return errors.Join(a.Close(), m.Close())
}

// fullChild is a process that may write no more than some bytes to any file: the write that reaches it is cut off.
func fullChild() int {
	signal.Ignore(syscall.SIGXFSZ)
	small := unix.Rlimit{Cur: 5000, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &small); err != nil {
		fmt.Println(err)
		return 1
	}
	err := fill(os.Getenv("WIPED_TEST_PATH"), func() {
		_ = unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func TestFileLimit(t *testing.T) {
	if out, err := child(t, "full", t.TempDir()); err != nil {
		t.Errorf("with a file that may not grow: %v: %s", err, out)
	}
}

// A full disk leaves nothing of the entry that it did not take, and the next one follows the last that it took.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a disk to fill needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no tmpfs: %v", err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	err := fill(dir, func() {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=256k"); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
