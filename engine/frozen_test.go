package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wiped/engine/drive/image"
)

// frozenLater mounts a file system of its own that can be frozen and thawed.
func frozenLater(t *testing.T) (at string, thaw func()) {
	t.Helper()
	below, at := filepath.Join(t.TempDir(), "below"), t.TempDir()
	if err := os.WriteFile(below, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(below, 128<<20); err != nil {
		t.Fatal(err)
	}
	command(t, "mkfs.ext4", "-q", "-F", below)
	command(t, "mount", "-o", "loop", below, at)
	t.Cleanup(func() { command(t, "umount", at) })
	thaw = sync.OnceFunc(func() { command(t, "fsfreeze", "-u", at) })
	return at, thaw
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// TestFrozen: a file system that takes no writes any more hangs whoever writes to it, in the kernel, where nothing can
// end it. This is a real one; its job ends all the same, its turn goes on, and the drive is free when it is thawed.
func TestFrozen(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("WIPED_FORBID_SKIP") != "" {
			t.Fatal("this test needs root, and WIPED_FORBID_SKIP forbids to leave it out")
		}
		t.Skip("to freeze a file system needs root")
	}
	at, thaw := frozenLater(t)
	sick, next := filepath.Join(at, "sick"), filepath.Join(t.TempDir(), "next")
	for _, file := range []string{sick, next} {
		if err := os.WriteFile(file, make([]byte, 24<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	images, err := image.New([]string{sick, next})
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, "", func(c *Config) {
		c.Sources, c.Parallel, c.Tick = append(c.Sources, images), 1, 100*time.Millisecond
		c.Limits = Limits{Silence: 5 * time.Second, CachedSilence: 5 * time.Second}
	})
	d, err := w.Drive("sick")
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.Drive("next")
	if err != nil {
		t.Fatal(err)
	}
	command(t, "fsfreeze", "-f", at)
	t.Cleanup(thaw) // whatever happens: what hangs in the kernel cannot be killed
	views, err := w.Erase(Request{Drives: []string{"sick", "next"}, Method: "zero", Verify: "full", Confirm: []string{d.Serial, n.Serial}})
	if err != nil {
		t.Fatal(err)
	}
	id, other := views[0].Job.ID, views[1].Job.ID
	if v := w.end(id); v.State != Failed || !strings.Contains(string(v.Last.Reason), "set aside") {
		t.Errorf("it is %s: %s", v.State, v.Last.Reason)
	}
	if v := w.end(other); v.State != Erased {
		t.Errorf("the next one is %s: %s", v.State, v.Last.Reason)
	}
	if d, _ := w.Drive("sick"); !strings.Contains(d.Reason, "has not returned") {
		t.Errorf("while the request hangs the drive is %s: %s", d.State, d.Reason)
	}
	_, before, _, _ := w.Certificate(id)
	thaw()
	eventually(t, "the drive is free", func() bool { d, err := w.Drive("sick"); return err == nil && d.State == "ready" })
	if _, after, _, _ := w.Certificate(id); string(after) != string(before) {
		t.Error("what came back late changed the certificate")
	}
}
