package apart

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wiped/engine/drive"
)

// The program of the tests is the process that sends the order too, and one that starts such a process and is killed over it.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "order":
		if err := Serve([]drive.CommandSet{fakeSet{}}, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(0)
	case len(os.Args) > 1 && os.Args[1] == "server":
		os.Exit(serverToKill(os.Args[2]))
	}
	os.Exit(m.Run())
}

func start(words ...string) *exec.Cmd {
	return &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{"apart.test", "order"}, words...)}
}

// fakeSet is a language whose drives are files: what it is told stands in them. How it behaves is the drive's model.
type fakeSet struct{}

func (fakeSet) Name() string                                          { return "fake" }
func (fakeSet) Speaks(n drive.Node) bool                              { return n.Info.Model != "foreign" }
func (fakeSet) Ask(*os.File, drive.Node) (a drive.Answers, err error) { return a, nil }
func (fakeSet) Firmware(dev *os.File, n drive.Node) (drive.Firmware, error) {
	if n.Info.Model == "deaf there" && os.Args[1] == "order" {
		return nil, errors.New("it does not answer")
	}
	return fakeFirmware{dev, n.Info.Model}, nil
}

type fakeFirmware struct {
	dev   *os.File
	model string
}

func (f fakeFirmware) Erase(a drive.Action) error {
	_, _ = f.dev.WriteAt([]byte("told "+string(a)), 0)
	switch f.model {
	case "refuses":
		return &drive.RefusedError{Why: "frozen\x1b[2J by the BIOS", Next: "suspend", Text: "status 51h"}
	case "fails":
		return errors.New("the answer was lost")
	case "wordless":
		return errors.New("")
	case "panics":
		panic("the firmware panics")
	case "dies":
		os.Exit(0)
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "babbles":
		fmt.Print("GOOD")
	case "forges": // what an answer to another order looks like
		fmt.Print(`{"token":"another","action":"security-erase","done":true}`)
		os.Exit(0)
	case "doubles":
		fmt.Print(`{"token":"job 7","action":"security-erase","done":true}`)
	case "waits":
		_, _ = f.dev.WriteAt([]byte(holdings()), 512)
		for text := make([]byte, 2); ; time.Sleep(10 * time.Millisecond) {
			if _, err := f.dev.ReadAt(text, 256); err == nil && string(text) == "go" {
				return nil
			}
		}
	}
	return nil
}

func (f fakeFirmware) Status(drive.Action) (drive.Status, error) {
	return drive.Status{Phase: drive.Succeeded, Done: 1, Text: "no password"}, nil
}
func (fakeFirmware) Unlock() error    { return nil }
func (fakeFirmware) Unhide() error    { return nil }
func (fakeFirmware) Format(int) error { return nil }
func (fakeFirmware) Close() error     { return nil }

// holdings is what this process has open, and who it is. The Go runtime has files of its control group open, cpu.max and the like.
func holdings() string {
	fds, _ := os.ReadDir("/proc/self/fd")
	var to []string
	for _, fd := range fds {
		name, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && !strings.HasPrefix(name, "pipe:") && !strings.HasPrefix(name, "anon_inode:") {
			to = append(to, filepath.Base(name))
		}
	}
	slices.Sort(to)
	sid, _ := unix.Getsid(0)
	return fmt.Sprintf("pid %d leads %v open %s\n", os.Getpid(), sid == os.Getpid(), strings.Join(slices.DeleteFunc(to, func(s string) bool { return s == "fd" || strings.HasPrefix(s, "cpu.") }), " "))
}

// bench is a drive, what holds it and a mark, all of them files.
type bench struct {
	dev   *os.File
	order drive.Order
}

func newBench(t testing.TB, dir string) bench {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	b := bench{dev: open("drive"), order: drive.Order{Action: drive.SecurityErase, Token: "job 7", Mark: open("mark"), Held: []*os.File{open("held")}}}
	if err := unix.Flock(int(b.order.Mark.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b bench) firmware(t testing.TB, model string, sets ...drive.CommandSet) drive.Apart {
	t.Helper()
	if sets == nil {
		sets = Sets(start, fakeSet{})
	}
	f, err := sets[0].Firmware(b.dev, drive.Node{Sys: "/sys/block/fake", Info: drive.Info{Name: "fake", Model: model, Serial: "<&\\x1b>"}})
	if err != nil {
		t.Fatal(err)
	}
	return f.(drive.Apart)
}

func (b bench) told() string {
	text := make([]byte, 64)
	n, _ := b.dev.ReadAt(text, 0)
	return string(bytes.TrimRight(text[:n], "\x00"))
}

// TestEraseApart: what a command came to arrives as it was; whatever else the process does, nobody takes it for a good end.
func TestEraseApart(t *testing.T) {
	for _, c := range []struct {
		model   string
		good    bool
		refused string
		says    string
		left    bool // the mark knows it too
	}{
		{"good", true, "", "", true},
		{"refuses", false, "frozen?[2J by the BIOS", "status 51h", true},
		{"fails", false, "", "the answer was lost", false},
		{"wordless", false, "", "does not say one thing", false},
		{"panics", false, "", "a defect in wiped: the firmware panics", false},
		{"dies", false, "", "ended (exit status 0) without an answer", false},
		{"killed", false, "", "ended (signal: killed) without an answer", false},
		{"babbles", false, "", "without an answer", true}, // what it said went wrong, and what it left is good
		{"forges", false, "", "not an answer to this order", false},
		{"doubles", false, "", "something follows it", true},
		{"deaf there", false, "it was not told to erase itself", "it does not answer", true},
		{"foreign", false, "it was not told to erase itself", "nobody there speaks its language", true},
	} {
		t.Run(c.model, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, t.TempDir())
			f := b.firmware(t, c.model)
			err := f.EraseApart(b.order)
			var refused *drive.RefusedError
			is := errors.As(err, &refused)
			if (err == nil) != c.good || is != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("EraseApart = %v", err)
			}
			if is && !strings.HasPrefix(refused.Why, c.refused) {
				t.Errorf("refused because %q; want %q", refused.Why, c.refused)
			}
			if untold := c.model == "deaf there" || c.model == "foreign"; (b.told() == "told security-erase") == untold {
				t.Errorf("the drive was told %q", b.told())
			}
			again := f.Left(b.order)
			if known := !errors.Is(again, drive.ErrNoAnswer); known != c.left {
				t.Errorf("Left = %v", again)
			}
			if c.good && again != nil || is && !errors.As(again, &refused) {
				t.Errorf("Left = %v; EraseApart = %v", again, err)
			}
			// A drive without a password proves nothing after a command that came to no good end.
			s, _ := f.Status(drive.SecurityErase)
			if (s.Phase == drive.Succeeded) != c.good {
				t.Errorf("Status = %+v", s)
			}
			if s, _ := f.Status(drive.SanitizeBlock); s.Phase != drive.Succeeded {
				t.Errorf("Status of another action = %+v", s)
			}
		})
	}
}

