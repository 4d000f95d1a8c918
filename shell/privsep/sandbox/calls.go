package sandbox

import (
	"fmt"
	"os"
	"slices"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// calls are the system calls that a server in Go needs once it has its sockets: to read, write and wait, to accept, to make
// a pair of sockets and hand one on, to manage its memory and threads. There is none that opens a file, makes a socket to
// somewhere, runs a program, or touches another process.
var calls = []string{
	"read", "write", "readv", "writev", "close", "fcntl", "shutdown",
	"accept4", "sendmsg", "recvmsg", "sendto", "recvfrom", "getsockname", "getpeername", "getsockopt", "setsockopt",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "eventfd2", "pipe2",
	"mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "brk",
	"futex", "nanosleep", "clock_nanosleep", "clock_gettime", "gettimeofday", "time", "getrandom",
	"sched_yield", "sched_getaffinity", "gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
	"set_robust_list", "rseq", "membarrier", "exit", "exit_group", "getrusage", "uname",
}

// newest are calls that a C library tries first, where this program was built with one: it has another way if they do not
// exist, and gives up if they are forbidden. (clone3 hides from a filter what it is asked for.)
var newest = []string{"clone3"}

// filterCalls leaves the process the calls above; all others fail with EPERM. A kernel without seccomp filters is no error.
func filterCalls() (filtered bool, err error) {
	if !seccomp.Supported() {
		return false, nil
	}
	machine, err := arch.GetInfo("")
	if err != nil {
		return false, nil // a machine that the library does not know
	}
	known := slices.DeleteFunc(slices.Clone(calls), func(name string) bool {
		_, ok := machine.SyscallNames[name]
		return !ok // some have no number on some machines
	})
	filter := seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: known},
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: newest},
			{Action: seccomp.ActionAllow, NamesWithCondtions: limited()}, // the last: after a condition the library has forgotten the call
		},
	}}
	if err := seccomp.LoadFilter(filter); err != nil {
		return false, fmt.Errorf("limit the system calls: %w", err)
	}
	return true, nil
}

// limited are calls allowed for one use only: threads but no processes, signals to itself, sockets to nowhere.
func limited() []seccomp.NameWithConditions {
	only := func(name string, argument uint32, is seccomp.Operation, value uint64) seccomp.NameWithConditions {
		return seccomp.NameWithConditions{Name: name, Conditions: seccomp.ArgumentConditions{{Argument: argument, Operation: is, Value: value}}}
	}
	return []seccomp.NameWithConditions{
		only("clone", 0, seccomp.BitsSet, unix.CLONE_THREAD),
		only("tgkill", 0, seccomp.Equal, uint64(os.Getpid())),
		only("socketpair", 0, seccomp.Equal, unix.AF_UNIX),
	}
}
