// Package sandbox gives up, for good, what a process that talks to strangers must not have: root, capabilities, the file
// system, devices, new programs, and the system calls it does not need. It knows the kernel's means for that, and nothing
// of what the process is for.
package sandbox

import (
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlockabi "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Protections are what holds after Enter.
type Protections struct {
	User     int  // who the process is now
	Rootless bool // it may not become root again, nor gain anything by running a program
	Chroot   bool // its root is a directory that is empty and deleted
	Landlock int  // version of the kernel's Landlock that closes the file system; 0: this kernel has none
	Seccomp  bool // only the system calls of a server in Go are left
}

// LogValue is how the log shows them.
func (p Protections) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("user", p.User), slog.Bool("no_new_privileges", p.Rootless), slog.Bool("chroot", p.Chroot),
		slog.Int("landlock", p.Landlock), slog.Bool("seccomp", p.Seccomp))
}

// Enter confines the calling process, all its threads, and tells how far the kernel allowed it. Descriptors that are open
// stay open. A process of root becomes user, which is both its user and its only group; another one stays who it is.
// What this kernel does not have is left out; what it has and refuses is an error, and the process should end.
func Enter(user int) (Protections, error) {
	var p Protections
	lastVictim()
	for what, limit := range map[string]int{"core files": unix.RLIMIT_CORE, "file size": unix.RLIMIT_FSIZE} {
		if err := unix.Setrlimit(limit, &unix.Rlimit{}); err != nil {
			return p, fmt.Errorf("limit %s: %w", what, err)
		}
	}
	root := os.Geteuid() == 0
	empty, err := emptyDir(root)
	if err != nil {
		return p, err
	}
	if p.Landlock, err = closeFiles(); err != nil {
		return p, err
	}
	if root {
		err = leaveRoot(empty, user)
	} else if err = cap.NewSet().SetProc(); err != nil {
		err = fmt.Errorf("give up capabilities: %w", err)
	}
	if err != nil {
		return p, err
	}
	p.User, p.Chroot = os.Geteuid(), root
	if err := lock(); err != nil {
		return p, err
	}
	p.Rootless = true
	p.Seccomp, err = filterCalls()
	return p, err
}

// lastVictim makes the kernel, when memory runs out, end this process and not the one that holds the jobs. Without /proc it
// decides by size alone.
func lastVictim() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) }

// emptyDir opens a directory that no longer has a name; nobody, root included, can put anything into it.
func emptyDir(wanted bool) (fd int, err error) {
	if !wanted {
		return -1, nil
	}
	dir, err := os.MkdirTemp("", "wiped-empty-")
	if err != nil {
		return -1, fmt.Errorf("make an empty directory to be shut into: %w", err)
	}
	defer os.Remove(dir)
	fd, err = unix.Open(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open the empty directory: %w", err)
	}
	return fd, nil
}

// closeFiles takes away every access to files, to TCP ports, and to processes and sockets outside, as far as the kernel's
// Landlock goes. It also sets no_new_privs, which holds without Landlock too.
func closeFiles() (version int, err error) {
	if version, err = landlockabi.LandlockGetABIVersion(); err != nil {
		version = 0
	}
	if err := landlockabi.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("set no_new_privs: %w", err)
	}
	if version == 0 {
		return 0, nil
	}
	if err := landlock.V6.BestEffort().Restrict(); err != nil {
		return 0, fmt.Errorf("close the file system by Landlock: %w", err)
	}
	return version, nil
}

// leaveRoot shuts the process into the empty directory and makes it user, without capabilities and without a way back.
func leaveRoot(empty, user int) error {
	defer unix.Close(empty)
	for c := cap.Value(0); c < cap.MaxBits(); c++ {
		if err := cap.DropBound(c); err != nil {
			return fmt.Errorf("give up %s: %w", c, err)
		}
	}
	if err := unix.Fchdir(empty); err != nil {
		return fmt.Errorf("go into the empty directory: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("make the empty directory the root: %w", err)
	}
	// These of the syscall package change all threads.
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("leave all groups: %w", err)
	}
	if err := syscall.Setresgid(user, user, user); err != nil {
		return fmt.Errorf("become group %d: %w", user, err)
	}
	if err := syscall.Setresuid(user, user, user); err != nil {
		return fmt.Errorf("become user %d: %w", user, err)
	}
	return nil
}

// lock keeps processes of the same user from looking into this one, and has the kernel end it with its parent.
func lock() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("keep other processes out: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("end with the parent: %w", err)
	}
	return nil
}
