package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// cmdImage: image FILE SIZE [TEXT] makes an image of SIZE (bytes, or with K, M) full of TEXT, over and over.
func cmdImage(ts *testscript.TestScript, _ bool, args []string) {
	size, err := parseSize(args[1])
	ts.Check(err)
	text := "SECRET "
	if len(args) > 2 {
		text = args[2]
	}
	block := bytes.Repeat([]byte(text), 1<<20/len(text)+1)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	for left := size; left > 0; {
		n, err := f.Write(block[:min(left, int64(len(block)))])
		ts.Check(err)
		left -= int64(n)
	}
}

func parseSize(text string) (int64, error) {
	unit := int64(1)
	switch {
	case strings.HasSuffix(text, "K"):
		unit = 1 << 10
	case strings.HasSuffix(text, "M"):
		unit = 1 << 20
	}
	n, err := strconv.ParseInt(strings.TrimRight(text, "KM"), 10, 64)
	return n * unit, err
}

// cmdHolds: holds FILE zeros|ones|TEXT checks every byte (zeros, ones), or that TEXT stands in it; ! holds FILE TEXT that
// it stands nowhere. It shares no code with what wrote.
func cmdHolds(ts *testscript.TestScript, neg bool, args []string) {
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	text, err := io.ReadAll(f)
	ts.Check(err)
	if len(text) == 0 {
		ts.Fatalf("%s is empty", args[0])
	}
	var found bool
	switch args[1] {
	case "zeros":
		found = len(bytes.Trim(text, "\x00")) == 0
	case "ones":
		found = len(bytes.Trim(text, "\xff")) == 0
	default:
		found = bytes.Contains(text, []byte(args[1]))
	}
	if found == neg {
		ts.Fatalf("%s holds %s: %v", args[0], args[1], found)
	}
}

// cmdLoop: loop VAR FILE [LOSETUP-FLAG...] attaches FILE to a loop device, which is taken away again at the end of the story.
func cmdLoop(ts *testscript.TestScript, _ bool, args []string) {
	out, err := exec.Command("losetup", append(append([]string{"--show", "-f"}, args[2:]...), ts.MkAbs(args[1]))...).CombinedOutput()
	if err != nil {
		ts.Fatalf("losetup: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	ts.Setenv(args[0], dev)
	ts.Setenv(args[0]+"_NAME", strings.TrimPrefix(dev, "/dev/"))
	ts.Defer(func() {
		backing, _ := os.ReadFile("/sys/block/" + strings.TrimPrefix(dev, "/dev/") + "/loop/backing_file")
		if strings.TrimSpace(string(backing)) == ts.MkAbs(args[1]) { // the story may have detached it, and another may have it now
			_ = exec.Command("losetup", "-d", dev).Run()
		}
	})
}

// cmdFreed: freed DEVICE... waits until nothing holds them exclusively any more. A story that looks at mounts from a view of its own takes
// a copy of all there are, and each copy holds its device until that view is gone: another story's umount ends only one of them.
func cmdFreed(ts *testscript.TestScript, _ bool, args []string) {
	for _, dev := range args {
		ts.Check(eventually(func() error {
			fd, err := unix.Open(dev, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
			if err != nil {
				return fmt.Errorf("open %s exclusively: %w", dev, err)
			}
			return unix.Close(fd)
		}))
	}
}

// cmdSerial: serial VAR DRIVE puts the drive's serial into VAR, read from drives --json.
func cmdSerial(ts *testscript.TestScript, _ bool, args []string) {
	out, err := exec.Command("ssh", sshArgs(ts, "viewer", "-T", "op@127.0.0.1", "drives", "--json")...).Output()
	ts.Check(err)
	var drives []struct{ Name, Path, Serial string }
	ts.Check(json.Unmarshal(out, &drives))
	for _, d := range drives {
		if d.Name == args[1] || d.Path == args[1] {
			ts.Setenv(args[0], d.Serial)
			return
		}
	}
	ts.Fatalf("no drive %s in %s", args[1], out)
}

// cmdAwait: await ID STATE waits until a job is in a state; await ID N% until so much is done.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(eventually(func() error {
		out, err := exec.Command("ssh", sshArgs(ts, "viewer", "-T", "op@127.0.0.1", "job", args[0], "--json")...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		var job struct {
			State string
			Done  int64 `json:"done_bytes"`
			Total int64 `json:"total_bytes"`
		}
		if err := json.Unmarshal(out, &job); err != nil {
			return err
		}
		if percent, ok := strings.CutSuffix(args[1], "%"); ok {
			n, err := strconv.ParseInt(percent, 10, 64)
			if err == nil && job.Done*100 < job.Total*n {
				err = fmt.Errorf("job %s: %d of %d bytes", args[0], job.Done, job.Total)
			}
			return err
		}
		if job.State != args[1] {
			return fmt.Errorf("job %s is %s, want %s", args[0], job.State, args[1])
		}
		return nil
	}))
}
