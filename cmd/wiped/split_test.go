package main

import (
	"fmt"
	"os"
	"path/filepath"
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
		ts.Fatalf("usage: sshd kill N|confined|server|gone")
	}
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

// awaitChild returns the server's SSH process, another one than before, once it is confined.
func awaitChild(ts *testscript.TestScript, server, before int) int {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		for _, pid := range children(server) {
			if pid != before && strings.Contains(procStatus(pid), "Seccomp:\t2") {
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
