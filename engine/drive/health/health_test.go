package health

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testAsker finds nothing but a script in place of smartctl; no script: nothing at all.
func testAsker(t *testing.T, script string) *asker {
	t.Helper()
	place := t.TempDir()
	t.Setenv("PATH", t.TempDir())
	if script != "" {
		if err := os.WriteFile(filepath.Join(place, "smartctl"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return &asker{places: []string{place}, limit: 10 * time.Second, grace: time.Second, stuck: map[string]bool{}}
}

func TestRead(t *testing.T) {
	for _, test := range []struct{ what, script, want string }{
		{"not installed", "", "smartctl is not installed"},
		{"an answer", `echo '{"json_format_version":[1,0],"smartctl":{"exit_status":2,"messages":[{"string":"no"}]}}'; exit 2`, "smartctl: no"},
		{"no answer", "exit 1", "smartctl's answer is not understood"},
		{"a crash", "kill -SEGV $$", "smartctl failed: signal: segmentation fault"},
		{"half an answer", "printf '{\"json_format_version\":[1,0],'", "smartctl's answer is not understood"},
		{"silence", "\n", "smartctl's answer is not understood"},
	} {
		h, err := testAsker(t, test.script).read(t.Context(), "/dev/null")
		if err != nil || h.Word != "unknown" || strings.Join(h.Reasons, " | ") != test.want {
			t.Errorf("read with %s = %s, %v; want unknown: %s", test.what, text(h), err, test.want)
		}
	}
}

// TestReadGivesUp ends smartctl with everything it started when the drive does not answer, and returns.
func TestReadGivesUp(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	a := testAsker(t, "/bin/sleep 60 & echo $$ $! > "+pids+".new; /bin/mv "+pids+".new "+pids+"; yes; wait")
	a.limit = 300 * time.Millisecond
	h, err := a.read(t.Context(), "/dev/null")
	if err != nil || h.Word != "unknown" || h.Reasons[0] != "the drive did not answer smartctl within 300ms" {
		t.Fatalf("read of a drive that does not answer = %s, %v", text(h), err)
	}
	b, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(b)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		if !endsSoon(pid) {
			t.Errorf("process %d of smartctl's group still runs", pid)
		}
	}
	if a.isStuck("/dev/null") {
		t.Error("the drive is held to be stuck after smartctl has ended")
	}
}

// endsSoon allows for the time that whoever inherits a killed process takes to bury it.
func endsSoon(pid int) bool {
	for range 100 {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || syscall.Kill(pid, 0) != nil || strings.Contains(string(status), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// TestReadOfAStuckDrive asks no drive that holds an earlier smartctl in the kernel, until that one has ended.
func TestReadOfAStuckDrive(t *testing.T) {
	a := testAsker(t, "exit 1")
	a.grace = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.await(ctx, "/dev/a", &limited{}, make(chan error)); !errors.Is(err, context.Canceled) {
		t.Errorf("await of a process that never ends = %v; want %v", err, context.Canceled)
	}
	for path, want := range map[string]string{"/dev/a": "an earlier smartctl hangs on this drive", "/dev/b": "smartctl's answer is not understood"} {
		if h, err := a.read(t.Context(), path); err != nil || h.Reasons[0] != want {
			t.Errorf("read of %s = %s, %v; want %s", path, text(h), err, want)
		}
	}
	a.mark("/dev/a", false)
	if a.isStuck("/dev/a") {
		t.Error("still stuck after the end")
	}
}

func TestReadErrors(t *testing.T) {
	a := testAsker(t, "exit 0")
	for _, path := range []string{"", "sda", "-s", "--smart=off"} {
		if h, err := a.read(t.Context(), path); err == nil {
			t.Errorf("read of %q = %s; want an error", path, text(h))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.read(ctx, "/dev/null"); !errors.Is(err, context.Canceled) {
		t.Errorf("read after the context has ended = %v; want %v", err, context.Canceled)
	}
}

// TestArguments holds the call to options that only read: smartctl(8) changes a drive by -s, -o, -S, -t, -X, -C and --set
// alone, and asks it to wake up unless -n says otherwise.
func TestArguments(t *testing.T) {
	values := map[string][]string{"-n": {"standby"}, "-l": {"error", "selftest", "ssd", "defects"}}
	for i := 0; i < len(arguments); i++ {
		arg := arguments[i]
		if allowed, ok := values[arg]; ok {
			if i++; !slices.Contains(allowed, arguments[i]) {
				t.Errorf("smartctl is called with %s %s", arg, arguments[i])
			}
		} else if !slices.Contains([]string{"--json=c", "-i", "-H", "-A"}, arg) {
			t.Errorf("smartctl is called with %s", arg)
		}
	}
	if !slices.Contains(arguments, "-n") {
		t.Error("smartctl is called without -n: it would wake drives up")
	}
	a := testAsker(t, `echo "{\"json_format_version\":[1,0],\"smartctl\":{\"exit_status\":1,\"messages\":[{\"string\":\"$*\"}]}}"`)
	h, err := a.read(t.Context(), "/dev/x")
	if want := "smartctl: " + strings.Join(arguments, " ") + " /dev/x"; err != nil || h.Reasons[0] != want {
		t.Errorf("smartctl was called with %s, %v; want %s", text(h), err, want)
	}
}

func TestLimited(t *testing.T) {
	l := &limited{}
	for range 3 {
		if n, err := l.Write(make([]byte, maximum/2+1)); n != maximum/2+1 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if len(l.bytes()) != maximum {
		t.Errorf("%d bytes kept; want %d", len(l.bytes()), maximum)
	}
}

// TestRealSmartctl asks a device that has no SMART, where smartctl is installed.
func TestRealSmartctl(t *testing.T) {
	if standard.find() == "" {
		t.Skip("smartctl is not installed")
	}
	h, err := Read(t.Context(), "/dev/null")
	if err != nil || h.Word != "unknown" || !strings.HasPrefix(h.Source, "smartctl 7.") || !strings.HasPrefix(h.Reasons[0], "smartctl: ") {
		t.Errorf("Read(/dev/null) = %s, %v; want unknown, in smartctl's own words", text(h), err)
	}
}
