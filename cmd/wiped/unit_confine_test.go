package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"wiped/shell/privsep/sandbox"
)

// Where the unit has the program and its state.
const (
	installedAt = "/usr/local/bin/wiped"
	stateAt     = "/var/lib/wiped"
)

// installed is the server as the unit starts it, over the story's state, which it sees as /var/lib/wiped. Only what a story needs is
// added to its command line.
func installed(ts *testscript.TestScript, flags []string) (*exec.Cmd, error) {
	wiped, err := asProgram(ts, "wiped")
	if err != nil {
		return nil, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	cmd, err := asProgram(ts, "underunit", append([]string{filepath.Join(folder, unitFile), filepath.Join(folder, "testdata/unit"), wiped.Path,
		filepath.Join(ts.Getenv("WORK"), "state"), "--listen", "127.0.0.1:0", "--drives", "none"}, flags...)...)
	if err == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	return cmd, err
}

// underUnit is a program in a mount namespace of its own: it confines itself as systemd confines a service that has the unit, as far as
// that goes without systemd (not: DeviceAllow, which is of its control group), and becomes the service.
// Its arguments: the unit, the folder of call groups, the program, the state, and what is added to the command line.
func underUnit() {
	runtime.LockOSThread()
	err := becomeService(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5:])
	fmt.Fprintln(os.Stderr, "underunit:", err)
	os.Exit(1)
}

func becomeService(file, groups, program, state string, more []string) error {
	u, err := readUnit(file)
	if err != nil {
		return err
	}
	calls, err := u.calls(groups)
	if err != nil {
		return err
	}
	command := append(u["ExecStart"], more...)
	if len(command) == 0 || command[0] != installedAt {
		return fmt.Errorf("the unit starts %v; want %s", command, installedAt)
	}
	if err := u.files(program, state); err != nil {
		return fmt.Errorf("file systems: %w", err)
	}
	if err := u.limits(); err != nil {
		return err
	}
	if err := sandbox.Keep(strings.Fields(strings.ToLower(strings.Join(u["CapabilityBoundingSet"], " ")))...); err != nil {
		return err
	}
	for _, f := range u.filters(calls) {
		if err := seccomp.LoadFilter(f); err != nil {
			return fmt.Errorf("filter: %w", err)
		}
	}
	return fmt.Errorf("exec %v: %w", command, unix.Exec(command[0], command, []string{"PATH=/usr/local/bin:/usr/bin:/bin"}))
}

// files is what ProtectSystem, ProtectHome, PrivateTmp, ProtectControlGroups and StateDirectory make of the file systems.
func (u unit) files(program, state string) error {
	var errs []error
	do := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	do("private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""))
	over := func(dir, options string) {
		do(dir, unix.Mount("unit", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options))
	}
	bind := func(from, to string) { do(to, unix.Mount(from, to, "", unix.MS_BIND, "")) }
	over(filepath.Dir(installedAt), "mode=755")
	do("program", os.WriteFile(installedAt, nil, 0o755))
	bind(program, installedAt)
	over(filepath.Dir(stateAt), "mode=755")
	do("state", os.Mkdir(stateAt, 0o700))
	bind(state, stateAt)
	writable := []string{"/dev", "/proc", "/sys", stateAt}
	if u.is("PrivateTmp") {
		for _, dir := range []string{"/tmp", "/var/tmp"} {
			over(dir, "mode=1777")
			writable = append(writable, dir)
		}
	}
	if u.is("ProtectHome") {
		for _, dir := range []string{"/home", "/root"} {
			over(dir, "mode=000")
		}
	}
	if len(u["ProtectSystem"]) != 1 || u["ProtectSystem"][0] != "strict" {
		errs = append(errs, errors.New("the unit does not say ProtectSystem=strict"))
	}
	do("read-only", unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}))
	for _, dir := range writable {
		do(dir, unix.MountSetattr(unix.AT_FDCWD, dir, unix.AT_RECURSIVE, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}))
	}
	if u.is("ProtectControlGroups") {
		do("control groups", unix.MountSetattr(unix.AT_FDCWD, "/sys/fs/cgroup", unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}))
	}
	return errors.Join(errs...)
}