// TestLeft: only the answer to this very order counts.
func TestLeft(t *testing.T) {
	b := newBench(t, t.TempDir())
	f := b.firmware(t, "good")
	if err := f.Left(b.order); !errors.Is(err, drive.ErrNoAnswer) {
		t.Errorf("an empty mark: %v", err)
	}
	if err := f.EraseApart(b.order); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*drive.Order){
		func(o *drive.Order) { o.Token = "job 8" },
		func(o *drive.Order) { o.Action = drive.SecurityEraseEnhanced },
	} {
		other := b.order
		change(&other)
		if err := f.Left(other); !errors.Is(err, drive.ErrNoAnswer) {
			t.Errorf("the answer to %+v is %v", other, err)
		}
	}
	if err := b.order.Mark.Truncate(20); err != nil {
		t.Fatal(err)
	}
	if err := f.Left(b.order); !errors.Is(err, drive.ErrNoAnswer) {
		t.Errorf("half an answer: %v", err)
	}
}

// TestNotStarted: a drive that nothing was sent to did not begin.
func TestNotStarted(t *testing.T) {
	b := newBench(t, t.TempDir())
	f := b.firmware(t, "good", Sets(func(...string) *exec.Cmd { return &exec.Cmd{Path: "/nonexistent"} }, fakeSet{})...)
	var refused *drive.RefusedError
	if err := f.EraseApart(b.order); !errors.As(err, &refused) || b.told() != "" {
		t.Errorf("EraseApart = %v, and the drive was told %q", err, b.told())
	}
}

// serverToKill is a program that has more open than an order needs, and waits for one.
func serverToKill(dir string) int {
	t := &noTest{}
	b := newBench(t, dir)
	lock, err := os.Create(filepath.Join(dir, "state")) // and what it was started with, and does not know of
	if err != nil {
		return 1
	}
	if _, err := unix.FcntlInt(lock.Fd(), unix.F_SETFD, 0); err != nil {
		return 1
	}
	if err := b.firmware(t, "waits").EraseApart(b.order); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

type noTest struct{ testing.TB }

func (*noTest) Helper()        {}
func (*noTest) Cleanup(func()) {}
func (*noTest) Fatal(a ...any) { panic(fmt.Sprint(a...)) }

// TestOutlives: who started the process is killed, and the process is asked to end. It goes on with nothing but the drive, what
// holds it and the mark, keeps that locked to the end, and leaves the answer.
func TestOutlives(t *testing.T) {
	dir := t.TempDir()
	server := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"apart.test", "server", dir}, Stderr: os.Stderr}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	dev := filepath.Join(dir, "drive")
	var pid int
	var leads bool
	var open string
	await(t, "the command was sent", func() bool {
		text, _ := os.ReadFile(dev)
		if len(text) < 512 || !bytes.HasSuffix(text, []byte("\n")) {
			return false
		}
		line, list, _ := strings.Cut(string(text[512:]), " open ")
		open = strings.TrimSpace(list)
		_, err := fmt.Sscanf(line, "pid %d leads %t", &pid, &leads)
		return err == nil
	})
	if !leads || open != "drive held mark" {
		t.Errorf("the process leads its session: %v, and has open: %q", leads, open)
	}
	_ = server.Process.Kill()
	_ = server.Wait()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(pid, s); err != nil {
			t.Errorf("signal %d: %v", s, err)
		}
	}
	mark, err := os.OpenFile(filepath.Join(dir, "mark"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer mark.Close()
	locked := func() bool { return unix.Flock(int(mark.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil }
	order := drive.Order{Action: drive.SecurityErase, Token: "job 7", Mark: mark}
	for range 20 {
		if !locked() || !errors.Is(left(order), drive.ErrNoAnswer) {
			t.Fatalf("before the command has returned: locked %v, answer %v", locked(), left(order))
		}
		time.Sleep(5 * time.Millisecond)
	}
	f, err := os.OpenFile(dev, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("go"), 256); err != nil {
		t.Fatal(err)
	}
	await(t, "the lock is given back", func() bool { return !locked() })
	if err := left(order); err != nil {
		t.Errorf("what it left: %v", err)
	}
	await(t, "the process ends", func() bool { return syscall.Kill(pid, 0) != nil || zombie(pid) })
}

// zombie tells whether a process has ended, and nobody has asked how: not everywhere does the first process.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || strings.Contains(string(text), "State:\tZ")
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
