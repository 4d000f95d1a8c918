package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// cmdSSHD looks at the process that speaks SSH, and treats it badly:
//
//	sshd kill N     kill it N times, each time once the next one is there
//	sshd back N     its log says N times that one ended and the next was ready; how long that took is in the test's log
//	sshd confined   hold what the kernel says of it against what it must not have
//	sshd gone       it has ended, as it must when the server has
//	sshd server     the server itself has only the capabilities it needs
func cmdSSHD(ts *testscript.TestScript, _ bool, args []string) {
	server := stationOf(ts).cmd.Process.Pid
	switch args[0] {
	case "kill":
		times, err := strconv.Atoi(args[1])
		ts.Check(err)
		for range times {
			pid := awaitChild(ts, server, 0)
			ts.Setenv("SSHD", strconv.Itoa(pid))
			ts.Check(syscall.Kill(pid, syscall.SIGKILL))
			awaitChild(ts, server, pid)
		}
	case "back":
		times, err := strconv.Atoi(args[1])
		ts.Check(err)
		back(ts, times)
	case "confined":
		pid := awaitChild(ts, server, 0)
		ts.Setenv("SSHD", strconv.Itoa(pid))
		confined(ts, pid)
	case "server":
		if want := fmt.Sprintf("CapBnd:\t%016x", mask(privileges)); os.Geteuid() == 0 && !strings.Contains(procStatus(server), want) {
			ts.Fatalf("the kernel does not say %q of the server:\n%s", want, procStatus(server))
		}
	case "gone":
		pid, err := strconv.Atoi(ts.Getenv("SSHD"))
		ts.Check(err)
		for end := time.Now().Add(patience); syscall.Kill(pid, 0) == nil && !ended(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				ts.Fatalf("the SSH process %d outlives the server", pid)
			}
		}
	default:
		ts.Fatalf("usage: sshd kill N|back N|confined|server|gone")
	}
}

// back looks for each SSH process that ended and was back in the server's log. That it is back within a second is held where no machine
// counts: see privsep's TestRest.
func back(ts *testscript.TestScript, times int) {
	var took []time.Duration
	var ended time.Time
	for line := range strings.Lines(stationOf(ts).log(ts)) {
		at, rest, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		switch {
		case strings.Contains(rest, "the SSH process ended and is started again"):
			ended = logTime(ts, at)
		case strings.Contains(rest, "SSH process started") && !ended.IsZero():
			took, ended = append(took, logTime(ts, at).Sub(ended)), time.Time{}
		}
	}
	if len(took) != times {
		ts.Fatalf("the log says %d times that the SSH process ended and was back, want %d", len(took), times)
	}
	slices.Sort(took)
	ts.Logf("an SSH process that ended was back after %v in the median of %d, %v at worst", took[times/2], times, took[times-1])
}

func logTime(ts *testscript.TestScript, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	ts.Check(err)
	return at
}

// mask is a set of capabilities as the kernel shows it.
func mask(names []string) (bits uint64) {
	for _, name := range names {
		c, err := cap.FromName(name)
		if err != nil {
			panic(err)
		}
		bits |= 1 << c
	}
	return bits
}

// ended tells whether a process is only waited for.
func ended(pid int) bool { return strings.Contains(procStatus(pid), "State:\tZ") }

func procStatus(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return string(text)
}

// awaitChild returns the server's SSH process, another one than before, once it is confined and the server says that it is ready.
func awaitChild(ts *testscript.TestScript, server, before int) int {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, pid := range children(server) {
			ready := fmt.Sprintf(`msg="SSH process started" pid=%d `, pid)
			if pid != before && strings.Contains(procStatus(pid), "Seccomp:\t2") && strings.Contains(stationOf(ts).log(ts), ready) {
				return pid
			}
		}
	}
	ts.Fatalf("there is no SSH process: %s", stationOf(ts).log(ts))
	return 0
}

// children are the processes that any thread of pid started.
func children(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// confined is what the kernel says: no capability, no new privileges, filtered calls, nothing open but sockets and pipes,
// and for a server of root, another user in an empty root.
func confined(ts *testscript.TestScript, pid int) {
	status := procStatus(pid)
	want := []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapAmb:\t0000000000000000"}
	if os.Geteuid() == 0 {
		want = append(want, fmt.Sprintf("Uid:\t%d\t%d\t%d\t%d", sshUID, sshUID, sshUID, sshUID), "CapBnd:\t0000000000000000", "Groups:\t \n")
		root, err := os.Readlink(fmt.Sprintf("/proc/%d/root", pid))
		ts.Check(err)
		if !strings.HasSuffix(root, " (deleted)") {
			ts.Fatalf("its root is %s", root)
		}
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		ts.Check(err)
		for _, file := range files {
			if to, _ := os.Readlink(file); !harmlessFile(to) {
				ts.Fatalf("it holds %s", to)
			}
		}
	}
	for _, line := range want {
		if !strings.Contains(status, line) {
			ts.Fatalf("the kernel does not say %q of it:\n%s", line, status)
		}
	}
}

// harmlessFile tells whether an open file is a socket, a pipe, a means to wait, or what Go's runtime reads of its own limits.
func harmlessFile(to string) bool {
	for _, kind := range []string{"socket:", "pipe:", "anon_inode:[event", "/dev/null", "/sys/fs/cgroup/"} {
		if strings.HasPrefix(to, kind) {
			return true
		}
	}
	return false
}
