package sandbox

import (
	"fmt"
	"os"
	"slices"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// calls are the system calls that a server in Go needs once it has its sockets: to read, write and wait, to accept, to be handed a
// socket, to manage its memory and threads. There is none that opens a file, makes a socket, runs a program, or touches another
// process; and none that sends to an address or ends the listening of a socket that others have too: what is written goes through
// write, which can do neither (sendto and sendmsg connect out by TCP fast open).
var calls = []string{
	"read", "write", "readv", "writev", "close",
	"accept4", "recvmsg", "getsockname", "getpeername",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "eventfd2", "pipe2",
	"mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "brk",
	"futex", "nanosleep", "clock_nanosleep", "clock_gettime", "gettimeofday", "time", "getrandom",
	"sched_yield", "sched_getaffinity", "gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
	"set_robust_list", "rseq", "membarrier", "exit", "exit_group", "getrusage", "uname",
	"clone", "tgkill", "fcntl", "setsockopt", // for some uses only: see limits
}

// limit forbids a call where any of these sets of conditions on its arguments holds.
type limit struct {
	call   string
	forbid []seccomp.ArgumentConditions
}

// limits leave threads but no processes; signals to itself; of fcntl, to look whether and how a file is open (owners of a socket are sent
// signals, be they of another process); and the options that Go and sshd set of a socket that was accepted.
func limits() []limit {
	return []limit{
		{"clone", []seccomp.ArgumentConditions{{{Argument: 0, Operation: seccomp.BitsNotSet, Value: unix.CLONE_THREAD}}}},
		{"tgkill", []seccomp.ArgumentConditions{none(0, uint64(os.Getpid()))}},
		{"fcntl", []seccomp.ArgumentConditions{none(1, unix.F_GETFD, unix.F_GETFL)}},
		{"setsockopt", []seccomp.ArgumentConditions{
			none(1, unix.SOL_SOCKET, unix.IPPROTO_TCP),
			append(none(2, unix.SO_KEEPALIVE), is(1, unix.SOL_SOCKET)),
			append(none(2, unix.TCP_NODELAY, unix.TCP_QUICKACK, unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT), is(1, unix.IPPROTO_TCP)),
		}},
	}
}

func is(argument uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.Equal, Value: value}
}

// none holds if an argument has none of the values.
func none(argument uint32, values ...uint64) (all seccomp.ArgumentConditions) {
	for _, v := range values {
		all = append(all, seccomp.Condition{Argument: argument, Operation: seccomp.NotEqual, Value: v})
	}
	return all
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
	load := func(p seccomp.Policy) error {
		err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: p})
		if err != nil {
			return fmt.Errorf("limit the system calls: %w", err)
		}
		return nil
	}
	for _, l := range limits() { // before the last filter, which allows no further one
		if err := load(l.policy()); err != nil {
			return false, err
		}
	}
	return true, load(seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{
		{Action: seccomp.ActionAllow, Names: known},
		{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: newest},
	}})
}

// policy is a filter of its own, of which the kernel obeys the strictest: after a condition on an argument the library compares that argument
// with the numbers of the calls that follow.
func (l limit) policy() seccomp.Policy {
	g := seccomp.SyscallGroup{Action: seccomp.ActionErrno}
	for _, conditions := range l.forbid {
		g.NamesWithCondtions = append(g.NamesWithCondtions, seccomp.NameWithConditions{Name: l.call, Conditions: conditions})
	}
	return seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{g}}
}