// limits is what UMask and LimitNOFILE are; of the latter as much as this process may have.
func (u unit) limits() error {
	mask, err1 := strconv.ParseUint(u["UMask"][0], 8, 12)
	files, err2 := strconv.ParseUint(u["LimitNOFILE"][0], 10, 32)
	var limit syscall.Rlimit
	if err := errors.Join(err1, err2, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit), os.Chdir("/")); err != nil {
		return err
	}
	unix.Umask(int(mask))
	files = min(files, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files, Max: files})
}

// clockCalls is systemd's @clock, which ProtectClock forbids.
var clockCalls = []string{"adjtimex", "clock_adjtime", "clock_settime", "settimeofday"}

// filters are the filters of system calls, each for one setting; that of SystemCallFilter, which may forbid to make another, is the last.
func (u unit) filters(calls []string) (list []seccomp.Filter) {
	refuse := func(group seccomp.SyscallGroup, with unix.Errno) {
		group.Action = seccomp.ActionErrno | seccomp.Action(with)
		list = append(list, seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
			Policy: seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{group}}})
	}
	when := func(name string, conditions ...seccomp.Condition) seccomp.SyscallGroup {
		return seccomp.SyscallGroup{NamesWithCondtions: []seccomp.NameWithConditions{{Name: name, Conditions: conditions}}}
	}
	bits := func(argument uint32, some uint64) seccomp.Condition {
		return seccomp.Condition{Argument: argument, Operation: seccomp.BitsSet, Value: some}
	}
	if allowed := u["RestrictAddressFamilies"]; allowed != nil {
		var others []seccomp.Condition
		for _, name := range allowed {
			others = append(others, seccomp.Condition{Operation: seccomp.NotEqual, Value: families[name]})
		}
		refuse(when("socket", others...), unix.EAFNOSUPPORT)
	}
	if u.is("MemoryDenyWriteExecute") {
		refuse(when("mmap", bits(2, unix.PROT_WRITE), bits(2, unix.PROT_EXEC)), unix.EPERM)
		refuse(when("mprotect", bits(2, unix.PROT_EXEC)), unix.EPERM)
	}
	if u.is("RestrictNamespaces") {
		refuse(seccomp.SyscallGroup{Names: []string{"unshare", "setns"}}, unix.EPERM)
		refuse(seccomp.SyscallGroup{Names: []string{"clone3"}}, unix.ENOSYS)
		for _, flag := range []uint64{unix.CLONE_NEWNS, unix.CLONE_NEWCGROUP, unix.CLONE_NEWIPC, unix.CLONE_NEWNET, unix.CLONE_NEWPID, unix.CLONE_NEWUSER, unix.CLONE_NEWUTS} {
			refuse(when("clone", bits(0, flag)), unix.EPERM)
		}
	}
	for name, forbidden := range map[string][]string{
		"ProtectClock": clockCalls, "ProtectKernelLogs": {"syslog"}, "ProtectHostname": {"sethostname", "setdomainname"},
		"ProtectKernelModules": {"init_module", "finit_module", "delete_module"},
	} {
		if u.is(name) {
			refuse(seccomp.SyscallGroup{Names: forbidden}, unix.EPERM)
		}
	}
	other := seccomp.ActionKillProcess
	if slicesEqual(u["SystemCallErrorNumber"], "EPERM") {
		other = seccomp.ActionErrno // as a default it is EPERM
	}
	return append(list, seccomp.Filter{NoNewPrivs: u.is("NoNewPrivileges"), Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{DefaultAction: other,
		Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: calls}}}})
}

var families = map[string]uint64{"AF_UNIX": unix.AF_UNIX, "AF_INET": unix.AF_INET, "AF_INET6": unix.AF_INET6, "AF_NETLINK": unix.AF_NETLINK, "AF_PACKET": unix.AF_PACKET}

func slicesEqual(words []string, only string) bool { return len(words) == 1 && words[0] == only }
